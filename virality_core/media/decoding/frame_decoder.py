"""Frames of a video by time, decoded by several worker threads, one group of pictures per thread at a time."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from virality_core.errors import InputError
from virality_core.media.color.frame_converter import FrameConverter
from virality_core.media.container.source import Source
from virality_core.media.container.stream_index import StreamIndex
from virality_core.media.decoding.gop_decoder import DecodeJob, GopDecoder, frame_pts, plan_jobs
from virality_core.media.guards.limits import MEGABYTE
from virality_core.types import FULL_HD_PIXELS, Progress

STAGE = "decoding"
_REPORT_SECONDS = 0.04  # between two reports of progress, which is also when a cancellation is noticed

_MAX_WORKERS = 4
_MAX_POOL_PIXELS = 2560 * 1440  # larger frames: one worker, or too many are in memory at once
MAX_THREADED_PIXELS = 4096 * 2304  # larger frames: one thread, for the same reason
_MAX_POOL_BYTES = 400 * MEGABYTE  # frames of all workers together
_MAX_FRAMES_AT_ONCE = 18  # that any decoder holds

#: Called on a worker thread with (requested pts, frame).
OnFrame = Callable[[int, VideoFrame], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LumaFrame:
    """A frame for cheap motion and cut detection: `luma` uint8 (h, w), full range, upright, short side about 180."""

    seconds: float
    luma: NDArray[np.uint8]


class FrameDecoder:
    """Frames of one video by time. A context manager.

    Every method decodes from the right keyframe by itself, so a stretch costs its frames and those from the keyframe
    before it. Keyframes that were decoded before come from a cache.
    """

    def __init__(self, source: Source, index: StreamIndex, converter: FrameConverter, first: GopDecoder) -> None:
        """`first` is a single-threaded worker that has decoded the first frame."""
        self.index = index
        self.converter = converter
        self._source = source
        self._lock = threading.Lock()
        self._workers = [first]
        self._idle: dict[int, list[GopDecoder]] = {1: [first]}  # by threads per worker
        self._keyframe_luma: dict[int, NDArray[np.uint8]] = {}
        self._unconvertible: set[int] = set()  # packets whose frames have a format that can't be converted
        self._worker_bytes = (first.frames_at_once or _MAX_FRAMES_AT_ONCE) * max(1, converter.frame_bytes)
        self._cores = os.cpu_count() or 1

    def __enter__(self) -> FrameDecoder:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.close()

    @property
    def decoded_frames(self) -> int:
        """Frames decoded so far."""
        return sum(worker.decoded_frames for worker in self._workers)

    @property
    def damaged_packets(self) -> int:
        """Packets that could not be decoded so far."""
        return len(self._unconvertible.union(*(worker.damaged_packets for worker in self._workers)))

    @property
    def requested_frames(self) -> int:
        """Different frames requested so far."""
        return len(self._requested())

    @property
    def missing_frames(self) -> int:
        """Requested frames that were left out or substituted so far."""
        return len(self._requested().difference(*(worker.decoded for worker in self._workers)))

    @property
    def name(self) -> str:
        """The file's display name."""
        return self._source.name

    @property
    def max_pixels(self) -> int:
        """The largest frame that a decoder may make."""
        return self._source.limits.max_pixels

    def decode(self, requested: Sequence[int], on_frame: OnFrame, progress: Progress) -> None:
        """Call `on_frame(pts, frame)` on worker threads for each requested pts of `index.frame_pts`.

        A frame that can't be decoded is replaced by the next one that can (its own `pts` tells), or left out.

        Raises:
            InputError: the file needs more decoding than the limits allow.
            Cancelled: `progress` raised it; the workers have ended.
        """
        jobs = plan_jobs(self.index, requested)
        if not jobs:
            return
        batch = _Batch(jobs=deque(jobs), on_frame=on_frame)
        total = len(set(requested))
        count = self._worker_count(len(jobs))
        per_worker = self._threads_per_worker(count)
        threads = [
            threading.Thread(target=self._work, args=(batch, per_worker), name=f"decode-{i}") for i in range(count)
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(_REPORT_SECONDS)
                    progress(STAGE, min(1.0, batch.done / total))
                    self._check_budget()
        finally:
            batch.stop.set()
            for thread in threads:
                thread.join()
        if batch.error is not None:
            raise batch.error
        progress(STAGE, 1.0)

    def frames_between(
        self, start_seconds: float, end_seconds: float, poll: Callable[[], None] | None = None
    ) -> Iterator[tuple[float, VideoFrame]]:
        """Every frame shown from `start_seconds` up to, not including, `end_seconds`: (seconds, frame), ascending.

        `poll` is called every few hundredths of a second, even while no frame arrives; it may raise.
        """
        threads = self._threads_per_worker(1)
        worker = self._acquire(threads)

        def on_packet() -> None:
            if poll is not None:
                poll()
            self._check_budget()

        worker.on_packet = Throttle(on_packet)
        try:
            for job in plan_jobs(self.index, self._pts_between(start_seconds, end_seconds)):
                for pts, frame in worker.frames(job):
                    actual = frame_pts(frame)
                    yield float(self.index.seconds(pts if actual is None else actual)), frame
        finally:
            self._release(threads, worker)

    def luma_between(self, stretches: Sequence[tuple[float, float]], progress: Progress) -> list[tuple[LumaFrame, ...]]:
        """For each stretch (start, end) in seconds, end not included: its frames, small and gray, ascending."""
        pts = [self._pts_between(start, end) for start, end in stretches]
        luma: dict[int, NDArray[np.uint8]] = {}

        def on_frame(value: int, frame: VideoFrame) -> None:
            luma[value] = self.converter.small_luma(frame)

        self.decode([value for stretch in pts for value in stretch], on_frame, progress)
        return [self._luma_frames(stretch, luma) for stretch in pts]

    def keyframe_luma(self, progress: Progress) -> tuple[LumaFrame, ...]:
        """Every shown keyframe, small and gray, ascending. Decoding one costs as much as two to five other frames."""
        keys: list[int] = self.index.key_pts.tolist()

        def on_frame(pts: int, frame: VideoFrame) -> None:
            self.cache_keyframe(pts, self.converter.small_luma(frame))

        self.decode([pts for pts in keys if pts not in self._keyframe_luma], on_frame, progress)
        return self._luma_frames(keys, self._keyframe_luma)

    def cache_keyframe(self, pts: int, luma: NDArray[np.uint8]) -> None:
        """Store a keyframe's luma for `keyframe_luma`."""
        self._keyframe_luma[pts] = luma

    @contextmanager
    def packet_reader(self) -> Iterator[GopDecoder]:
        """A worker for reading packets without decoding them."""
        worker = self._acquire(1)
        try:
            yield worker
        finally:
            self._release(1, worker)

    def _requested(self) -> set[int]:
        return set[int]().union(*(worker.requested for worker in self._workers))

    def _luma_frames(self, pts: Sequence[int], luma: dict[int, NDArray[np.uint8]]) -> tuple[LumaFrame, ...]:
        return tuple(
            LumaFrame(seconds=float(self.index.seconds(value)), luma=luma[value]) for value in pts if value in luma
        )

    def _pts_between(self, start_seconds: float, end_seconds: float) -> list[int]:
        seconds = self.index.seconds(self.index.frame_pts)
        pts: list[int] = self.index.frame_pts[(seconds >= start_seconds) & (seconds < end_seconds)].tolist()
        return pts

    def _worker_count(self, job_count: int) -> int:
        if self.converter.coded_pixels > _MAX_POOL_PIXELS:
            return 1
        return max(1, min(self._cores, _MAX_WORKERS, job_count, _MAX_POOL_BYTES // self._worker_bytes))

    def _threads_per_worker(self, workers: int) -> int:
        """A single worker uses all cores, unless its frames are very large."""
        large = self.converter.coded_pixels > MAX_THREADED_PIXELS or 2 * self._worker_bytes > _MAX_POOL_BYTES
        return 1 if workers > 1 or large else min(self._cores, 2 * _MAX_WORKERS)

    def _work(self, batch: _Batch, threads: int) -> None:
        try:
            worker = self._acquire(threads)
            worker.on_packet = batch.raise_if_stopped
            try:
                while batch.jobs:
                    try:
                        job = batch.jobs.popleft()
                    except IndexError:  # another worker took the last one
                        return
                    for pts, frame in worker.frames(job):
                        try:
                            batch.on_frame(pts, frame)
                        except FFmpegError:
                            self._unconvertible.add(self.index.packet_of_pts[pts])
                            worker.decoded.discard(pts)
                        batch.done += 1
                        batch.raise_if_stopped()
            finally:
                self._release(threads, worker)
        except _Stopped:
            return
        except BaseException as error:  # noqa: BLE001  (raised again on the caller's thread)
            batch.error = batch.error or error
            batch.stop.set()

    def _check_budget(self) -> None:
        unit = max(1, min(self.converter.coded_pixels, FULL_HD_PIXELS))  # small frames count as one, 8K as 16
        if sum(worker.decoded_pixels for worker in self._workers) > self._source.limits.max_decoded_frames * unit:
            raise InputError(
                f"“{self._source.name}” takes too long to decode; export it again with a keyframe every 2 s."
            )

    def _acquire(self, threads: int) -> GopDecoder:
        with self._lock:
            if self._idle.get(threads):
                return self._idle[threads].pop()
            worker = GopDecoder(self._source, self.index, threads=threads)
            self._workers.append(worker)
            return worker

    def _release(self, threads: int, worker: GopDecoder) -> None:
        worker.on_packet = None
        with self._lock:
            self._idle.setdefault(threads, []).append(worker)


class Throttle:
    """Calls through at most every `_REPORT_SECONDS`."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self._next = 0.0

    def __call__(self) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._call()
            self._next = now + _REPORT_SECONDS


class _Stopped(Exception):  # noqa: N818  (a request, not an error)
    """The caller wants no more frames."""


@dataclass(slots=True, kw_only=True)
class _Batch:
    """What the workers of one `decode` call share."""

    jobs: deque[DecodeJob]
    on_frame: OnFrame
    done: int = 0
    error: BaseException | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    def raise_if_stopped(self) -> None:
        if self.stop.is_set():
            raise _Stopped
