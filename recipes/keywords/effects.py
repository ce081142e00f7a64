"""Effects of caption features on engagement beside account size: the samples, the model, the verdicts.

For each collection and language with at least MIN_POSTS captions, one least-squares model per outcome:

    ln(1 + outcome) ~ account size (restricted cubic spline of ln(1 + followers)) + ln(days since posting) + features

Account size and age are left out where a collection does not know them. The primary outcome is likes + comments +
shares; its intervals are widened by Bonferroni's rule for the number of features, and a feature counts only if that
widened interval leaves zero out. Likes, comments and shares by themselves are shown beside it, corrected for all of
their intervals, and never count. Errors are clustered by author; a rule that fired for fewer than MIN_CARRIERS authors
can't count, since clustered errors are too small there. What is known only after posting is no feature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recipes.keywords.language_rule import surely
from virality_core.scorers.caption.keywords import FEATURES, has_prose, read_keywords
from virality_core.training.datasets.post_table import PostRecord
from virality_core.training.statistics import (
    Array,
    Index,
    least_squares,
    normal_quantile,
    numbers,
    size_basis,
    size_knots,
)

MIN_POSTS = 1_000
MIN_CARRIERS = 30  # authors; with a planted null, features of one or two authors "counted" in 4 of 12 made-up samples
PRIMARY = "engagement"
SECONDARY = ("likes", "comments", "shares")
HASHTAGS = "hashtags"  # ln(1 + hashtags): fitted beside the keyword features, counted by no keyword signal


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """The captions of one collection and language, ready to fit.

    `controls` (N, C) with the intercept, `features` (N, F) in the order of `names`, `outcomes` name → (N,) in ln units.
    A feature that is the same in all captions (its rule does not exist in the language) is left out.
    """

    collection: str
    language: str
    names: tuple[str, ...]
    authors: tuple[str, ...]
    controls: Array
    features: Array
    outcomes: Mapping[str, Array]
    sized: bool
    aged: bool
    dates: tuple[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What one more unit of a feature goes with, in ln units of the outcome.

    `low`, `high` is the 95 % interval; `widened` the one that holds for all of them at once; `carriers` the number of
    authors with a caption whose value is not the commonest one; `counts` where the widened interval leaves zero out
    and there are MIN_CARRIERS of them.
    """

    effect: float
    low: float
    high: float
    widened: tuple[float, float]
    carriers: int
    counts: bool


def samples_of(posts: Sequence[PostRecord], extra: Mapping[str, Array] | None = None) -> tuple[Sample, ...]:
    """Split posts into samples by collection and language; those under MIN_POSTS captions are left out.

    Args:
        posts: From `read_posts`.
        extra: Further features by name, (N,) in the order of `posts`: a sentiment, say.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for place, post in enumerate(posts):
        language = surely(post.caption)
        if language and has_prose(post.caption):
            groups.setdefault((post.collection, language), []).append(place)
    return tuple(
        _sample(*key, [posts[place] for place in places], {n: v[places] for n, v in (extra or {}).items()})
        for key, places in sorted(groups.items())
        if len(places) >= MIN_POSTS
    )


def _sample(collection: str, language: str, posts: Sequence[PostRecord], extra: Mapping[str, Array]) -> Sample:
    sized = sum(post.followers is not None for post in posts) >= len(posts) / 2
    if sized:
        kept = [place for place, post in enumerate(posts) if post.followers is not None]
        posts, extra = [posts[place] for place in kept], {name: values[kept] for name, values in extra.items()}
    ages = [_days(post) for post in posts]
    aged = all(age is not None for age in ages)
    columns = [np.ones((len(posts), 1))]
    if sized:
        followers = np.asarray([post.followers or 0.0 for post in posts])
        columns = [size_basis(followers, size_knots(followers))]
    if aged:
        columns.append(np.log([[age or 0.0] for age in ages]))
    read = [read_keywords(post.caption, language, "tiktok").features for post in posts]
    features = [np.asarray([values[name] for values in read]) for name in FEATURES]
    features.append(np.log1p([float(post.hashtag_count) for post in posts]))
    named = dict(zip((*FEATURES, HASHTAGS), features, strict=True)) | dict(extra)
    varying = {name: values for name, values in named.items() if float(np.ptp(values)) > 0.0}
    dates = sorted(post.posted_at.date().isoformat() for post in posts if post.posted_at)
    return Sample(
        collection=collection,
        language=language,
        names=tuple(varying),
        authors=tuple(post.author for post in posts),
        controls=np.concatenate(columns, axis=1),
        features=np.stack(list(varying.values()), axis=1),
        outcomes=_outcomes(posts),
        sized=sized,
        aged=aged,
        dates=(dates[0], dates[-1]) if dates else None,
    )


def _days(post: PostRecord) -> float | None:
    if post.posted_at is None or post.observed_at is None:
        return None
    return max(0.1, (post.observed_at - post.posted_at).total_seconds() / 86_400.0)


def _outcomes(posts: Sequence[PostRecord]) -> dict[str, Array]:
    counts = np.asarray([[post.likes, post.comments or 0.0, post.shares or 0.0] for post in posts])
    return {PRIMARY: np.log1p(counts.sum(axis=1))} | {
        name: np.log1p(counts[:, column]) for column, name in enumerate(SECONDARY)
    }


def fit_effects(sample: Sample, outcome: str = PRIMARY, *, only: Index | None = None) -> dict[str, Effect]:
    """The effect of each feature on one outcome, all features and controls in one model.

    Args:
        sample: From `samples_of`.
        outcome: PRIMARY, or one of SECONDARY: those are corrected for all their intervals together.
        only: The posts to use; all by default.
    """
    places = np.arange(len(sample.authors)) if only is None else only
    design = np.concatenate([sample.controls, sample.features], axis=1)[places]
    authors = numbers([sample.authors[place] for place in places])
    fit = least_squares(design, sample.outcomes[outcome][places], authors)
    first = sample.controls.shape[1]
    wide = normal_quantile(len(sample.names) * (1 if outcome == PRIMARY else len(SECONDARY)))
    found = {}
    for name, column, effect, error in zip(
        sample.names, design[:, first:].T, fit.coefficients[first:], fit.errors[first:], strict=True
    ):
        plain, widened = normal_quantile() * error, wide * error
        carriers = len(np.unique(authors[column != _commonest(column)]))
        found[name] = Effect(
            effect=float(effect),
            low=float(effect - plain),
            high=float(effect + plain),
            widened=(float(effect - widened), float(effect + widened)),
            carriers=carriers,
            counts=bool(carriers >= MIN_CARRIERS and abs(effect) > widened),
        )
    return found


def _commonest(values: Array) -> float:
    found, counts = np.unique(values, return_counts=True)
    return float(found[counts.argmax()])


def strength(sample: Sample, effects: Mapping[str, Effect]) -> Array:
    """(N,) the ln engagement that the keyword features which count go with, against the mean caption; else zeros."""
    counting = {name: found.effect for name, found in effects.items() if name in FEATURES and found.counts}
    weights = np.asarray([counting.get(name, 0.0) for name in sample.names])
    return np.asarray((sample.features - sample.features.mean(axis=0)) @ weights, dtype=np.float64)
