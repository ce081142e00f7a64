"""`virality fit-fusion`: fits the score's shares to reels whose outcomes are known.

The shares are a ridge regression towards the stated ones: with standardized outcome y and the signals' desirabilities d
(0–1, centered),

    minimize Σ (y − Σ βᵢ dᵢ)² + λ Σ (βᵢ − s wᵢ)²    over βᵢ ≥ 0,

where wᵢ are the stated shares and s, fitted first, their best common scale. βᵢ ≥ 0 keeps the score monotone. λ is the
one with the best out-of-fold rank correlation. The intervals come from plain least squares on bootstrap samples of
authors, clipped to 0–1, so that neither the prior nor βᵢ ≥ 0 narrows them. The fit counts as better than the stated
shares only if its out-of-fold rank correlation, with λ chosen within each fold, is above theirs and above 0 in the 95 %
author bootstrap.
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
from virality_core.training.statistics import Array, Index, author_bootstrap, interval, numbers, spearman

MIN_REELS = 10
DRAWS = 200
NO_BETTER = "no better than the prior"
BETTER = "better than the prior"

_STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0)  # λ per reel
_MAX_PASSES = 200  # of the coordinate descent


@dataclass(frozen=True, slots=True, kw_only=True)
class ReelOutcome:
    """One reel: the desirabilities (0–100) of its signals by name, and its outcome."""

    author: str
    desirabilities: dict[str, float]
    outcome: float  # on a scale where differences are comparable, such as ln(1 + count)


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedShare:
    """A signal's share of the score (they add up to 1), its 95 % bootstrap interval, and the stated share."""

    share: float
    low: float
    high: float
    prior: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """Fitted shares by signal with `draws` (D, S), and how well they rank reels they were not fitted on."""

    shares: dict[str, FittedShare]
    draws: Array
    reels: int
    spearman: float
    prior_spearman: float
    gain: tuple[float, float]
    verdict: str


def fit(reels: Sequence[ReelOutcome]) -> Learned:
    """Fit the shares. Raises InputError if fewer than MIN_REELS reels, or outcomes or signals that are all the same."""
    if len(reels) < MIN_REELS:
        raise InputError(f"There are {len(reels)} reels with outcomes; at least {MIN_REELS} are needed for a fit.")
    stated = {name: float(entry["weight"]) for name, entry in reference.table()["signals"].items()}
    names = [
        name
        for name, share in stated.items()
        if share > 0 and len({reel.desirabilities[name] for reel in reels if name in reel.desirabilities}) > 1
    ]
    if not names:
        raise InputError("No signal differs between these reels, so nothing can be fitted.")
    outcome = np.array([reel.outcome for reel in reels])
    if not np.ptp(outcome) > 0.0:
        raise InputError("All outcomes are the same, so nothing can be fitted.")
    signals = np.array([[reel.desirabilities.get(name, np.nan) for name in names] for reel in reels]) / 100.0
    signals = np.where(np.isnan(signals), np.nanmean(signals, axis=0), signals)  # a skipped signal is neutral
    prior = np.array([stated[name] for name in names])
    prior /= prior.sum()
    authors = numbers([reel.author for reel in reels])
    strength = _best_strength(signals, outcome, prior, authors)
    found = _shares(solve(signals, outcome, prior, strength), prior)
    draws, least_squares = [found], []
    for rows in author_bootstrap(authors, DRAWS):
        if np.ptp(outcome[rows]) > 0.0:
            draws.append(_shares(solve(signals[rows], outcome[rows], prior, strength), prior))
            least_squares.append(_least_squares(signals[rows], outcome[rows]))
    edges = _edges(np.array(least_squares), float(_least_squares(signals, outcome).sum()))
    point = _out_of_fold(signals, outcome, prior, authors)
    gain = _gain(point, signals @ prior, outcome, authors)
    above_zero, _ = _gain(point, np.zeros(len(point)), outcome, authors)
    return Learned(
        shares={
            name: FittedShare(
                share=float(found[i]),
                low=float(min(edges[0, i], found[i])),
                high=float(max(edges[1, i], found[i])),
                prior=float(prior[i]),
            )
            for i, name in enumerate(names)
        },
        draws=np.array(draws),
        reels=len(reels),
        spearman=spearman(point, outcome) or 0.0,
        prior_spearman=spearman(signals @ prior, outcome) or 0.0,
        gain=gain,
        verdict=BETTER if min(gain[0], above_zero) > 0.0 else NO_BETTER,
    )


def as_file(learned: Learned, way: str) -> dict[str, Any]:
    """The JSON that `score.read_weighting` reads."""
    return {
        "schema": SCHEMA,
        "way": way,
        "reels": learned.reels,
        "verdict": learned.verdict,
        "spearman_out_of_fold": round(learned.spearman, 4),
        "spearman_of_the_prior": round(learned.prior_spearman, 4),
        "gain_interval": [round(edge, 4) for edge in learned.gain],
        "weights": {
            name: {
                "weight": round(fitted.share, 5),
                "low": round(fitted.low, 5),
                "high": round(fitted.high, 5),
                "prior": round(fitted.prior, 5),
            }
            for name, fitted in learned.shares.items()
        },
        "draws": [[round(float(share), 5) for share in row] for row in learned.draws],
    }


def solve(signals: Array, outcome: Array, prior: Array, strength: float) -> Array:
    """The β (S,) ≥ 0 of the module's formula by coordinate descent (Friedman et al. 2010).

    signals (N, S) are 0–1, prior (S,) adds up to 1, strength is λ / N.
    """
    centered = signals - signals.mean(axis=0)
    target = (outcome - outcome.mean()) / max(float(outcome.std()), 1e-12)
    stated = centered @ prior
    scale = max(0.0, float(stated @ target) / max(float(stated @ stated), 1e-12))
    aim, pull = scale * prior, strength * len(target) * float(np.mean(centered.var(axis=0)))
    gram, projection = centered.T @ centered, centered.T @ target
    beta = aim.copy()
    for _ in range(_MAX_PASSES):
        before = beta.copy()
        for i in range(len(beta)):
            partial = projection[i] - gram[i] @ beta + gram[i, i] * beta[i]
            beta[i] = max(0.0, (partial + pull * aim[i]) / max(gram[i, i] + pull, 1e-12))
        if np.abs(beta - before).max() < 1e-9:
            break
    return beta


def _shares(beta: Array, prior: Array) -> Array:
    """Shares that add up to 1; the stated ones where nothing was found."""
    total = float(beta.sum())
    return beta / total if total > 1e-9 else prior


def _least_squares(signals: Array, outcome: Array) -> Array:
    """Coefficients (S,) of either sign, without the prior."""
    return np.asarray(np.linalg.lstsq(signals - signals.mean(axis=0), outcome - outcome.mean(), rcond=1e-8)[0])


def _edges(samples: Array, total: float) -> Array:
    """The 95 % intervals (2, S) of shares; 0 to 1 where the coefficients' sum may well be 0."""
    lowest_sum = float(np.quantile(samples.sum(axis=1), 0.025))
    if total <= 0.0 or lowest_sum <= 0.0:
        return np.repeat([[0.0], [1.0]], samples.shape[1], axis=1)
    return np.clip(np.quantile(samples / total, [0.025, 0.975], axis=0), 0.0, 1.0)


def _folds(authors: Index, count: int) -> Index:
    """A random fold for each reel; all reels of an author are in one."""
    _, authors = np.unique(authors, return_inverse=True)
    order = np.random.default_rng(1).permutation(int(authors.max()) + 1)
    return np.asarray(order[authors] % min(count, len(order)), dtype=np.int64)


def _best_strength(signals: Array, outcome: Array, prior: Array, authors: Index) -> float:
    """The strength whose fits rank the reels of other folds best."""
    folds = _folds(authors, 5)

    def rank(strength: float) -> float:
        point = np.zeros(len(outcome))
        for fold in np.unique(folds):
            train = folds != fold
            point[~train] = _scored(signals, outcome, prior, train, strength)
        return spearman(point, outcome) or 0.0

    return max(reversed(_STRENGTHS), key=rank)


def _out_of_fold(signals: Array, outcome: Array, prior: Array, authors: Index) -> Array:
    point, folds = np.zeros(len(outcome)), _folds(authors, 10)
    for fold in np.unique(folds):
        train = folds != fold
        strength = _STRENGTHS[-1]
        if train.any():
            strength = _best_strength(signals[train], outcome[train], prior, authors[train])
        point[~train] = _scored(signals, outcome, prior, train, strength)
    return point


def _scored(signals: Array, outcome: Array, prior: Array, train: NDArray[np.bool_], strength: float) -> Array:
    """The scores of the other reels with shares fitted on those in `train`."""
    shares = prior
    if train.sum() >= 2 and np.ptp(outcome[train]) > 0.0:
        shares = _shares(solve(signals[train], outcome[train], prior, strength), prior)
    return np.asarray(signals[~train] @ shares)


def _gain(point: Array, stated: Array, outcome: Array, authors: Index) -> tuple[float, float]:
    """The 95 % author-bootstrap interval of the rank correlation's gain over that of `stated` (N,)."""
    gains = []
    for rows in author_bootstrap(authors, 500, seed=2):
        ours, theirs = (spearman(side[rows], outcome[rows]) for side in (point, stated))
        gains.append(None if ours is None else ours - (theirs or 0.0))
    return interval(gains) or (0.0, 0.0)
