"""The few statistics the caption fits share: least squares with author-clustered errors, ranks, folds, bootstraps.

numpy only, and the same input gives the same numbers: folds come from a digest of the author's name, not from a
random generator.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]

KNOT_QUANTILES = (0.05, 0.35, 0.65, 0.95)  # Harrell, Regression Modeling Strategies, 2nd ed. 2015, table 2.3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """Least squares: `coefficients` (P,), their author-clustered `errors` (P,), `residuals` (N,), `r_squared`."""

    coefficients: Array
    errors: Array
    residuals: Array
    r_squared: float


def least_squares(design: Array, target: Array, clusters: Index) -> Fit:
    """Ordinary least squares with errors clustered by author (Liang and Zeger 1986, with the G/(G−1) correction).

    Args:
        design: (N, P), with its intercept; a column that others make up gets a coefficient by least norm.
        target: (N,).
        clusters: (N,) author numbers 0 … G−1.
    """
    inverse = np.linalg.pinv(design.T @ design, hermitian=True)
    coefficients = inverse @ (design.T @ target)
    residuals = target - design @ coefficients
    groups = int(clusters.max()) + 1
    scores = np.zeros((groups, design.shape[1]))
    np.add.at(scores, clusters, design * residuals[:, None])
    covariance = inverse @ (scores.T @ scores) @ inverse * (groups / max(1, groups - 1))
    spread = float(np.var(target))
    return Fit(
        coefficients=coefficients,
        errors=np.sqrt(np.maximum(np.diag(covariance), 0.0)),
        residuals=residuals,
        r_squared=1.0 - float(np.var(residuals)) / spread if spread > 0.0 else 0.0,
    )


def size_knots(followers: Array) -> Array:
    """Where the account-size curve may bend: quantiles of ln(1 + followers), repeated ones left out."""
    return np.unique(np.quantile(np.log1p(followers), KNOT_QUANTILES))


def size_basis(followers: Array, knots: Array) -> Array:
    """Account size (N,) as a restricted cubic spline of ln(1 + followers): (N, 2 + max(0, K − 2)), linear in the tails.

    Source: Stone and Koo 1985; the truncated-power form of Harrell 2015, section 2.4.5.
    """
    size = np.log1p(followers)
    columns = [np.ones_like(size), size]
    if len(knots) >= 3:
        last, before = knots[-1], knots[-2]
        cubes = {knot: np.maximum(size - knot, 0.0) ** 3 / (last - knots[0]) ** 2 for knot in knots}
        for knot in knots[:-2]:
            bend = cubes[before] * (last - knot) / (last - before) - cubes[last] * (before - knot) / (last - before)
            columns.append(cubes[knot] - bend)
    return np.stack(columns, axis=1)


def numbers(names: Sequence[str]) -> Index:
    """Each name as a number 0 … G−1."""
    return np.asarray(np.unique(np.asarray(names), return_inverse=True)[1], dtype=np.int64)


def folds(names: Sequence[str], count: int) -> Index:
    """A fold 0 … count−1 for each name, the same for the same name: all posts of an author are in one fold."""
    digests = {
        name: int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:8]) for name in set(names)
    }
    return np.asarray([digests[name] % count for name in names], dtype=np.int64)


def ranks(values: Array) -> Array:
    """Ranks 1 … N with ties at their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2.0)[inverse], dtype=np.float64)


def spearman(one: Array, other: Array) -> float:
    """Spearman's rank correlation; 0 where one side is constant."""
    first, second = ranks(one) - (len(one) + 1) / 2.0, ranks(other) - (len(other) + 1) / 2.0
    scale = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / scale if scale > 0.0 else 0.0


def spearman_interval(one: Array, other: Array, clusters: Index, *, draws: int = 1000) -> tuple[float, float]:
    """The 95 % percentile interval of Spearman's correlation when authors are drawn again with replacement."""
    order = np.argsort(clusters, kind="stable")
    _, starts = np.unique(clusters[order], return_index=True)
    members = np.split(order, starts[1:])
    generator = np.random.default_rng(0)
    values = []
    for _ in range(draws):
        drawn = np.concatenate([members[i] for i in generator.integers(0, len(members), len(members))])
        values.append(spearman(one[drawn], other[drawn]))
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def normal_quantile(tests: int = 1, level: float = 0.95) -> float:
    """How many standard errors a two-sided interval spans; Bonferroni's for `tests` intervals at once."""
    return NormalDist().inv_cdf(1.0 - (1.0 - level) / (2.0 * tests))
