"""How sure a score is: an interval from other shares and the signals' own uncertainty, and what each share does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from virality_core.config import signals as reference
from virality_core.score.shares import Weighting, prior
from virality_core.types import Signal, Uncertainty

_SAME_RATING = 0.5  # of 100: a desirability that differs by more was not rated by the signal's own table


def uncertainty(signals: Sequence[Signal], weighting: Weighting | None = None) -> Uncertainty:
    """The 80 % interval of the score, the same for the same signals.

    Each draw takes other shares (stated ones: half to double nine times in ten; fitted ones: fits on resampled reels)
    and other values of the signals with a timeline: normal around the value, with the standard error of a mean over the
    timeline's points. Frames of one reel are alike, so this error is a little too small.

    Args:
        signals: What answered; at least one has a share. weighting: As for `weighted_score`.
    """
    chosen = weighting or prior()
    column = {name: index for index, name in enumerate(chosen.names)}
    answered = [signal for signal in signals if chosen.by_signal.get(signal.name, 0.0) > 0.0]
    draws = chosen.draws[:, [column[signal.name] for signal in answered]]  # (D, S)
    draws = draws[draws.sum(axis=1) > 0.0]
    generator = np.random.default_rng(0)
    desirability = np.stack([_drawn(signal, generator, len(draws)) for signal in answered], axis=1)
    scores = (draws * desirability).sum(axis=1) / draws.sum(axis=1)
    shares = np.array([chosen.by_signal[signal.name] for signal in answered])
    score = float(shares @ np.array([signal.desirability for signal in answered]) / shares.sum())
    low, high = (float(edge) for edge in np.quantile(scores, [0.1, 0.9])) if len(scores) else (score, score)
    return Uncertainty(low=max(0.0, min(low, score)), high=min(100.0, max(high, score)))


def sensitivity(signals: Sequence[Signal], shares: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """The score with each signal's share at 0 and doubled, the others unchanged: name → (at 0, doubled).

    The only signal with a share keeps its score at both.

    Args:
        signals: What answered. shares: By signal, on any scale.
    """
    answered = [signal for signal in signals if shares.get(signal.name, 0.0) > 0.0]
    total = math.fsum(shares[signal.name] for signal in answered)
    points = math.fsum(shares[signal.name] * signal.desirability for signal in answered)
    moved = {}
    for signal in answered:
        share, worth = shares[signal.name], shares[signal.name] * signal.desirability
        without = (points - worth) / (total - share) if len(answered) > 1 else signal.desirability
        moved[signal.name] = (without, (points + worth) / (total + share))
    return moved


def _drawn(signal: Signal, generator: np.random.Generator, draws: int) -> NDArray[np.float64]:
    """The signal's desirability for drawn values: (D,)."""
    fixed = np.full(draws, signal.desirability)
    line = signal.timeline
    noise = generator.standard_normal(draws)  # always drawn, so that one signal's uncertainty doesn't move another's
    if line is None or len(line.values) < 2:
        return fixed
    variant = reference.own_variant(signal)
    rated = reference.rate(signal.name, signal.value, variant=variant)
    if abs(rated.desirability - signal.desirability) > _SAME_RATING:
        return fixed
    error = float(np.std(line.values, ddof=1)) / math.sqrt(len(line.values))
    values = np.clip(signal.value + error * noise, *signal.native_range)
    return np.array([reference.rate(signal.name, float(value), variant=variant).desirability for value in values])
