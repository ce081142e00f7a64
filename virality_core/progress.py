"""Progress and timing of a run in stages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from virality_core.types import Progress


class StageTimer:
    """Wall-clock seconds per stage."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Record how long the block takes."""
        start = time.perf_counter()
        yield
        self._seconds[stage] = time.perf_counter() - start

    def seconds(self) -> dict[str, float]:
        """Seconds per stage, and the `total` so far."""
        return {**self._seconds, "total": time.perf_counter() - self._start}


class StageProgress:
    """Turns the progress of `count` stages into one fraction of the whole, which never goes back."""

    def __init__(self, progress: Progress, *, count: int) -> None:
        self._progress = progress
        self._count = count
        self._started = 0
        self._fraction = 0.0

    def next(self) -> Progress:
        """The progress function of the next stage."""
        index = self._started
        self._started += 1

        def report(stage: str, fraction: float) -> None:
            self._fraction = max(self._fraction, min(1.0, (index + fraction) / self._count))
            self._progress(stage, self._fraction)

        return report
