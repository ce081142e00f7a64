"""How right predicted engagement is: rank, error, coverage, width, beside the baselines, by collection and target."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from virality_core.forecast.features import as_read
from virality_core.forecast.model import EngagementModel, Ranges
from virality_core.models.language.minilm_embedding import embed_captions
from virality_core.training.datasets.engagement_posts import COUNTS, POPULARITY, PostOutcome, target_units

Array = NDArray[np.float64]

DEFAULT_COLLECTION = "tiktok-vn-2025"  # posts of a collection the model doesn't know are read as of this one
ALL = "all"
FIGURES = ("spearman", "mae_ln", "mape", "coverage80", "width80")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predicted:
    """N posts' outcomes and predictions of one target in its units, (N,) each; `authors` (N,) as numbers."""

    target: str
    truth: Array
    authors: NDArray[np.int64]
    by: Mapping[str, Ranges]  # "" for the model, or the baseline's name


def predictions(model: EngagementModel, posts: Sequence[PostOutcome]) -> dict[tuple[str, str], Predicted]:
    """What model and baselines say of posts, by (collection, target); `followers` only where any post has them."""
    numbers = {name: place for place, name in enumerate(sorted({f"{p.collection} {p.author}" for p in posts}))}
    found: dict[tuple[str, str], Predicted] = {}
    for collection in sorted({post.collection for post in posts}):
        fitted = collection if collection in model.collections else DEFAULT_COLLECTION
        own = [post for post in posts if post.collection == collection]
        base = as_read([post.facts for post in own], embed_captions)
        for target in (*COUNTS, POPULARITY):
            places = [place for place, post in enumerate(own) if target in post.targets]
            chosen, read = [own[place] for place in places], base.rows(places)
            if not chosen or target not in model.targets(fitted):
                continue
            facts = [post.facts for post in chosen]
            by = {
                "": model.predict(fitted, target, read),
                "constant": model.constant(fitted, target, len(facts)),
            }
            if model.collections[fitted]["sized"] and any(fact.followers is not None for fact in facts):
                by["followers"] = model.followers_alone(fitted, target, facts, read.features)
            found[collection, target] = Predicted(
                target=target,
                truth=np.array([target_units(target, post.targets[target]) for post in chosen]),
                authors=np.array([numbers[f"{collection} {post.author}"] for post in chosen]),
                by=by,
            )
    return found


def rows(found: Mapping[tuple[str, str], Predicted], *, draws: int = 0) -> list[dict[str, Any]]:
    """The figures, one row for each collection, target and baseline, and pooled rows with `collection` = all.

    In a pooled row every post is predicted as of its own collection, and where a collection has no followers the
    baseline `followers` is its constant.

    Args:
        found: From `predictions`. draws: bootstrap samples of authors for 95 % intervals; 0 for none.
    """
    made = []
    for (collection, _), predicted in found.items():
        made += [
            _row(collection, predicted, name, draws) for name in ("", "constant", "followers") if name in predicted.by
        ]
    for target in (*COUNTS, POPULARITY):
        parts = [predicted for (_, of), predicted in found.items() if of == target]
        if parts:
            pooled = _pooled(target, parts)
            made += [_row(ALL, pooled, name, draws) for name in pooled.by]
    return made


def figures(target: str, truth: Array, ranges: Ranges) -> dict[str, float | None]:
    """Spearman, mean error, MAPE, and coverage and mean width of the interval.

    `mae_ln` and `width80` are in the target's units: ln(1 + count), or the popularity's own log scale. `mape` is of the
    popularity alone; Spearman is null where one side is constant.
    """
    error = np.abs(ranges.median - truth)
    positive = truth > 0
    return {
        "spearman": rank_correlation(ranges.median, truth),
        "mae_ln": float(error.mean()),
        "mape": float((error[positive] / truth[positive]).mean()) if target == POPULARITY and positive.any() else None,
        "coverage80": float(((truth >= ranges.low - 1e-9) & (truth <= ranges.high + 1e-9)).mean()),
        "width80": float((ranges.high - ranges.low).mean()),
    }


def rank_correlation(one: Array, other: Array) -> float | None:
    """Spearman's rank correlation, ties at their mean rank; None where one side is constant."""
    first, second = (_ranks(side) - (len(side) + 1) / 2.0 for side in (one, other))
    scale = math.sqrt(float(first @ first) * float(second @ second))
    return float(first @ second) / scale if scale > 0.0 else None


def author_draws(authors: NDArray[np.int64], draws: int) -> list[NDArray[np.int64]]:
    """Rows of bootstrap samples in which whole authors are drawn again with replacement; the same each time."""
    order = np.argsort(authors, kind="stable")
    starts = np.unique(authors[order], return_index=True)[1]
    members = np.split(order, starts[1:])
    generator = np.random.default_rng(0)
    return [
        np.concatenate([members[i] for i in generator.integers(0, len(members), len(members))]) for _ in range(draws)
    ]


def interval(values: Sequence[float | None]) -> list[float] | None:
    """The 95 % percentile interval of bootstrap values; None where there are none."""
    known = [value for value in values if value is not None]
    return [round(float(edge), 4) for edge in np.quantile(known, [0.025, 0.975])] if known else None


def better(
    predicted: Predicted, baseline: str, measure: Callable[[Array, Array], float | None], draws: int
) -> list[float] | None:
    """The 95 % author-bootstrap interval of the model's `measure(point, truth)` less the baseline's."""
    values = []
    for drawn in author_draws(predicted.authors, draws):
        truth = predicted.truth[drawn]
        pair = [measure(predicted.by[name].median[drawn], truth) for name in ("", baseline)]
        values.append(None if pair[0] is None else pair[0] - (pair[1] or 0.0))
    return interval(values)


def _row(collection: str, predicted: Predicted, name: str, draws: int) -> dict[str, Any]:
    ranges = predicted.by[name]
    row: dict[str, Any] = {
        "collection": collection,
        "target": predicted.target,
        "baseline": name or None,
        "n": len(predicted.truth),
        **{key: _rounded(value) for key, value in figures(predicted.target, predicted.truth, ranges).items()},
    }
    if draws:
        drawn = [
            figures(predicted.target, predicted.truth[rows], _some(ranges, rows))
            for rows in author_draws(predicted.authors, draws)
        ]
        row["authors"] = len(np.unique(predicted.authors))
        row["intervals"] = {key: interval([figure[key] for figure in drawn]) for key in FIGURES}
    return row


def _pooled(target: str, parts: Sequence[Predicted]) -> Predicted:
    names = [name for name in ("", "constant", "followers") if any(name in part.by for part in parts)]
    by = {}
    for name in names:
        chosen = [part.by.get(name, part.by["constant"]) for part in parts]
        by[name] = Ranges(
            **{edge: np.concatenate([getattr(ranges, edge) for ranges in chosen]) for edge in ("low", "median", "high")}
        )
    return Predicted(
        target=target,
        truth=np.concatenate([part.truth for part in parts]),
        authors=np.concatenate([part.authors for part in parts]),
        by=by,
    )


def _some(ranges: Ranges, rows: NDArray[np.int64]) -> Ranges:
    return Ranges(low=ranges.low[rows], median=ranges.median[rows], high=ranges.high[rows])


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _ranks(values: Array) -> Array:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2.0)[inverse], dtype=np.float64)
