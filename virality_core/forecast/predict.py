"""Predicts the ranges of likes, comments, shares, saves and plays that a report shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC
from typing import Any

from virality_core.config import signals
from virality_core.errors import UsageError
from virality_core.forecast.counts import COUNTS
from virality_core.forecast.features import Embed, Facts, ReadPosts, as_read, facts_from
from virality_core.forecast.model import EngagementModel, bundled_model
from virality_core.forecast.own_posts_fit import History, predicted_range, strongest_effects
from virality_core.types import Engagement, Post, Range, VideoInfo

DEFAULT_COLLECTION = "tiktok-vn-2025"  # recent, and the only one that counted saves and knows account sizes

_CHOICES = {
    "duration": "a longer video",
    "hashtags": "more hashtags",
    "characters": "a longer caption",
    "question": "a question in the caption",
    "emoji": "more emoji",
    "tag_for_you": "hashtags like #fyp",
    "music_original": "original sound",
}
_INDEX_COLLECTION = "smp_video"  # counts popularity on an index of its own; the only one that knows `following`
_SHORT_SIDE = 576.0  # TikTok's posts were collected at this short side, whatever was uploaded
_OTHER_PLATFORMS = {"instagram": "Instagram", "youtube": "YouTube"}


def collections() -> Mapping[str, str]:
    """The collections of posts whose counts can be predicted, with their titles.

    Raises:
        WeightsError: the model is missing or not what the manifest states.
    """
    known = bundled_model().collections
    return {
        name: signals.collections_named(name) for name, about in known.items() if set(COUNTS) & set(about["targets"])
    }


def predict(post: Post, video: VideoInfo, embed: Embed, collection: str = DEFAULT_COLLECTION) -> Engagement:
    """What a post like this would get among the posts of a collection.

    Args:
        post: what is known of it. video: the reel. embed: makes vectors of captions.
        collection: one of `collections()`.

    Raises:
        UsageError: there is no such collection. WeightsError: the model is missing or not what the manifest states.
    """
    model = bundled_model()
    if collection not in collections():
        raise UsageError(f"There is no collection of posts {collection!r}; use {', '.join(collections())}.")
    read = as_read([facts_of(post, video)], embed)
    ranges: dict[str, Range | None] = dict.fromkeys(COUNTS)
    for target in set(COUNTS) & set(model.targets(collection)):
        found = model.predict(collection, target, read)
        low, median, high = (max(0.0, math.expm1(float(edge[0]))) for edge in (found.low, found.median, found.high))
        ranges[target] = Range(low=low, median=median, high=high)
    sized = bool(model.collections[collection]["sized"]) and post.followers is not None
    size = "accounts this size" if sized else "accounts of any size"
    return Engagement(
        collection=collection,
        population=f"posts of {size}, {signals.collections_named(collection)}",
        sized=sized,
        notes=(*_notes(model.collections[collection], post), *_popularity_notes(model, post, read)),
        own_posts=None,
        **ranges,
    )


def predict_from_history(post: Post, video: VideoInfo, history: History, embed: Embed) -> Engagement:
    """What a post like this would get from this creator, by their own past posts.

    Args:
        post: what is known of it. video: the reel. history: from `fit_history`. embed: as in the fit.

    Raises:
        UsageError: the history's collection no longer exists. WeightsError: as for `predict`.
    """
    model = bundled_model()
    if history.collection not in collections():
        raise UsageError(f"The history needs the collection {history.collection!r}, which no longer exists; fit again.")
    facts = facts_of(post, video)
    if history.followers is None or facts.followers is None:  # the general model must read what it read in the fit
        facts = replace(facts, followers=history.followers)
    ranges: dict[str, Range | None] = dict.fromkeys(COUNTS)
    read = as_read([facts], embed)
    for target, fit in history.targets.items():
        if target in model.targets(history.collection):
            general = model.predict(history.collection, target, read)
            ranges[target] = predicted_range(fit, facts, float(general.median[0]))
    errors = "; ".join(
        f"{target} by a factor of {math.exp(fit.loo_error):.1f} ({math.exp(fit.general_error):.1f} without your posts)"
        for target, fit in history.targets.items()
    )
    return Engagement(
        collection=history.collection,
        population=f"your own {history.posts} posts",
        sized=facts.followers is not None,
        own_posts=history.posts,
        notes=(f"Predicting each of your posts from the others is typically off: {errors}.", _effects_note(history)),
        **ranges,
    )


def facts_of(post: Post, video: VideoInfo) -> Facts:
    """What the models may know of a post before it is published."""
    scale = _SHORT_SIDE / max(1.0, float(min(video.width, video.height)))
    columns = {
        "caption": post.caption,
        "followers": post.followers,
        "following": post.following,
        "videos": post.videos,
        "duration_s": video.duration_seconds,
        "width": scale * video.width,
        "height": scale * video.height,
        "music_title": post.music,
        "music_original": post.music_original,
        "music_uses": post.music_uses,
    }
    when = post.posted_at
    if when is not None and when.tzinfo is not None:  # without a zone it is taken as UTC, like the collections'
        when = when.astimezone(UTC)
    return facts_from(columns, when)


def _effects_note(history: History) -> str:
    """What the creator's choices went with, for the most telling count."""
    target = next(count for count in ("plays", *COUNTS) if count in history.targets)
    effects = [(name, effect) for name, effect in strongest_effects(history.targets[target]) if name in _CHOICES]
    sentences = []
    for more_or_fewer, sign in (("more", 1), ("fewer", -1)):
        choices = [f"{_CHOICES[name]} ({math.expm1(effect):+.0%})" for name, effect in effects if effect * sign > 0.0]
        if choices:
            sentences.append(f"Your posts with {more_or_fewer} {target} tended to have {', '.join(choices)}.")
    if not sentences:
        return f"Length, caption, hashtags and sound made no clear difference to your {target}."
    return " ".join([*sentences, "Part of this is chance."])


def _notes(about: Mapping[str, Any], post: Post) -> list[str]:
    """What a reader must know about a collection, `about` being its entry in the model."""
    notes = []
    if "plays" in about["targets"]:
        plays = _two_digits(math.expm1(about["targets"]["plays"]["quantiles"][0]))
        notes.append(
            f"These posts were collected because they did well: nine in ten had over {plays:,} plays. An ordinary post "
            "gets far less."
        )
    if post.platform in _OTHER_PLATFORMS:
        name = _OTHER_PLATFORMS[post.platform]
        notes.append(f"This is what a TikTok post like this would get; no public {name} data of this kind exists.")
    if not about["sized"]:
        notes.append("This collection has no account sizes, so the ranges are wide.")
    elif post.followers is None:
        notes.append("Your followers are not stated, so these are ranges for accounts of any size.")
    else:
        few, _, many = map(_two_digits, about["followers"])
        if not few <= post.followers <= many:
            notes.append(
                f"Nine in ten of these posts are from accounts with {few:,} to {many:,} followers; for "
                f"{post.followers:,} the ranges are a guess."
            )
    if "saves" in about["targets"]:
        notes.append("Saves were counted in this collection only.")
    return notes


def _popularity_notes(model: EngagementModel, post: Post, read: ReadPosts) -> list[str]:
    """The prediction of the only collection that knows following and number of videos, where one is stated."""
    if post.following is None and post.videos is None:
        return []
    if post.followers is None:
        return ["Following and number of videos count only together with followers, which are not stated."]
    found = model.predict(_INDEX_COLLECTION, "popularity", read)
    low, median, high = (float(edge[0]) for edge in (found.low, found.median, found.high))
    _, half, many = model.collections[_INDEX_COLLECTION]["targets"]["popularity"]["quantiles"]
    return [
        "Following and number of videos are known in one collection only, the SMP-Video challenge of 2025. It has a "
        f"popularity index instead of counts, on a log scale: a post like this gets {median:.1f}, 80 % between "
        f"{low:.1f} and {high:.1f}; half of its posts have over {half:.1f}, one in ten over {many:.1f}. The ranges of "
        "likes and plays don't use it."
    ]


def _two_digits(value: float) -> int:
    """Rounded to two significant digits."""
    digits = max(0, math.floor(math.log10(value)) - 1) if value >= 1 else 0
    return round(value / 10.0**digits) * int(10**digits)
