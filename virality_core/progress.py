"""The stages of a run: how long each took, and how far the whole is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from virality_core.types import Progress


class Clock:
    """Wall-clock seconds by stage."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._stages[name] = time.perf_counter() - start

    def timings(self) -> dict[str, float]:
        return {**self._stages, "total": time.perf_counter() - self._start}


class Stages:
    """Hands each stage its own progress function and reports the fraction of the whole."""

    def __init__(self, progress: Progress, *, count: int) -> None:
        self._progress = progress
        self._count = count
        self._begun = 0
        self._reached = 0.0

    def next(self) -> Progress:
        begun = self._begun
        self._begun += 1

        def report(stage: str, fraction: float) -> None:
            # A stage that starts over (first the packets, then the frames) must not move the bar back.
            self._reached = max(self._reached, min(1.0, (begun + fraction) / self._count))
            self._progress(stage, self._reached)

        return report
