"""The virality score of a post, and whether it is viral: what the network is trained on.

score = Σ weight · scaled(log(1 + count)) over likes, plays, shares and comments, each scaled to 0–1 between the
smallest and the largest of the *training* part; beyond them it stays at 0 or 1. A count that is missing is not zero:
its weight is shared out among the counts that are there. Where less than half of the weight is there, the post has no
score.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virality_core.errors import InputError, UsageError
from virality_core.training.datasets.video_post import COUNTS

WEIGHTS: Mapping[str, float] = {"likes": 0.4, "plays": 0.3, "shares": 0.2, "comments": 0.1}
NEEDED_WEIGHT = 0.5
_MOST_WEIGHT = 1e12  # of any scale, but their sum must be a number


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """How scores were made: weights that add up to 1, the range of each log count, and where "viral" begins."""

    weights: dict[str, float]
    ranges: dict[str, tuple[float, float]]  # of log(1 + count) in the training part
    quantile: float
    threshold: float  # the score above which a post is viral


def checked_weights(weights: Mapping[str, float]) -> dict[str, float]:
    """Weights of the four counts, scaled to add up to 1. Raises UsageError for unknown names or negative weights."""
    unknown = set(weights) - set(COUNTS)
    right = not unknown and all(0 <= value <= _MOST_WEIGHT for value in weights.values())
    total = math.fsum(weights.values()) if right else 0.0
    if total <= 0:
        raise UsageError(f"The weights must be of {', '.join(COUNTS)}, not negative and not all zero: {dict(weights)}.")
    return {name: weights.get(name, 0.0) / total for name in COUNTS}


def checked_quantile(quantile: float) -> float:
    """The quantile above which a post is viral. Raises UsageError where it does not lie within 0 and 1."""
    if not 0.0 < quantile < 1.0:
        raise UsageError(f"The quantile above which a post is viral must lie within 0 and 1, not {quantile}.")
    return quantile


def has_score(counts: Mapping[str, int | None], weights: Mapping[str, float]) -> bool:
    """Whether at least half of the weight's counts are known."""
    return math.fsum(weights[name] for name in COUNTS if counts[name] is not None) >= NEEDED_WEIGHT - 1e-9


def fit(
    counts: Sequence[Mapping[str, int | None]], training: Sequence[bool], weights: Mapping[str, float], quantile: float
) -> tuple[Label, NDArray[np.float64]]:
    """The label, fitted on the posts where `training`, and the scores 0–1 (or NaN) of all posts, float64 (N,).

    Raises:
        UsageError: the quantile is not within 0–1. InputError: no training post has a count that carries weight.
    """
    quantile = checked_quantile(quantile)
    ranges = {}
    for name in COUNTS:
        logs = [
            math.log1p(value)
            for one, own in zip(counts, training, strict=True)
            if own and (value := one[name]) is not None
        ]
        if logs and weights[name] > 0:
            ranges[name] = (min(logs), max(logs))
    if not ranges:
        raise InputError("No post of the training part has a count that carries weight.")
    scores = np.array([score(one, weights, ranges) for one in counts])
    known = scores[np.array(training, bool) & np.isfinite(scores)]
    if not len(known):
        raise InputError("The counts of the training part are all the same, so that nothing tells its posts apart.")
    threshold = float(np.quantile(known, quantile))
    return Label(weights=dict(weights), ranges=ranges, quantile=quantile, threshold=threshold), scores


def score(
    counts: Mapping[str, int | None], weights: Mapping[str, float], ranges: Mapping[str, tuple[float, float]]
) -> float:
    """One post's score 0–1, NaN where none of its counts says anything.

    A count that is the same for every training post says nothing and is left out.
    """
    total = worth = 0.0
    for name, (low, high) in ranges.items():
        value = counts[name]
        if value is None or high <= low:
            continue
        total += weights[name]
        worth += weights[name] * min(1.0, max(0.0, (math.log1p(value) - low) / (high - low)))
    return worth / total if total > 0 else math.nan
