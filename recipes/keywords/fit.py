"""Fits how caption features go with engagement, checks it out of sample, and writes weights/keywords/effects.json.

    python -m recipes.keywords.fit --data FILE [--out FILE] [--metrics FILE]

FILE is what `read_posts` reads. For each collection and language with at least MIN_POSTS captions, one least-squares
model per outcome:

    ln(1 + outcome) ~ account size (restricted cubic spline of ln(1 + followers)) + ln(days since posting) + features

Account size and age are left out where a collection doesn't have them. The primary outcome is likes + comments +
shares; its intervals are widened by Bonferroni's rule for the number of features, and a feature counts only if the
widened interval excludes zero. Likes, comments and shares alone are reported too, corrected for all of their intervals,
and never count. Errors are clustered by author; clustered errors of few authors are too small, so a rule needs at least
MIN_CARRIERS authors to count. Nothing known only after posting is a feature.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recipes.keywords.language_rule import surely
from virality_core.errors import InputError, ViralityError
from virality_core.scorers.caption.keywords import FEATURES, has_prose, read_keywords
from virality_core.training.datasets.posts import PostRecord, read_posts
from virality_core.training.statistics import (
    Array,
    Index,
    folds,
    least_squares,
    normal_quantile,
    numbers,
    size_basis,
    size_knots,
    spearman,
    spearman_interval,
)

MIN_POSTS = 1_000
MIN_CARRIERS = 30  # authors; with a planted null, features of one or two authors "counted" in 4 of 12 made-up samples
PRIMARY = "engagement"
SECONDARY = ("likes", "comments", "shares")
HASHTAGS = "hashtags"  # ln(1 + hashtags): fitted with the keyword features, used by no keyword signal
FOLDS = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """The captions of one collection and language, ready to fit.

    `controls` (N, C) with the intercept, `features` (N, F) in the order of `names`, `outcomes` name → (N,) in ln units.
    A feature that is constant (its rule does not exist in the language) is left out.
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

    `low`, `high` is the 95 % interval; `widened` the one that holds for all features at once; `carriers` the number of
    authors with a caption whose value is not the most common one; `counts`: the widened interval excludes zero and
    there are at least MIN_CARRIERS of them.
    """

    effect: float
    low: float
    high: float
    widened: tuple[float, float]
    carriers: int
    counts: bool


def samples_of(posts: Sequence[PostRecord], extra: Mapping[str, Array] | None = None) -> tuple[Sample, ...]:
    """Split posts by collection and language, without samples of fewer than MIN_POSTS captions.

    Args:
        posts: From `read_posts`.
        extra: Further features by name, (N,) in the order of `posts`, such as sentiment.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for row, post in enumerate(posts):
        language = surely(post.caption)
        if language and has_prose(post.caption):
            groups.setdefault((post.collection, language), []).append(row)
    return tuple(
        _sample(*key, [posts[row] for row in rows], {name: values[rows] for name, values in (extra or {}).items()})
        for key, rows in sorted(groups.items())
        if len(rows) >= MIN_POSTS
    )


def _sample(collection: str, language: str, posts: Sequence[PostRecord], extra: Mapping[str, Array]) -> Sample:
    sized = sum(post.followers is not None for post in posts) >= len(posts) / 2
    if sized:
        kept = [row for row, post in enumerate(posts) if post.followers is not None]
        posts, extra = [posts[row] for row in kept], {name: values[kept] for name, values in extra.items()}
    ages = [_days(post) for post in posts]
    aged = all(age is not None for age in ages)
    columns = [np.ones((len(posts), 1))]
    if sized:
        followers = np.asarray([post.followers or 0.0 for post in posts])
        columns = [size_basis(followers, size_knots(followers))]
    if aged:
        columns.append(np.log([[age or 0.0] for age in ages]))
    read = [read_keywords(post.caption, language, "tiktok").features for post in posts]
    named = {name: np.asarray([values[name] for values in read]) for name in FEATURES}
    named |= {HASHTAGS: np.log1p([float(post.hashtag_count) for post in posts]), **extra}
    varying = {name: values for name, values in named.items() if float(np.ptp(values)) > 0.0}
    dates = sorted(post.posted_at.date().isoformat() for post in posts if post.posted_at)
    counts = np.asarray([[post.likes, post.comments or 0.0, post.shares or 0.0] for post in posts])
    return Sample(
        collection=collection,
        language=language,
        names=tuple(varying),
        authors=tuple(post.author for post in posts),
        controls=np.concatenate(columns, axis=1),
        features=np.stack(list(varying.values()), axis=1),
        outcomes={
            PRIMARY: np.log1p(counts.sum(axis=1)),
            **{name: np.log1p(counts[:, column]) for column, name in enumerate(SECONDARY)},
        },
        sized=sized,
        aged=aged,
        dates=(dates[0], dates[-1]) if dates else None,
    )


def _days(post: PostRecord) -> float | None:
    if post.posted_at is None or post.observed_at is None:
        return None
    return max(0.1, (post.observed_at - post.posted_at).total_seconds() / 86_400.0)


def fit_effects(sample: Sample, outcome: str = PRIMARY, *, only: Index | None = None) -> dict[str, Effect]:
    """The effect of each feature on one outcome, all features and controls in one model.

    Args:
        sample: From `samples_of`.
        outcome: PRIMARY, or one of SECONDARY, which are corrected for all their intervals together.
        only: The rows to use; all by default.
    """
    rows = np.arange(len(sample.authors)) if only is None else only
    design = np.concatenate([sample.controls, sample.features], axis=1)[rows]
    authors = numbers([sample.authors[row] for row in rows])
    fit = least_squares(design, sample.outcomes[outcome][rows], authors)
    first = sample.controls.shape[1]
    wide = normal_quantile(len(sample.names) * (1 if outcome == PRIMARY else len(SECONDARY)))
    effects = {}
    for name, column, effect, error in zip(
        sample.names, design[:, first:].T, fit.coefficients[first:], fit.errors[first:], strict=True
    ):
        plain, widened = normal_quantile() * error, wide * error
        values, counts = np.unique(column, return_counts=True)
        carriers = len(np.unique(authors[column != values[counts.argmax()]]))
        effects[name] = Effect(
            effect=float(effect),
            low=float(effect - plain),
            high=float(effect + plain),
            widened=(float(effect - widened), float(effect + widened)),
            carriers=carriers,
            counts=bool(carriers >= MIN_CARRIERS and abs(effect) > widened),
        )
    return effects


def strength(sample: Sample, effects: Mapping[str, Effect]) -> Array:
    """(N,) ln engagement that the keyword features which count go with, against the mean caption; else zeros."""
    counting = {name: found.effect for name, found in effects.items() if name in FEATURES and found.counts}
    weights = np.asarray([counting.get(name, 0.0) for name in sample.names])
    return np.asarray((sample.features - sample.features.mean(axis=0)) @ weights, dtype=np.float64)


def out_of_sample(sample: Sample) -> dict[str, object]:
    """Does the strength rank what account size leaves unexplained, for authors it wasn't fitted on? Ten folds."""
    target = sample.outcomes[PRIMARY]
    fold_of = folds(sample.authors, FOLDS)
    residual, value = np.zeros_like(target), np.zeros_like(target)
    chosen: dict[str, int] = {}
    for fold in range(FOLDS):
        test = fold_of == fold
        train = np.flatnonzero(~test)
        base = np.linalg.lstsq(sample.controls[train], target[train], rcond=None)[0]
        residual[test] = target[test] - sample.controls[test] @ base
        effects = fit_effects(sample, only=train)
        value[test] = strength(sample, effects)[test]
        for name in sample.names:
            chosen[name] = chosen.get(name, 0) + int(name in FEATURES and effects[name].counts)
    return {
        **_rank(value, residual, sample),
        "squared_error_saved": round(1.0 - float(((residual - value) ** 2).sum() / (residual**2).sum()), 4),
        "folds_that_chose": {name: count for name, count in chosen.items() if count},
    }


def carried_over(source: Sample, target: Sample) -> dict[str, object]:
    """Does the strength fitted on one sample rank what account size leaves unexplained in another?"""
    outcome = target.outcomes[PRIMARY]
    residual = outcome - target.controls @ np.linalg.lstsq(target.controls, outcome, rcond=None)[0]
    return _rank(strength(target, fit_effects(source)), residual, target)


def _rank(value: Array, residual: Array, sample: Sample) -> dict[str, object]:
    low, high = spearman_interval(value, residual, numbers(sample.authors))
    return {
        "posts": len(value),
        "spearman": round(spearman(value, residual) or 0.0, 3),
        "interval": [round(low, 3), round(high, 3)],
    }


def report(samples: Sequence[Sample]) -> tuple[dict[str, object], dict[str, object]]:
    """The shipped effects and the out-of-sample figures, as plain JSON."""
    effects = {
        "schema": 1,
        "unit": "ln(1 + likes + comments + shares) for one more unit of a feature; exp(effect) is a factor",
        "rule": "a feature counts where its interval, widened for all features at once (Bonferroni), leaves zero out",
        "features": list(FEATURES),
        "fits": [_fit_entry(sample) for sample in samples],
    }
    metrics: dict[str, object] = {
        "same_collection": {_name(sample): out_of_sample(sample) for sample in samples},
        "other_collection": {
            f"{_name(source)} → {_name(target)}": carried_over(source, target)
            for source in samples
            for target in samples
            if source is not target and any(e.counts for n, e in fit_effects(source).items() if n in FEATURES)
        },
    }
    return effects, metrics


def _name(sample: Sample) -> str:
    return f"{sample.collection}, {sample.language}"


def _fit_entry(sample: Sample) -> dict[str, object]:
    primary = fit_effects(sample)
    design = np.concatenate([sample.controls, sample.features], axis=1)
    clusters = numbers(sample.authors)
    return {
        "collection": sample.collection,
        "language": sample.language,
        "posts": len(sample.authors),
        "authors": len(set(sample.authors)),
        "first": sample.dates[0] if sample.dates else None,
        "last": sample.dates[1] if sample.dates else None,
        "beside_account_size": sample.sized,
        "beside_days_since_posting": sample.aged,
        "r_squared_controls": round(least_squares(sample.controls, sample.outcomes[PRIMARY], clusters).r_squared, 4),
        "r_squared_with_features": round(least_squares(design, sample.outcomes[PRIMARY], clusters).r_squared, 4),
        "features": {
            name: {
                "mean": round(float(sample.features[:, column].mean()), 4),
                "range": [round(float(q), 4) for q in np.quantile(sample.features[:, column], [0.01, 0.99])],
                **_plain(primary[name]),
                **{outcome: _plain(fit_effects(sample, outcome)[name]) for outcome in SECONDARY},
            }
            for column, name in enumerate(sample.names)
        },
    }


def _plain(effect: Effect) -> dict[str, object]:
    return {
        "effect": round(effect.effect, 4),
        "interval": [round(effect.low, 4), round(effect.high, 4)],
        "widened": [round(edge, 4) for edge in effect.widened],
        "carriers": effect.carriers,
        "counts": effect.counts,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, check and write; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m recipes.keywords.fit", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="posts, as CSV or JSON lines")
    parser.add_argument("--out", type=Path, default=Path("weights/keywords/effects.json"))
    parser.add_argument("--metrics", type=Path, default=Path("weights/keywords/metrics.json"))
    args = parser.parse_args(arguments)
    try:
        samples = samples_of(read_posts(args.data))
        if not samples:
            raise InputError(f"{args.data.name} has fewer than {MIN_POSTS} captions in any language with rules.")
    except ViralityError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    for path, plain in zip((args.out, args.metrics), report(samples), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(plain, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
