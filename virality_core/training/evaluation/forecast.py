"""How right forecasts are: rank, error, coverage and width next to baselines, by collection and target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from virality_core.forecast.counts import COUNTS
from virality_core.forecast.features import as_read
from virality_core.forecast.model import EngagementModel, Ranges
from virality_core.models.language.minilm import embed_captions
from virality_core.training.datasets.posts import POPULARITY, PostOutcome, target_units
from virality_core.training.statistics import Array, Index, author_bootstrap, interval, numbers, spearman

DEFAULT_COLLECTION = "tiktok-vn-2025"  # stands in for collections that the model doesn't know
TARGETS = (*COUNTS, POPULARITY)
_PREDICTORS = ("", "constant", "followers")  # the model and its baselines


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predicted:
    """N posts' outcomes and predictions of one target in its units, (N,) each; `authors` (N,) as numbers."""

    target: str
    truth: Array
    authors: Index
    by: Mapping[str, Ranges]  # "" for the model, or the baseline's name


def predictions(model: EngagementModel, posts: Sequence[PostOutcome]) -> dict[tuple[str, str], Predicted]:
    """Predictions by model and baselines, by (collection, target); `followers` only where any post has them."""
    authors = numbers([f"{post.collection} {post.author}" for post in posts])
    found: dict[tuple[str, str], Predicted] = {}
    for collection in sorted({post.collection for post in posts}):
        fitted = collection if collection in model.collections else DEFAULT_COLLECTION
        members = [index for index, post in enumerate(posts) if post.collection == collection]
        all_read = as_read([posts[index].facts for index in members], embed_captions)
        for target in TARGETS:
            rows = [row for row, index in enumerate(members) if target in posts[index].targets]
            if not rows or target not in model.targets(fitted):
                continue
            chosen, read = [posts[members[row]] for row in rows], all_read.rows(rows)
            facts = [post.facts for post in chosen]
            by = {"": model.predict(fitted, target, read), "constant": model.constant(fitted, target, len(facts))}
            if model.collections[fitted]["sized"] and any(fact.followers is not None for fact in facts):
                by["followers"] = model.followers_alone(fitted, target, facts, read.features)
            found[collection, target] = Predicted(
                target=target,
                truth=np.array([target_units(target, post.targets[target]) for post in chosen]),
                authors=authors[[members[row] for row in rows]],
                by=by,
            )
    return found


def rows(found: Mapping[tuple[str, str], Predicted], *, draws: int = 0) -> list[dict[str, Any]]:
    """The figures, one row for each collection, target and predictor, and pooled rows with `collection` = all.

    In a pooled row every post is predicted as of its own collection; where that has no followers, the baseline
    `followers` is its constant. `draws` bootstrap samples of authors give 95 % intervals, if any.
    """
    pooled = {
        ("all", target): _pooled([predicted for (_, of), predicted in found.items() if of == target])
        for target in TARGETS
        if any(of == target for _, of in found)
    }
    return [
        _row(collection, predicted, name, draws)
        for (collection, _), predicted in [*found.items(), *pooled.items()]
        for name in _PREDICTORS
        if name in predicted.by
    ]


def figures(target: str, truth: Array, ranges: Ranges) -> dict[str, float | None]:
    """Spearman, mean error, MAPE, and coverage and mean width of the interval.

    `mae_ln` and `width80` are in the target's units: ln(1 + count), or the popularity's log scale. `mape` is of the
    popularity alone; Spearman is null where one side is constant.
    """
    error = np.abs(ranges.median - truth)
    positive = truth > 0
    return {
        "spearman": spearman(ranges.median, truth),
        "mae_ln": float(error.mean()),
        "mape": float((error[positive] / truth[positive]).mean()) if target == POPULARITY and positive.any() else None,
        "coverage80": float(((truth >= ranges.low - 1e-9) & (truth <= ranges.high + 1e-9)).mean()),
        "width80": float((ranges.high - ranges.low).mean()),
    }


def gain_interval(
    predicted: Predicted, baseline: str, measure: Callable[[Array, Array], float | None], draws: int
) -> list[float] | None:
    """The 95 % author-bootstrap interval of the model's `measure(median, truth)` less the baseline's."""
    gains = []
    for sample in author_bootstrap(predicted.authors, draws):
        truth = predicted.truth[sample]
        ours, theirs = (measure(predicted.by[name].median[sample], truth) for name in ("", baseline))
        gains.append(None if ours is None else ours - (theirs or 0.0))
    return rounded_interval(gains)


def rounded_interval(values: Sequence[float | None]) -> list[float] | None:
    """`statistics.interval` to four digits, for JSON."""
    found = interval(values)
    return None if found is None else [round(edge, 4) for edge in found]


def _row(collection: str, predicted: Predicted, name: str, draws: int) -> dict[str, Any]:
    def measured(chosen: Index | slice) -> dict[str, float | None]:
        return figures(predicted.target, predicted.truth[chosen], _some(predicted.by[name], chosen))

    row: dict[str, Any] = {
        "collection": collection,
        "target": predicted.target,
        "baseline": name or None,
        "n": len(predicted.truth),
        **{key: None if value is None else round(value, 4) for key, value in measured(slice(None)).items()},
    }
    if draws:
        samples = [measured(sample) for sample in author_bootstrap(predicted.authors, draws)]
        row["authors"] = len(np.unique(predicted.authors))
        row["intervals"] = {key: rounded_interval([sample[key] for sample in samples]) for key in samples[0]}
    return row


def _pooled(parts: Sequence[Predicted]) -> Predicted:
    by = {}
    for name in _PREDICTORS:
        if any(name in part.by for part in parts):
            ranges = [part.by.get(name, part.by["constant"]) for part in parts]
            edges = ("low", "median", "high")
            by[name] = Ranges(**{edge: np.concatenate([getattr(one, edge) for one in ranges]) for edge in edges})
    return Predicted(
        target=parts[0].target,
        truth=np.concatenate([part.truth for part in parts]),
        authors=np.concatenate([part.authors for part in parts]),
        by=by,
    )


def _some(ranges: Ranges, chosen: Index | slice) -> Ranges:
    return Ranges(low=ranges.low[chosen], median=ranges.median[chosen], high=ranges.high[chosen])
