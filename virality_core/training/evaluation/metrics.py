"""Figures with bootstrap intervals; a figure that is not defined is None with its reason, never NaN."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
#: Truth (N,) and answers (N,) → figures by name; None where one is not defined on these.
Measure = Callable[[Values, Values], Mapping[str, float | None]]

DRAWS = 500
LEVEL = 0.95


def with_intervals(
    measure: Measure, truth: Values, answers: Values, groups: NDArray[np.int64], *, seed: int = 0, draws: int = DRAWS
) -> dict[str, dict[str, Any]]:
    """Each figure as {"value", "low", "high"}, the ends of its 95 % percentile interval.

    Whole groups are drawn with replacement (an author's posts resemble one another, so drawing posts would promise too
    much). Draws on which a figure is not defined are left out; where that is every tenth or more, the interval is None.

    Args:
        measure: from truth and answers, float64 (N,) each, to figures.
        truth, answers, groups: (N,) each.
        seed, draws: of the bootstrap.
    """
    found = measure(truth, answers)
    chance = np.random.default_rng(seed)
    members = [np.flatnonzero(groups == one) for one in np.unique(groups)]
    drawn: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(draws):
        rows = np.concatenate([members[one] for one in chance.integers(0, len(members), len(members))])
        for name, value in measure(truth[rows], answers[rows]).items():
            if value is not None:
                drawn[name].append(value)
    tail = 100 * (1 - LEVEL) / 2
    figures: dict[str, dict[str, Any]] = {}
    for name, value in found.items():
        defined = value is not None and len(drawn[name]) > 0.9 * draws and len(members) > 1
        low, high = np.percentile(drawn[name], [tail, 100 - tail]).tolist() if defined else (None, None)
        figures[name] = {"value": value, "low": low, "high": high}
    return figures


def spearman(a: Values, b: Values) -> float | None:
    """Spearman's rank correlation, ties sharing their mean rank; None where one of both is constant."""
    return pearson(_ranks(a), _ranks(b))


def pearson(a: Values, b: Values) -> float | None:
    """Pearson's correlation; None where one of both is constant, or there are fewer than two values."""
    if (
        len(a) < 2
        or math.isclose(float(a.std()), 0.0, abs_tol=1e-12)
        or math.isclose(float(b.std()), 0.0, abs_tol=1e-12)
    ):
        return None
    return float(np.clip(np.corrcoef(a, b)[0, 1], -1.0, 1.0))


def _ranks(values: Values) -> Values:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Values = ((ends - counts + 1 + ends) / 2)[place]
    return ranks
