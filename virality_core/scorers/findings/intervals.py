"""From samples over time to stretches: where a fault begins and ends, as well as samples can tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """From `start_seconds` to `end_seconds`, with the value that is farthest over its threshold, and when it was."""

    start_seconds: float
    end_seconds: float
    worst: float
    worst_seconds: float


def stretches(
    seconds: NDArray[np.float64],
    values: NDArray[np.float64],
    *,
    threshold: float,
    above: bool,
    duration_seconds: float,
    fewest: int = 1,
    reach_seconds: float = np.inf,
) -> list[Stretch]:
    """Where samples are above (or below) a threshold.

    Args:
        seconds, values: float64 (T,), ascending times; a NaN value is a sample that could not be measured.
        threshold, above: a sample is at fault above it, or below it if `above` is False.
        duration_seconds: of the reel: no stretch goes beyond it.
        fewest: samples at fault in a row that make a stretch; a reel with fewer samples needs them all.
        reach_seconds: a stretch ends half-way to the next good sample, but at most so far from its own last one.

    Returns:
        The stretches, ascending. One good sample between two at fault does not end a stretch.
    """
    measured = np.isfinite(values)
    seconds, values = seconds[measured], values[measured]
    at_fault = values > threshold if above else values < threshold
    rows = np.flatnonzero(at_fault)
    if len(rows) == 0:
        return []
    found = []
    for group in np.split(rows, np.flatnonzero(np.diff(rows) > 2) + 1):
        if len(group) < min(fewest, len(values)):
            continue
        first, last = int(group[0]), int(group[-1])
        start, end = 0.0, duration_seconds
        if first > 0:
            start = 0.5 * (seconds[first - 1] + seconds[first])
        if last + 1 < len(seconds):
            end = 0.5 * (seconds[last] + seconds[last + 1])
        worst = int(group[np.argmax(values[group]) if above else np.argmin(values[group])])
        found.append(
            Stretch(
                start_seconds=float(max(0.0, start, seconds[first] - reach_seconds)),
                end_seconds=float(min(end, seconds[last] + reach_seconds, max(duration_seconds, seconds[last]))),
                worst=float(values[worst]),
                worst_seconds=float(seconds[worst]),
            )
        )
    return found


def runs_of(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Index ranges (first, one past the last) of consecutive True values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
