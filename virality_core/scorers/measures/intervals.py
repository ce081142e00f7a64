"""From samples over time to intervals: where something begins and ends."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from virality_core.config.faults import Fault
from virality_core.types import Finding, Timeline

#: (start, end) in seconds, ascending.
Intervals = tuple[tuple[float, float], ...]


def findings_over_time(
    fault: Fault, timeline: Timeline, duration: float, *, reach_seconds: float = np.inf
) -> list[Finding]:
    """Where samples are beyond the fault's threshold, ascending. One good sample between two faults ends nothing.

    Args:
        duration: of the reel in seconds; no finding goes beyond it.
        reach_seconds: a finding ends halfway to the next good sample, but at most this far from its last sample.
    """
    seconds, values = timeline.seconds, timeline.values
    rows = np.flatnonzero(values < fault.threshold if fault.below else values > fault.threshold)
    found = []
    for group in np.split(rows, np.flatnonzero(np.diff(rows) > 2) + 1):
        if len(group) < max(1, min(fault.stills, len(values))):
            continue
        first, last = int(group[0]), int(group[-1])
        start = 0.5 * (seconds[first - 1] + seconds[first]) if first > 0 else 0.0
        end = 0.5 * (seconds[last] + seconds[last + 1]) if last + 1 < len(seconds) else duration
        worst = int(group[np.argmin(values[group]) if fault.below else np.argmax(values[group])])
        found.append(
            fault.finding(
                float(values[worst]),
                float(max(0.0, start, seconds[first] - reach_seconds)),
                float(min(end, seconds[last] + reach_seconds, max(duration, seconds[last]))),
                float(seconds[worst]),
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
