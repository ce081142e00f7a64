"""The weighted mean: each signal's points, their sum, its band."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from virality_core.config import signals as reference
from virality_core.errors import InputError
from virality_core.score.shares import Weighting, prior
from virality_core.types import Contribution, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedScore:
    """The score 0–100 with its band, the part of all shares that answered (0–1), and each signal's points."""

    score: float
    band: str
    coverage: float
    contributions: tuple[Contribution, ...]


def weighted_score(signals: Sequence[Signal], weighting: Weighting | None = None) -> WeightedScore:
    """Score the signals that answered.

    Args:
        signals: What answered. weighting: The shares; the stated ones if None.

    Returns:
        The score, and its contributions with the largest share first; their points add up to the score.

    Raises:
        InputError: no signal with a share answered.
    """
    stated = (weighting or prior()).by_signal
    answered = [signal for signal in signals if stated.get(signal.name, 0.0) > 0.0]
    total = math.fsum(stated[signal.name] for signal in answered)
    if total <= 0.0:
        raise InputError("Nothing in this file could be scored; every signal was skipped.")
    contributions = [
        Contribution(
            signal=signal.name,
            weight=stated[signal.name] / total,
            points=stated[signal.name] / total * signal.desirability,
        )
        for signal in answered
    ]
    score = min(100.0, math.fsum(contribution.points for contribution in contributions))
    return WeightedScore(
        score=score,
        band=band_of(score),
        coverage=min(1.0, total / math.fsum(stated.values())),
        contributions=tuple(sorted(contributions, key=lambda contribution: -contribution.weight)),
    )


def band_of(score: float) -> str:
    """The name of the highest band of signals.toml that `score` (0–100) reaches."""
    bands = sorted(reference.table()["bands"], key=lambda band: -float(band["from"]))
    return str(next(band["name"] for band in bands if score >= float(band["from"])))
