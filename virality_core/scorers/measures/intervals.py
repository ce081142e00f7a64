"""From samples over time to intervals: where something begins and ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: (start, end) in seconds, ascending.
Intervals = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultInterval:
    """An interval with the value furthest beyond its threshold, and when that was."""

    start_seconds: float
    end_seconds: float
    worst: float
    worst_seconds: float


def fault_intervals(
    seconds: NDArray[np.float64],
    values: NDArray[np.float64],
    *,
    threshold: float,
    above: bool,
    duration_seconds: float,
    min_samples: int = 1,
    reach_seconds: float = np.inf,
) -> list[FaultInterval]:
    """Where samples are above (or below) a threshold, ascending. One good sample between two faults ends nothing.

    Args:
        seconds, values: float64 (T,), ascending times; a NaN value could not be measured.
        threshold, above: a sample is at fault above it, or below it if `above` is False.
        duration_seconds: of the reel; no interval goes beyond it.
        min_samples: samples at fault in a row that make an interval; a reel with fewer samples needs them all.
        reach_seconds: an interval ends halfway to the next good sample, but at most this far from its last sample.
    """
    measured = np.isfinite(values)
    seconds, values = seconds[measured], values[measured]
    rows = np.flatnonzero(values > threshold if above else values < threshold)
    if len(rows) == 0:
        return []
    found = []
    for group in np.split(rows, np.flatnonzero(np.diff(rows) > 2) + 1):
        if len(group) < min(min_samples, len(values)):
            continue
        first, last = int(group[0]), int(group[-1])
        start = 0.5 * (seconds[first - 1] + seconds[first]) if first > 0 else 0.0
        end = 0.5 * (seconds[last] + seconds[last + 1]) if last + 1 < len(seconds) else duration_seconds
        worst = int(group[np.argmax(values[group]) if above else np.argmin(values[group])])
        found.append(
            FaultInterval(
                start_seconds=float(max(0.0, start, seconds[first] - reach_seconds)),
                end_seconds=float(min(end, seconds[last] + reach_seconds, max(duration_seconds, seconds[last]))),
                worst=float(values[worst]),
                worst_seconds=float(seconds[worst]),
            )
        )
    return found


def true_runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Index ranges (first, one past the last) of consecutive True values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def merged(intervals: Iterable[tuple[float, float]], *, gap: float = 0.0) -> list[tuple[float, float]]:
    """Ascending intervals with those joined that are at most `gap` seconds apart."""
    joined: list[tuple[float, float]] = []
    for start, end in intervals:
        if joined and start - joined[-1][1] <= gap:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined
