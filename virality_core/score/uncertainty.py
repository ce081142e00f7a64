"""How sure a score is: an interval from drawn weights and the signals' own doubt, and what each weight does to it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from virality_core.config import signals as reference
from virality_core.score.score_weights import Weighing, prior
from virality_core.types import Signal, Uncertainty

_SAME_RATING = 0.5  # of 100: a rating that differs by more is by another table than the signal's own


def uncertainty(signals: Sequence[Signal], weighing: Weighing | None = None) -> Uncertainty:
    """The 80 % interval of the score, the same for the same signals.

    Each draw takes other weights (for the stated ones, half to double nine times in ten; for fitted ones, the fits on
    resampled reels) and other values of the signals that have a timeline: normal about the value, with the standard
    error of a mean over the timeline's points. Frames of one reel are alike, so that this error is rather too small.

    Args:
        signals: What answered; at least one of them has weight. weighing: As for `fuse`.
    """
    chosen = weighing or prior()
    column = {name: place for place, name in enumerate(chosen.names)}
    answered = [signal for signal in signals if chosen.weights.get(signal.name, 0.0) > 0.0]
    weights = chosen.draws[:, [column[signal.name] for signal in answered]]  # (D, S)
    weights = weights[weights.sum(axis=1) > 0.0]
    generator = np.random.default_rng(0)
    worth = np.stack([_drawn(signal, generator, len(weights)) for signal in answered], axis=1)
    scores = (weights * worth).sum(axis=1) / weights.sum(axis=1)
    now = np.array([signal.desirability for signal in answered])
    own = np.array([chosen.weights[signal.name] for signal in answered])
    score = float(own @ now / own.sum())
    low, high = (float(edge) for edge in np.quantile(scores, [0.1, 0.9])) if len(scores) else (score, score)
    return Uncertainty(low=max(0.0, min(low, score)), high=min(100.0, max(high, score)))


def sensitivity(signals: Sequence[Signal], weights: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """The score with each signal's weight at 0 and at double, the others as they are: name → (at 0, at double).

    A signal that alone has weight keeps its score at both.

    Args:
        signals: What answered. weights: by signal, of any scale.
    """
    answered = [signal for signal in signals if weights.get(signal.name, 0.0) > 0.0]
    total = math.fsum(weights[signal.name] for signal in answered)
    points = math.fsum(weights[signal.name] * signal.desirability for signal in answered)
    moved = {}
    for signal in answered:
        weight, worth = weights[signal.name], weights[signal.name] * signal.desirability
        without = (points - worth) / (total - weight) if len(answered) > 1 else signal.desirability
        moved[signal.name] = (without, (points + worth) / (total + weight))
    return moved


def _drawn(signal: Signal, generator: np.random.Generator, draws: int) -> NDArray[np.float64]:
    """The signal's desirability for drawn values of it: (D,)."""
    fixed = np.full(draws, signal.desirability)
    line = signal.timeline
    noise = generator.standard_normal(draws)  # drawn in any case, so that one signal's doubt doesn't move another's
    if line is None or len(line.values) < 2:
        return fixed
    variant = reference.own_variant(signal)
    rated = reference.rate(signal.name, signal.value, variant=variant)
    if abs(rated.desirability - signal.desirability) > _SAME_RATING:
        return fixed
    error = float(np.std(line.values, ddof=1)) / math.sqrt(len(line.values))
    values = np.clip(signal.value + error * noise, *signal.native_range)
    return np.array([reference.rate(signal.name, float(value), variant=variant).desirability for value in values])
