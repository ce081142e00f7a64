"""`virality fit-fusion`: fits the score's weights to reels whose outcomes are known.

The weights are those of a ridge regression towards the stated ones: with standardised outcome y and the signals'
desirabilities d (each less its mean, of 100),

    minimise Σ (y − Σ βᵢ dᵢ)² + λ Σ (βᵢ − s wᵢ)²    over βᵢ ≥ 0,

where wᵢ are the stated weights and s, fitted first, their best common scale. βᵢ ≥ 0 keeps the score monotone. λ is
chosen by the rank correlation out of fold. The stated intervals are those of plain least squares on reels drawn again
with replacement, cut at 0 and 1: the prior has no part in them, and βᵢ ≥ 0 doesn't push them up. The fit counts as
better than the stated weights only if its rank correlation out of fold, λ chosen anew within each fold, is above
theirs, and above 0, by more than chance (95 % bootstrap).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from virality_core.config import signals as reference
from virality_core.errors import InputError
from virality_core.score.shares import SCHEMA
from virality_core.training.evaluation.engagement import rank_correlation

Array = NDArray[np.float64]
Index = NDArray[np.int64]

MIN_REELS = 10
DRAWS = 200
NO_BETTER = "no better than the prior"
BETTER = "better than the prior"

_STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0)  # λ by reel
_PASSES = 200  # of the coordinate descent


@dataclass(frozen=True, slots=True, kw_only=True)
class ReelOutcome:
    """One reel: its signals' desirabilities (0–100) by name, those that answered, and what it got."""

    author: str
    desirabilities: dict[str, float]
    outcome: float  # in units in which a difference means the same everywhere: ln(1 + count), say


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedWeight:
    """A signal's share of the score, and the 95 % interval of reels drawn again; they add up to 1."""

    weight: float
    low: float
    high: float
    prior: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """Fitted weights by signal with `draws` (D, S), and how they rank reels they were not fitted on."""

    weights: dict[str, LearnedWeight]
    draws: Array
    reels: int
    spearman: float
    prior_spearman: float
    gain: tuple[float, float]
    verdict: str


def fit(reels: Sequence[ReelOutcome]) -> Learned:
    """Fit the weights.

    Raises:
        InputError: fewer than MIN_REELS reels, or outcomes that are all the same.
    """
    if len(reels) < MIN_REELS:
        raise InputError(f"There are {len(reels)} reels with outcomes; at least {MIN_REELS} are needed for a fit.")
    stated = {name: float(entry["weight"]) for name, entry in reference.table()["signals"].items()}
    names = [
        name
        for name in stated
        if stated[name] > 0 and len({reel.desirabilities[name] for reel in reels if name in reel.desirabilities}) > 1
    ]
    if not names:
        raise InputError("No signal differs between these reels, so nothing can be fitted.")
    outcome = np.array([reel.outcome for reel in reels])
    if not np.ptp(outcome) > 0.0:
        raise InputError("All outcomes are the same, so nothing can be fitted.")
    worth = np.array([[reel.desirabilities.get(name, np.nan) for name in names] for reel in reels]) / 100.0
    worth = np.where(np.isnan(worth), np.nanmean(worth, axis=0), worth)  # a skipped signal says nothing either way
    prior = np.array([stated[name] for name in names])
    prior /= prior.sum()
    groups = np.unique([reel.author for reel in reels], return_inverse=True)[1].astype(np.int64)
    strength = _choose(worth, outcome, prior, groups)
    found = _shares(solve(worth, outcome, prior, strength), prior)
    generator = np.random.default_rng(0)
    members = [np.flatnonzero(groups == group) for group in range(int(groups.max()) + 1)]
    drawn, free = [found], []
    for _ in range(DRAWS):
        rows = np.concatenate([members[i] for i in generator.integers(0, len(members), len(members))])
        if np.ptp(outcome[rows]) > 0.0:
            drawn.append(_shares(solve(worth[rows], outcome[rows], prior, strength), prior))
            free.append(_least_squares(worth[rows], outcome[rows]))
    point = _out_of_fold(worth, outcome, prior, groups)
    low, high = _gain(point, worth @ prior, outcome, members)
    alone, _ = _gain(point, np.zeros(len(point)), outcome, members)
    edges = _edges(np.array(free), float(_least_squares(worth, outcome).sum()))
    return Learned(
        weights={
            name: LearnedWeight(
                weight=float(found[i]),
                low=float(min(edges[0, i], found[i])),
                high=float(max(edges[1, i], found[i])),
                prior=float(prior[i]),
            )
            for i, name in enumerate(names)
        },
        draws=np.array(drawn),
        reels=len(reels),
        spearman=rank_correlation(point, outcome) or 0.0,
        prior_spearman=rank_correlation(worth @ prior, outcome) or 0.0,
        gain=(low, high),
        verdict=BETTER if min(low, alone) > 0.0 else NO_BETTER,
    )


def as_file(learned: Learned, way: str) -> dict[str, Any]:
    """What `score.read_weighting` reads."""
    return {
        "schema": SCHEMA,
        "way": way,
        "reels": learned.reels,
        "verdict": learned.verdict,
        "spearman_out_of_fold": round(learned.spearman, 4),
        "spearman_of_the_prior": round(learned.prior_spearman, 4),
        "gain_interval": [round(edge, 4) for edge in learned.gain],
        "weights": {
            name: {key: round(float(getattr(of, key)), 5) for key in ("weight", "low", "high", "prior")}
            for name, of in learned.weights.items()
        },
        "draws": [[round(float(share), 5) for share in row] for row in learned.draws],
    }


def solve(worth: Array, outcome: Array, prior: Array, strength: float) -> Array:
    """The weights β (S,) ≥ 0 of the module's formula by coordinate descent (Friedman et al. 2010), N reels.

    Args:
        worth: (N, S), 0–1. outcome: (N,). prior: (S,), adds up to 1. strength: λ / N.
    """
    signals = worth - worth.mean(axis=0)
    target = (outcome - outcome.mean()) / max(float(outcome.std()), 1e-12)
    stated = signals @ prior
    scale = max(0.0, float(stated @ target) / max(float(stated @ stated), 1e-12))
    aim, pull = scale * prior, strength * len(target) * float(np.mean(signals.var(axis=0)))
    gram, reach = signals.T @ signals, signals.T @ target
    beta = aim.copy()
    for _ in range(_PASSES):
        before = beta.copy()
        for i in range(len(beta)):
            rest = reach[i] - gram[i] @ beta + gram[i, i] * beta[i]
            beta[i] = max(0.0, (rest + pull * aim[i]) / max(gram[i, i] + pull, 1e-12))
        if np.abs(beta - before).max() < 1e-9:
            break
    return beta


def _shares(beta: Array, prior: Array) -> Array:
    """Weights that add up to 1; the stated ones where nothing was found."""
    total = float(beta.sum())
    return beta / total if total > 1e-9 else prior


def _least_squares(worth: Array, outcome: Array) -> Array:
    """Weights (S,) of either sign, without the prior."""
    signals = worth - worth.mean(axis=0)
    return np.asarray(np.linalg.lstsq(signals, outcome - outcome.mean(), rcond=1e-8)[0])


def _edges(free: Array, total: float) -> Array:
    """The 95 % interval (2, S) of shares; from 0 to 1 where the weights' sum can't be told from nothing."""
    sums = np.quantile(free.sum(axis=1), [0.025, 0.975])
    if total <= 0.0 or sums[0] <= 0.0:
        return np.repeat([[0.0], [1.0]], free.shape[1], axis=1)
    return np.clip(np.quantile(free / total, [0.025, 0.975], axis=0), 0.0, 1.0)


def _folds(groups: Index, count: int) -> Index:
    """A fold for each reel; all reels of an author are in one."""
    numbers = np.unique(groups, return_inverse=True)[1]
    order = np.random.default_rng(1).permutation(int(numbers.max()) + 1)
    return np.asarray(order[numbers] % min(count, len(order)), dtype=np.int64)


def _choose(worth: Array, outcome: Array, prior: Array, groups: Index) -> float:
    """The strength whose fits rank the reels of other folds best."""
    folds = _folds(groups, 5)

    def rank(strength: float) -> float:
        point = np.zeros(len(outcome))
        for fold in np.unique(folds):
            rest = folds != fold
            point[~rest] = _scored(worth, outcome, prior, rest, strength)
        return rank_correlation(point, outcome) or 0.0

    return max(reversed(_STRENGTHS), key=rank)


def _out_of_fold(worth: Array, outcome: Array, prior: Array, groups: Index) -> Array:
    point, folds = np.zeros(len(outcome)), _folds(groups, 10)
    for fold in np.unique(folds):
        rest = folds != fold
        strength = _choose(worth[rest], outcome[rest], prior, groups[rest]) if rest.any() else _STRENGTHS[-1]
        point[~rest] = _scored(worth, outcome, prior, rest, strength)
    return point


def _scored(worth: Array, outcome: Array, prior: Array, rest: NDArray[np.bool_], strength: float) -> Array:
    """The scores of what is not in `rest` with weights fitted on `rest`."""
    if rest.sum() < 2 or not np.ptp(outcome[rest]) > 0.0:
        return np.asarray(worth[~rest] @ prior)
    return np.asarray(worth[~rest] @ _shares(solve(worth[rest], outcome[rest], prior, strength), prior))


def _gain(point: Array, stated: Array, outcome: Array, members: Sequence[Index]) -> tuple[float, float]:
    """The 95 % interval of the rank correlation's gain over that of `stated` (N,), reels drawn again."""
    generator = np.random.default_rng(2)
    gains = []
    for _ in range(500):
        rows = np.concatenate([members[i] for i in generator.integers(0, len(members), len(members))])
        ours, theirs = (rank_correlation(side[rows], outcome[rows]) for side in (point, stated))
        if ours is not None:
            gains.append(ours - (theirs or 0.0))
    low, high = np.quantile(gains, [0.025, 0.975]) if gains else (0.0, 0.0)
    return float(low), float(high)
