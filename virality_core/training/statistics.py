"""Statistics that the fits share: clustered least squares, rank correlation, folds by author, the author bootstrap.

numpy alone, so that `trends build` and `fit-fusion` run without the training extra. The same input gives the same
numbers: folds come from a hash of the author's name, bootstrap draws from a fixed seed.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]

KNOT_QUANTILES = (0.05, 0.35, 0.65, 0.95)  # Harrell, Regression Modeling Strategies, 2nd ed. 2015, table 2.3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeastSquares:
    """A fit: `coefficients` (P,), their author-clustered `errors` (P,), `r_squared`."""

    coefficients: Array
    errors: Array
    r_squared: float


def least_squares(design: Array, target: Array, clusters: Index) -> LeastSquares:
    """Ordinary least squares with errors clustered by author (Liang and Zeger 1986, with the G/(G−1) correction).

    `design` (N, P) has its intercept; collinear columns get the coefficients of least norm. `target` (N,); `clusters`
    (N,) are author numbers 0 … G−1.
    """
    inverse = np.linalg.pinv(design.T @ design, hermitian=True)
    coefficients = inverse @ (design.T @ target)
    residuals = target - design @ coefficients
    groups = int(clusters.max()) + 1
    scores = np.zeros((groups, design.shape[1]))
    np.add.at(scores, clusters, design * residuals[:, None])
    covariance = inverse @ (scores.T @ scores) @ inverse * (groups / max(1, groups - 1))
    variance = float(np.var(target))
    return LeastSquares(
        coefficients=coefficients,
        errors=np.sqrt(np.maximum(np.diag(covariance), 0.0)),
        r_squared=1.0 - float(np.var(residuals)) / variance if variance > 0.0 else 0.0,
    )


def size_knots(followers: Array) -> Array:
    """Knots of the account-size curve: quantiles of ln(1 + followers) without repeats."""
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
    order = {name: number for number, name in enumerate(sorted(set(names)))}
    return np.asarray([order[name] for name in names], dtype=np.int64)


def folds(names: Sequence[str], count: int) -> Index:
    """A fold 0 … count−1 for each name, always the same for the same name."""
    digests = {
        name: int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:8]) for name in set(names)
    }
    return np.asarray([digests[name] % count for name in names], dtype=np.int64)


def ranks(values: Array) -> Array:
    """Ranks 1 … N, ties at their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2.0)[inverse], dtype=np.float64)


def spearman(one: Array, other: Array) -> float | None:
    """Spearman's rank correlation, ties at their mean rank; None where one side is constant."""
    first, second = (ranks(side) - (len(side) + 1) / 2.0 for side in (one, other))
    scale = math.sqrt(float(first @ first) * float(second @ second))
    return float(first @ second) / scale if scale > 0.0 else None


def author_bootstrap(authors: Index, draws: int, *, seed: int = 0) -> Iterator[Index]:
    """Row numbers of `draws` bootstrap samples that draw whole authors (N,) with replacement.

    An author's posts resemble one another, so samples of single posts would give intervals that are too narrow.
    """
    order = np.argsort(authors, kind="stable")
    members = np.split(order, np.unique(authors[order], return_index=True)[1][1:])
    generator = np.random.default_rng(seed)
    for _ in range(draws):
        yield np.concatenate([members[i] for i in generator.integers(0, len(members), len(members))])


def interval(values: Sequence[float | None]) -> tuple[float, float] | None:
    """The 95 % percentile interval of bootstrap values, undefined ones (None) left out; None where all are."""
    defined = [value for value in values if value is not None]
    if not defined:
        return None
    low, high = np.quantile(defined, [0.025, 0.975])
    return float(low), float(high)


def spearman_interval(one: Array, other: Array, authors: Index, *, draws: int = 1000) -> tuple[float, float]:
    """The 95 % author-bootstrap interval of Spearman's correlation, which counts as 0 where it is undefined."""
    found = interval([spearman(one[rows], other[rows]) or 0.0 for rows in author_bootstrap(authors, draws)])
    return found or (0.0, 0.0)


def normal_quantile(tests: int = 1, level: float = 0.95) -> float:
    """How many standard errors a two-sided interval spans; Bonferroni's for `tests` intervals at once."""
    return NormalDist().inv_cdf(1.0 - (1.0 - level) / (2.0 * tests))
