"""Frames of a video by time, decoded by several worker threads, one group of pictures per thread at a time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from virality_core.errors import InputError
from virality_core.media.color.frame_converter import FrameConverter
from virality_core.media.container.source import Source
from virality_core.media.container.stream_index import StreamIndex, pts_of
from virality_core.media.decoding.gop_decoder import DecodeJob, GopDecoder, plan_jobs
from virality_core.media.guards.decoder_memory import frames_at_once
from virality_core.media.guards.limits import MEGABYTE
from virality_core.types import FULL_HD_PIXELS, FrameRun, Progress, VideoInfo

STAGE = "decoding"
_REPORT_SECONDS = 0.04  # between two reports of progress, which is also when a cancellation is noticed

_MAX_WORKERS = 4
_MAX_POOL_PIXELS = 2560 * 1440  # larger frames: one worker, or too many are in memory at once
MAX_THREADED_PIXELS = 4096 * 2304  # larger frames: one thread, for the same reason
_MAX_POOL_BYTES = 400 * MEGABYTE  # frames of all workers together

#: Called on a worker thread with (requested pts, frame).
OnFrame = Callable[[int, VideoFrame], None]


class FrameDecoder:
    """Frames of one video by time. A context manager. `info` is what the header and the first frame say.

    Every method decodes from the right keyframe by itself, so a stretch costs its frames and those from the keyframe
    before it. Keyframes that were decoded before come from a cache.
    """

    def __init__(
        self, source: Source, info: VideoInfo, index: StreamIndex, converter: FrameConverter, first: GopDecoder
    ) -> None:
        """`first` is a single-threaded worker that has decoded the first frame."""
        self.source = source
        self.info = info
        self.index = index
        self.converter = converter
        self._lock = threading.Lock()
        self.workers: list[GopDecoder] = [first]
        self._idle: dict[int, list[GopDecoder]] = {1: [first]}  # by threads per worker
        self.keyframe_luma: dict[int, NDArray[np.uint8]] = {}  # of the keyframes decoded so far, by pts
        self._unconvertible: set[int] = set()  # packets whose frames have a format that can't be converted
        self._worker_bytes = frames_at_once(first.context) * max(1, converter.frame_bytes)
        self._cores = os.cpu_count() or 1

    def __enter__(self) -> FrameDecoder:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.close()

    def losses(self) -> tuple[int, int, int]:
        """So far: packets that could not be decoded, frames requested, and how many of these were not decoded."""
        packets = self._unconvertible.union(*(worker.damaged_packets for worker in self.workers))
        requested = set[int]().union(*(worker.requested for worker in self.workers))
        missing = requested.difference(*(worker.decoded for worker in self.workers))
        return len(packets), len(requested), len(missing)

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
        batch, total = _Batch(jobs=iter(jobs), on_frame=on_frame), len(set(requested))
        count = self._worker_count(len(jobs))
        threads = self._threads_per_worker(count)
        with ThreadPoolExecutor(count, thread_name_prefix="decode-") as pool:
            running = {pool.submit(self._work, batch, threads) for _ in range(count)}
            try:
                while running:
                    done, running = wait(running, _REPORT_SECONDS, FIRST_COMPLETED)
                    for future in done:
                        future.result()
                    progress(STAGE, min(1.0, batch.done / total))
                    self._check_budget()
            finally:
                batch.stop.set()
        progress(STAGE, 1.0)

    def frames_between(
        self, start_seconds: float, end_seconds: float, poll: Callable[[], None] = lambda: None
    ) -> Iterator[tuple[float, VideoFrame]]:
        """Every frame shown from `start_seconds` up to, not including, `end_seconds`: (seconds, frame), ascending.

        `poll` is called every few hundredths of a second, even while no frame arrives; it may raise.
        """

        def on_packet() -> None:
            poll()
            self._check_budget()

        with self.worker(self._threads_per_worker(1), throttled(on_packet)) as worker:
            for job in plan_jobs(self.index, self._pts_between(start_seconds, end_seconds)):
                for pts, frame in worker.frames(job):
                    actual = pts_of(frame)
                    yield float(self.index.seconds(pts if actual is None else actual)), frame

    def luma_between(self, stretches: Sequence[tuple[float, float]], progress: Progress) -> list[FrameRun]:
        """For each stretch (start, end) in seconds, end not included: its frames, small and gray."""
        pts = [self._pts_between(start, end) for start, end in stretches]
        luma: dict[int, NDArray[np.uint8]] = {}

        def on_frame(value: int, frame: VideoFrame) -> None:
            luma[value] = self.converter.small_luma(frame)

        self.decode([value for stretch in pts for value in stretch], on_frame, progress)
        return [frame_run(self.index, {value: luma[value] for value in stretch if value in luma}) for stretch in pts]

    def keyframes(self, progress: Progress) -> FrameRun:
        """Every shown keyframe, small and gray. Decoding one costs as much as two to five other frames."""

        def on_frame(pts: int, frame: VideoFrame) -> None:
            self.keyframe_luma[pts] = self.converter.small_luma(frame)

        self.decode([pts for pts in self.index.key_pts.tolist() if pts not in self.keyframe_luma], on_frame, progress)
        return frame_run(self.index, self.keyframe_luma)

    @contextmanager
    def worker(self, threads: int, on_packet: Callable[[], object] = lambda: None) -> Iterator[GopDecoder]:
        """An idle or new worker; idle again at the end of the block."""
        with self._lock:
            idle = self._idle.setdefault(threads, [])
            if not idle:
                idle.append(GopDecoder(self.source, self.index, threads=threads))
                self.workers.append(idle[0])
            worker = idle.pop()
        worker.on_packet = on_packet
        try:
            yield worker
        finally:
            worker.on_packet = lambda: None
            with self._lock:
                idle.append(worker)

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
        with suppress(_Stopped), self.worker(threads, batch.raise_if_stopped) as worker:
            for job in batch.jobs:
                for pts, frame in worker.frames(job):
                    try:
                        batch.on_frame(pts, frame)
                    except FFmpegError:
                        self._unconvertible.add(self.index.packet_of_pts[pts])
                        worker.decoded.discard(pts)
                    batch.done += 1
                    batch.raise_if_stopped()

    def _check_budget(self) -> None:
        unit = max(1, min(self.converter.coded_pixels, FULL_HD_PIXELS))  # small frames count as one, 8K as 16
        if sum(worker.decoded_pixels for worker in self.workers) > self.source.limits.max_decoded_frames * unit:
            raise InputError(
                f"“{self.source.name}” takes too long to decode; export it again with a keyframe every 2 s."
            )


def frame_run(index: StreamIndex, luma: Mapping[int, NDArray[np.uint8]]) -> FrameRun:
    """The frames by pts as one run, ascending."""
    pts = sorted(luma)
    frames = np.stack([luma[value] for value in pts]) if pts else np.zeros((0, 1, 1), np.uint8)
    return FrameRun(luma=frames, seconds=index.seconds(np.array(pts, np.int64)))


def throttled(call: Callable[[], object]) -> Callable[[], None]:
    """A function that calls through at most every `_REPORT_SECONDS`."""
    next_call = 0.0

    def throttled_call() -> None:
        nonlocal next_call
        now = time.monotonic()
        if now >= next_call:
            call()
            next_call = now + _REPORT_SECONDS

    return throttled_call


class _Stopped(Exception):  # noqa: N818  (a request, not an error)
    """The caller wants no more frames."""


@dataclass(slots=True, kw_only=True)
class _Batch:
    """What the workers of one `decode` call share; a list's iterator is thread-safe."""

    jobs: Iterator[DecodeJob]
    on_frame: OnFrame
    done: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def raise_if_stopped(self) -> None:
        if self.stop.is_set():
            raise _Stopped
