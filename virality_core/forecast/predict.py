"""A post and its reel → the ranges of likes, comments, shares, saves and plays that a report shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from virality_core.config import signals
from virality_core.errors import UsageError
from virality_core.forecast.features import Embed, Facts, ReadPosts, as_read, facts_from
from virality_core.forecast.model import EngagementModel, shipped
from virality_core.forecast.own_posts_fit import History, moved, own_range
from virality_core.types import Engagement, Post, Range, VideoInfo

COUNTS = ("likes", "comments", "shares", "saves", "plays")
#: The one recent collection that knows account sizes, and the one that counted saves.
DEFAULT_COLLECTION = "tiktok-vn-2025"

_CHOICES = {
    "duration": "a longer reel",
    "hashtags": "more hashtags",
    "characters": "a longer caption",
    "question": "a question in the caption",
    "emoji": "more emoji",
    "tag_for_you": "hashtags like #fyp",
    "music_original": "a sound of your own",
}
_INDEXED = "smp_video"
_SERVED_SIDE = 576.0  # TikTok's posts were collected at this short side, whatever was uploaded
_OTHERS = {"instagram": "Instagram", "youtube": "YouTube"}


def collections() -> Mapping[str, str]:
    """The collections of posts whose counts can be predicted, with their titles in words.

    Raises:
        WeightsError: the model is missing or not what the manifest states.
    """
    known = shipped().collections
    return {
        name: signals.collections_named(name) for name, stated in known.items() if set(COUNTS) & set(stated["targets"])
    }


def predict(post: Post, video: VideoInfo, embed: Embed, collection: str = DEFAULT_COLLECTION) -> Engagement:
    """What a post like this would get among the posts of a collection.

    Args:
        post: What is known of it. video: The reel. embed: What makes vectors of captions.
        collection: One of `collections()`.

    Raises:
        UsageError: there is no such collection. WeightsError: the model is missing or not what the manifest states.
    """
    model = shipped()
    if collection not in collections():
        raise UsageError(f"There is no collection of posts {collection!r}; use {', '.join(collections())}.")
    facts = facts_of(post, video)
    stated = model.collections[collection]
    sized = bool(stated["sized"]) and post.followers is not None
    read = as_read([facts], embed)
    ranges = {target: _range(model, collection, target, read) for target in COUNTS}
    size = "accounts this size" if sized else "accounts of any size"
    return Engagement(
        collection=collection,
        population=f"posts of {size}, {signals.collections_named(collection)}",
        sized=sized,
        notes=(*_notes(model, collection, post), *_on_the_index(model, post, read)),
        own_posts=None,
        **ranges,
    )


def predict_own(post: Post, video: VideoInfo, history: History, embed: Embed) -> Engagement:
    """What a post like this would get from this creator, by their own past posts.

    Args:
        post: What is known of it. video: The reel. history: From `fit_history`. embed: As in the fit.

    Raises:
        UsageError: the history stands beside a collection that no longer exists. WeightsError: as for `predict`.
    """
    model = shipped()
    if history.collection not in collections():
        raise UsageError(f"The history stands beside {history.collection!r}, which no longer exists; fit it anew.")
    facts = facts_of(post, video)
    if history.followers is None or facts.followers is None:  # the general model reads what it read in the fit
        facts = replace(facts, followers=history.followers)
    ranges: dict[str, Range | None] = dict.fromkeys(COUNTS)
    read = as_read([facts], embed)
    for target, own in history.targets.items():
        if target in model.targets(history.collection):
            general = model.predict(history.collection, target, read)
            ranges[target] = own_range(own, facts, float(general.median[0]))
    errors = [
        f"{target} by a factor of {math.exp(own.loo_error):.1f}, by the general model {math.exp(own.general_error):.1f}"
        for target, own in history.targets.items()
    ]
    return Engagement(
        collection=history.collection,
        population=f"your own {history.posts} posts",
        sized=facts.followers is not None,
        own_posts=history.posts,
        notes=(f"Each of your posts predicted from the others is typically off: {'; '.join(errors)}.", _moved(history)),
        **ranges,
    )


def _moved(history: History) -> str:
    """What the creator's posts went with, for the count that says most; effects are of one spread of the choice."""
    target = next(count for count in ("plays", *COUNTS) if count in history.targets)
    told = [
        f"{_CHOICES[name]} ({100.0 * math.expm1(effect):+.0f} %)"
        for name, effect in moved(history.targets[target])
        if name in _CHOICES
    ]
    if not told:
        return f"Nothing you chose (length, caption, hashtags, sound) went with more or fewer {target} beyond chance."
    return (
        f"With {target} of your posts went {', '.join(told)}, each for as much more of it as your posts differ by; "
        "chance has a part in it."
    )


def facts_of(post: Post, video: VideoInfo) -> Facts:
    """What the models may know of a post before it is out."""
    shrunk = _SERVED_SIDE / max(1.0, float(min(video.width, video.height)))
    columns = {
        "caption": post.caption,
        "followers": post.followers,
        "following": post.following,
        "videos": post.videos,
        "duration_s": video.duration_seconds,
        "width": shrunk * video.width,
        "height": shrunk * video.height,
        "music_title": post.music,
        "music_original": post.music_original,
        "music_uses": post.music_uses,
    }
    return facts_from(columns, _utc(post.posted_at))


def _utc(when: datetime | None) -> datetime | None:
    """The time in UTC, as the collections' times are; one without a zone is taken to be that already."""
    return when if when is None or when.tzinfo is None else when.astimezone(UTC)


def _range(model: EngagementModel, collection: str, target: str, read: ReadPosts) -> Range | None:
    if target not in model.targets(collection):
        return None
    found = model.predict(collection, target, read)
    low, median, high = (max(0.0, math.expm1(float(edge[0]))) for edge in (found.low, found.median, found.high))
    return Range(low=low, median=median, high=high)


def _notes(model: EngagementModel, collection: str, post: Post) -> list[str]:
    stated = model.collections[collection]
    notes = []
    if "plays" in stated["targets"]:
        seen = _round(math.expm1(stated["targets"]["plays"]["quantiles"][0]))
        notes.append(
            f"These are posts that did well, which is why they were collected: nine in ten had over {seen:,} plays. "
            "An ordinary post gets far less."
        )
    if post.platform in _OTHERS:
        name = _OTHERS[post.platform]
        notes.append(f"This is what a TikTok post like this would get; no public {name} data of this kind exists.")
    if not stated["sized"]:
        notes.append("This collection does not know account sizes, so the ranges are wide.")
    elif post.followers is None:
        notes.append("Your followers are not stated: these are ranges of accounts of any size.")
    else:
        few, _, many = (_round(count) for count in stated["followers"])
        if not few <= post.followers <= many:
            notes.append(
                f"Nine in ten of these posts are of accounts with {few:,} to {many:,} followers; for "
                f"{post.followers:,} the ranges are a guess."
            )
    if "saves" in stated["targets"]:
        notes.append("Saves were counted in this one collection only.")
    return notes


def _on_the_index(model: EngagementModel, post: Post, read: ReadPosts) -> list[str]:
    """What the one collection says that knows following and number of videos, where one of them is stated."""
    if post.following is None and post.videos is None:
        return []
    if post.followers is None:
        return ["Following and number of videos are read together with followers alone, which are not stated."]
    found = model.predict(_INDEXED, "popularity", read)
    low, median, high = (float(edge[0]) for edge in (found.low, found.median, found.high))
    _, half, many = model.collections[_INDEXED]["targets"]["popularity"]["quantiles"]
    return [
        "Following and number of videos are known to one collection only, the posts of the SMP-Video challenge 2025, "
        f"which counts in a popularity index of its own, on a log scale: a post like this gets {median:.1f}, 80 % "
        f"between {low:.1f} and {high:.1f}; half of its posts have over {half:.1f}, one in ten over {many:.1f}. They "
        "move none of the ranges of likes and plays."
    ]


def _round(value: float) -> int:
    """Two significant digits."""
    digits = max(0, math.floor(math.log10(value)) - 1) if value >= 1 else 0
    return round(value / 10.0**digits) * int(10**digits)
