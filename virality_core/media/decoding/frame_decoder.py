"""Frames of a reel by time, decoded by several workers, each group of pictures by one."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from virality_core.errors import InputError
from virality_core.media.color.frame_converter import Picture
from virality_core.media.container.source import Source
from virality_core.media.container.stream_index import Survey
from virality_core.media.decoding.first_frame import STAGE
from virality_core.media.decoding.gop_decoder import GroupDecoder, frame_ticks, jobs
from virality_core.media.decoding.workers import REPORT_SECONDS, Beat, Run, Stopped, Take
from virality_core.media.guards.limits import MEGABYTE
from virality_core.types import FULL_HD_PIXELS, Progress

_MAX_WORKERS = 4
_POOLED_PIXELS = 2560 * 1440  # above this a worker each would hold too many large pictures
THREADED_PIXELS = 4096 * 2304  # above this so would a frame thread each
_POOL_BYTES = 400 * MEGABYTE  # for the pictures of all workers, as long as one is not enough

_MOST_AT_ONCE = 18  # pictures that any decoder holds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SmallFrame:
    """A frame for cheap looks at motion and cuts: `luma` uint8 (h, w) full range, upright, short side about 180."""

    seconds: float
    luma: NDArray[np.uint8]


def _silent() -> None:
    pass


class Decoder:
    """Frames of one reel by time. Close it, or use it as a context manager.

    For finding cuts: `survey.packets()` has every packet's time, size and kind without decoding; `keyframes_small()`
    is every keyframe (those decoded before come from memory); `small_between(stretches)` is every frame of short
    stretches, decoded side by side; `frames_between(a, b)` gives a stretch at full size, one frame at a time. All
    decode from the right keyframe by themselves, so a stretch costs the frames from the keyframe before it on.
    """

    def __init__(self, source: Source, survey: Survey, picture: Picture) -> None:
        self.survey = survey
        self.picture = picture
        self._source = source
        self._lock = threading.Lock()
        self._all: list[GroupDecoder] = []
        self._idle: dict[int, list[GroupDecoder]] = {}  # by threads each
        self._small: dict[int, NDArray[np.uint8]] = {}
        self._unreadable: set[int] = set()  # packets whose frames can't be converted
        self._at_once: int | None = None
        self._cores = os.cpu_count() or 1

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all containers."""
        for worker in self._all:
            worker.close()

    @property
    def decoded_frames(self) -> int:
        """Frames decoded so far."""
        return sum(worker.decoded_frames for worker in self._all)

    @property
    def decoded_pixels(self) -> int:
        """Pixels of the frames decoded so far."""
        return sum(worker.decoded_pixels for worker in self._all)

    @property
    def damaged_packets(self) -> int:
        """Packets that could not be decoded so far, each once."""
        return len(self._unreadable.union(*(worker.damaged for worker in self._all)))

    @property
    def asked_and_seen(self) -> tuple[int, int]:
        """How many different frames were asked for so far, and how many of them came, not another in their place."""
        asked = set[int]().union(*(worker.wanted for worker in self._all))
        return len(asked), len(set[int]().union(*(worker.came for worker in self._all)) & asked)

    @property
    def name(self) -> str:
        """What to call the file."""
        return self._source.name

    @property
    def max_pixels(self) -> int:
        """The largest picture that a decoder may make."""
        return self._source.limits.max_pixels

    def adopt(self, worker: GroupDecoder) -> None:
        """Use a worker that `first_decoder` made."""
        self._all.append(worker)
        self._at_once = worker.frames_at_once
        self._put(1, worker)

    def take(self, wanted: Sequence[int], take: Take, progress: Progress) -> None:
        """Call `take(tick, frame)` for the frames shown at the wanted ticks (of `survey.shown`), on worker threads.

        A frame that can't be decoded is replaced by the next that can (its own `pts` tells), or left out.

        Raises:
            InputError: the file asks for more decoding than the limits allow.
            Cancelled: `progress` raised it; the workers have ended.
        """
        todo = deque(jobs(self.survey, wanted))
        if not todo:
            return
        run = Run(todo=todo, total=len(set(wanted)), take=take)
        count = self._workers(len(todo))
        threads = self._threads(count)
        crew = [threading.Thread(target=self._work, args=(run, threads), name=f"decode-{i}") for i in range(count)]
        for thread in crew:
            thread.start()
        try:
            for thread in crew:
                while thread.is_alive():
                    thread.join(REPORT_SECONDS)
                    progress(STAGE, min(1.0, run.done / run.total))
                    self._check_budget()
        finally:
            run.stop.set()
            for thread in crew:
                thread.join()
        if run.error is not None:
            raise run.error
        progress(STAGE, 1.0)

    def frames_between(
        self, start_seconds: float, end_seconds: float, beat: Callable[[], None] = _silent
    ) -> Iterator[tuple[float, VideoFrame]]:
        """Every frame shown from `start_seconds` up to, not including, `end_seconds`: (seconds, frame), ascending.

        `beat` is called every few hundredths of a second, also where no frame comes for long; it may raise.
        """
        wanted = self._ticks_between(start_seconds, end_seconds)
        threads = self._threads(1)
        worker = self._get(threads)

        def told() -> None:
            beat()
            self._check_budget()

        worker.beat = Beat(told)
        try:
            for job in jobs(self.survey, wanted):
                for tick, frame in worker.frames(job):
                    own = frame_ticks(frame)
                    yield float(self.survey.seconds(tick if own is None else own)), frame
        finally:
            self._put(threads, worker)

    def small_between(
        self, stretches: Sequence[tuple[float, float]], progress: Progress
    ) -> list[tuple[SmallFrame, ...]]:
        """For each stretch (start, end) in seconds, end not included: its frames, small and grey, ascending."""
        ticks = [self._ticks_between(start, end) for start, end in stretches]
        found: dict[int, NDArray[np.uint8]] = {}

        def keep(tick: int, frame: VideoFrame) -> None:
            found[tick] = self.picture.small_luma(frame)

        self.take([tick for some in ticks for tick in some], keep, progress)
        return [tuple(self._small_frame(tick, found[tick]) for tick in some if tick in found) for some in ticks]

    def keyframes_small(self, progress: Progress) -> tuple[SmallFrame, ...]:
        """Every shown keyframe, small and grey, ascending. Decoding one costs as much as two to five other frames."""
        keys: list[int] = self.survey.key_ticks.tolist()

        def keep(tick: int, frame: VideoFrame) -> None:
            self.remember(tick, self.picture.small_luma(frame))

        self.take([tick for tick in keys if tick not in self._small], keep, progress)
        return tuple(self._small_frame(tick, self._small[tick]) for tick in keys if tick in self._small)

    @contextmanager
    def reader(self) -> Iterator[GroupDecoder]:
        """A worker to read packets with, undecoded; it is idle again at the end of the block."""
        worker = self._get(1)
        try:
            yield worker
        finally:
            self._put(1, worker)

    def small(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """The frame's luma, uint8 (h, w) full range, upright, short side about 180."""
        return self.picture.small_luma(frame)

    def remember(self, tick: int, luma: NDArray[np.uint8]) -> None:
        """Keep a keyframe's small copy for `keyframes_small`."""
        self._small[tick] = luma

    def _small_frame(self, tick: int, luma: NDArray[np.uint8]) -> SmallFrame:
        return SmallFrame(seconds=float(self.survey.seconds(tick)), luma=luma)

    def _ticks_between(self, start_seconds: float, end_seconds: float) -> list[int]:
        seconds = self.survey.seconds(self.survey.shown)
        ticks: list[int] = self.survey.shown[(seconds >= start_seconds) & (seconds < end_seconds)].tolist()
        return ticks

    def _workers(self, job_count: int) -> int:
        large = self.picture.coded_pixels > _POOLED_PIXELS
        fit = _POOL_BYTES // self._bytes_each
        return 1 if large else max(1, min(self._cores, _MAX_WORKERS, job_count, fit))

    def _threads(self, workers: int) -> int:
        """Threads of each decoder: a lone one uses all cores, unless its pictures are very large."""
        large = self.picture.coded_pixels > THREADED_PIXELS or 2 * self._bytes_each > _POOL_BYTES
        return 1 if workers > 1 or large else min(self._cores, 2 * _MAX_WORKERS)

    @property
    def _bytes_each(self) -> int:
        """Memory that a worker's pictures take on one thread."""
        return (self._at_once or _MOST_AT_ONCE) * max(1, self.picture.frame_bytes)

    def _work(self, run: Run, threads: int) -> None:
        try:
            worker = self._get(threads)
            worker.beat = run.keep_on
            try:
                while not run.stop.is_set() and (job := run.next_job()) is not None:
                    for tick, frame in worker.frames(job):
                        try:
                            run.take(tick, frame)
                        except FFmpegError:  # a frame whose format can't be converted
                            self._unreadable.add(self.survey.index[tick])
                            worker.came.discard(tick)
                        run.done += 1
                        if run.stop.is_set():
                            return
            finally:
                self._put(threads, worker)
        except Stopped:
            return
        except BaseException as error:  # noqa: BLE001  (raised again on the caller's thread)
            run.error = run.error or error
            run.stop.set()

    def _check_budget(self) -> None:
        pixels = max(1, min(self.picture.coded_pixels, FULL_HD_PIXELS))  # a small frame counts as one, an 8K as 16
        if self.decoded_pixels > self._source.limits.max_decoded_frames * pixels:
            raise InputError(
                f"“{self._source.name}” takes too long to decode; export it again with a keyframe every 2 s."
            )

    def _get(self, threads: int) -> GroupDecoder:
        with self._lock:
            if self._idle.get(threads):
                return self._idle[threads].pop()
            worker = GroupDecoder(self._source, self.survey, threads=threads)
            self._all.append(worker)
            return worker

    def _put(self, threads: int, worker: GroupDecoder) -> None:
        worker.beat = _silent
        with self._lock:
            self._idle.setdefault(threads, []).append(worker)
