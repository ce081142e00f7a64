"""The virality score of a post, and whether it is viral: what the network is trained on.

score = Σ weight · scaled(log(1 + count)) over likes, plays, shares and comments, each scaled to 0–1 between the
smallest and the largest of the *training* part and clipped there. A missing count is not zero: its weight is shared out
among the known counts. A post with less than half of the weight has no score.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virality_core.errors import InputError, UsageError
from virality_core.training.datasets.exports import COUNTS

WEIGHTS: Mapping[str, float] = {"likes": 0.4, "plays": 0.3, "shares": 0.2, "comments": 0.1}
MIN_WEIGHT = 0.5  # of the known counts
_MAX_WEIGHT = 1e12  # weights may have any scale, but their sum must stay finite

Counts = Mapping[str, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """How scores were made: weights that add up to 1, the range of each log count, and where "viral" begins."""

    weights: dict[str, float]
    ranges: dict[str, tuple[float, float]]  # of log(1 + count) in the training part
    quantile: float
    threshold: float  # the score above which a post is viral


def checked_weights(weights: Mapping[str, float]) -> dict[str, float]:
    """Weights of the four counts, scaled to add up to 1. Raises UsageError for unknown names or negative weights."""
    valid = set(weights) <= set(COUNTS) and all(0 <= value <= _MAX_WEIGHT for value in weights.values())
    total = math.fsum(weights.values()) if valid else 0.0
    if total <= 0:
        raise UsageError(f"The weights must be of {', '.join(COUNTS)}, not negative and not all zero: {dict(weights)}.")
    return {name: weights.get(name, 0.0) / total for name in COUNTS}


def checked_quantile(quantile: float) -> float:
    """The quantile above which a post is viral. Raises UsageError unless it is between 0 and 1."""
    if not 0.0 < quantile < 1.0:
        raise UsageError(f"The quantile above which a post is viral must be within 0 and 1, not {quantile}.")
    return quantile


def has_score(counts: Counts, weights: Mapping[str, float]) -> bool:
    """Whether the known counts have at least half of the weight."""
    return math.fsum(weights[name] for name in COUNTS if counts[name] is not None) >= MIN_WEIGHT - 1e-9


def fit(
    counts: Sequence[Counts], training: Sequence[bool], weights: Mapping[str, float], quantile: float
) -> tuple[Label, NDArray[np.float64]]:
    """The label, fitted on the posts where `training`, and the scores 0–1 (or NaN) of all posts, float64 (N,).

    Raises:
        UsageError: the quantile is not within 0 and 1. InputError: the training posts have no counts of any weight, or
            all the same ones.
    """
    quantile = checked_quantile(quantile)
    ranges = {}
    for name in COUNTS:
        values = [one[name] for one, is_training in zip(counts, training, strict=True) if is_training]
        logs = [math.log1p(value) for value in values if value is not None]
        if logs and weights[name] > 0:
            ranges[name] = (min(logs), max(logs))
    if not ranges:
        raise InputError("No post of the training part has a count of any weight.")
    scores = np.array([score(one, weights, ranges) for one in counts])
    known = scores[np.array(training, bool) & np.isfinite(scores)]
    if not len(known):
        raise InputError("The counts of the training part are all the same, so they can't be ranked.")
    threshold = float(np.quantile(known, quantile))
    return Label(weights=dict(weights), ranges=ranges, quantile=quantile, threshold=threshold), scores


def score(counts: Counts, weights: Mapping[str, float], ranges: Mapping[str, tuple[float, float]]) -> float:
    """One post's score 0–1; NaN where all its counts are unknown or the same for every training post."""
    total = weighted = 0.0
    for name, (low, high) in ranges.items():
        value = counts[name]
        if value is not None and high > low:
            total += weights[name]
            weighted += weights[name] * min(1.0, max(0.0, (math.log1p(value) - low) / (high - low)))
    return weighted / total if total > 0 else math.nan
