"""What the workers that decode a reel share, and how those who wait hear of them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from av.video.frame import VideoFrame

from virality_core.media.decoding.gop_decoder import Job

REPORT_SECONDS = 0.04  # how often progress is told, and a wish to cancel heard

#: `take(wanted_tick, frame)`, called on a worker's thread
Take = Callable[[int, VideoFrame], None]


class Stopped(Exception):  # noqa: N818  (a wish, not an error)
    """The caller wants no more frames."""


class Beat:
    """Calls through at most every `REPORT_SECONDS`."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self._next = 0.0

    def __call__(self) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._call()
            self._next = now + REPORT_SECONDS


class Run:
    """What the workers of one `take` share."""

    def __init__(self, *, todo: deque[Job], total: int, take: Take) -> None:
        self.take = take
        self.total = total
        self.done = 0
        self.stop = threading.Event()
        self.error: BaseException | None = None
        self._todo = todo

    def keep_on(self) -> None:
        """Raises Stopped once the caller wants no more."""
        if self.stop.is_set():
            raise Stopped

    def next_job(self) -> Job | None:
        try:
            return self._todo.popleft()
        except IndexError:
            return None
