"""Decodes the frames of a plan, frames at a constant rate, or every frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from virality_core.errors import InputError
from virality_core.media.color.frame_converter import FrameConverter
from virality_core.media.container.source import Source, VideoSource, no_frame
from virality_core.media.container.stream_index import StreamIndex, pts_of
from virality_core.media.decoding import sampling_grid
from virality_core.media.decoding.frame_decoder import STAGE, FrameDecoder, frame_run
from virality_core.media.decoding.opened_video import open_video
from virality_core.media.guards.limits import DEFAULT_LIMITS, Limits
from virality_core.types import HOOK_SECONDS, ClipBatch, FrameBatch, Plan, Progress, Reel, no_progress

_BatchT = TypeVar("_BatchT", FrameBatch, ClipBatch)

_BATCH_BYTES = 64 << 20  # ten frames of 1080 × 1920: memory doesn't grow with the reel
_CLIP_PIXELS = 320 * 180  # of a clip's frame: video networks see 112 to 256 lines


def sample_frames(decoder: FrameDecoder, plan: Plan, progress: Progress) -> Reel:
    """A reel with the plan's stills, hook, runs and clips: all frames in one pass, each once.

    Raises InputError if the plan has stills and no frame can be decoded.
    """
    index, converter = decoder.index, decoder.converter
    start = plan.start_seconds
    seconds = index.seconds(index.frame_pts)
    first = min(int(np.searchsorted(seconds, start - 1e-9)), len(seconds) - 1)
    keys = index.seconds(index.key_pts)
    keys = keys[keys >= seconds[first]] - start
    pts, seconds, duration = index.frame_pts[first:], seconds[first:] - start, index.duration_seconds - start
    chosen_stills = sampling_grid.stills(seconds, keys, count=plan.stills, duration_seconds=duration, exact=plan.exact)
    hook_grid = sampling_grid.grid(plan.hook_stills, min(HOOK_SECONDS, duration))
    chosen_hook = np.unique(sampling_grid.on_screen(seconds, hook_grid))
    run_pts = [pts[run].tolist() for run in sampling_grid.runs(seconds, chosen_stills)] if plan.runs else []
    clip_pts = pts[sampling_grid.clips(seconds, count=plan.clips, duration_seconds=duration)]

    size = converter.size_within(plan.pixel_budget)
    stills = _RgbStore(pts[chosen_stills], size, converter, plan.coded_again)
    hook = _RgbStore(pts[chosen_hook], size, converter, plan.coded_again)
    clips = _RgbStore(np.unique(clip_pts), converter.size_within(_CLIP_PIXELS), converter)
    in_runs = {value for run in run_pts for value in run}
    key_pts = frozenset(index.key_pts.tolist())
    luma: dict[int, tuple[int, NDArray[np.uint8]]] = {}  # by requested pts: actual pts and luma

    def on_frame(requested: int, frame: VideoFrame) -> None:
        for store in (stills, hook, clips):
            store.add(requested, frame)
        actual = _actual_pts(requested, frame)
        if requested in in_runs or actual in key_pts:
            small = converter.small_luma(frame)
            if requested in in_runs:
                luma[requested] = (actual, small)
            if actual in key_pts:
                decoder.keyframe_luma[actual] = small

    decoder.decode([*stills.rows, *hook.rows, *clips.rows, *in_runs], on_frame, progress)
    if (plan.stills or plan.hook_stills) and not (stills.actual_pts or hook.actual_pts):
        raise InputError(no_frame(decoder.source.name))
    runs = (frame_run(index, dict(luma[value] for value in run if value in luma)) for run in run_pts)
    return Reel(
        info=decoder.info,
        # If almost nothing can be decoded, the frames of the hook stand for the reel.
        frames=(stills if stills.actual_pts or not plan.stills else hook).batch(index),
        hook=hook.batch(index) if plan.hook_stills else None,
        runs=tuple(run for run in runs if len(run)),
        clips=clips.nearest(index, clip_pts, ClipBatch) if clips.actual_pts else None,
    )


def frames_at_rate(
    source: VideoSource,
    *,
    rate: float = sampling_grid.CLIP_RATE,
    max_seconds: float,
    choose: Callable[[int], NDArray[np.intp]] | None = None,
    name: str | None = None,
    progress: Progress = no_progress,
    limits: Limits = DEFAULT_LIMITS,
) -> FrameBatch:
    """The frames nearest to 0, 1/rate, 2/rate … s, as small as those of a plan's clips: 170 KB each.

    Nothing after `max_seconds` is decoded. A reel slower than `rate` repeats frames, as a player does. `choose` maps
    the number of frames to the indices to decode, in any order and number. Other args and errors as `open_reel`.
    """
    with Source(source, name=name, limits=limits) as opened, open_video(opened, progress) as decoder:
        index, converter = decoder.index, decoder.converter
        seconds = min(index.duration_seconds, max_seconds, limits.max_seconds)
        steps = np.arange(max(1, int(seconds * rate + 1e-6)))
        times = (steps if choose is None else choose(len(steps))) / rate
        pts = index.frame_pts[sampling_grid.nearest(index.seconds(index.frame_pts), times)]
        store = _RgbStore(np.unique(pts), converter.size_within(_CLIP_PIXELS), converter)
        decoder.decode([*store.rows], store.add, progress)
        if not store.actual_pts:
            raise InputError(no_frame(opened.name))
        return store.nearest(index, pts, FrameBatch)


def every_frame(
    source: VideoSource, *, name: str | None = None, progress: Progress, limits: Limits = DEFAULT_LIMITS
) -> Iterator[FrameBatch]:
    """All shown frames, each once, at native size, ascending, in batches of at most 64 MB and at least one frame.

    Args and errors as `open_reel`.
    """
    with Source(source, name=name, limits=limits) as opened, open_video(opened, progress) as decoder:
        duration, converter = decoder.index.duration_seconds, decoder.converter
        limits.check_length(duration, frame_seconds=duration / len(decoder.index.frame_pts), name=opened.name)
        size = max(1, _BATCH_BYTES // (3 * converter.width * converter.height))
        rgb = np.empty((size, converter.height, converter.width, 3), np.uint8)
        seconds: list[float] = []
        last = -np.inf

        def report() -> None:
            progress(STAGE, min(1.0, max(0.0, last / duration)) if duration > 0 else 1.0)

        for at, frame in decoder.frames_between(-np.inf, np.inf, report):
            if at <= last:  # the substitute for a damaged frame, which was returned already
                continue
            last = at
            converter.rgb(frame, rgb[len(seconds)])
            seconds.append(at)
            if len(seconds) == size:
                yield FrameBatch(rgb=rgb, seconds=np.array(seconds))
                rgb, seconds = np.empty_like(rgb), []
                report()
        if seconds:
            yield FrameBatch(rgb=rgb[: len(seconds)], seconds=np.array(seconds))
        if last == -np.inf:
            raise InputError(no_frame(opened.name))


class _RgbStore:
    """RGB frames of one size, a row for each requested pts; rows are filled on worker threads."""

    def __init__(
        self, requested: NDArray[np.int64], size: tuple[int, int], converter: FrameConverter, for_encoding: bool = False
    ) -> None:
        width, height = size
        self.rows: dict[int, int] = {pts: row for row, pts in enumerate(requested.tolist())}
        self.actual_pts: dict[int, int] = {}  # by requested pts; they differ for substitutes
        self._converter, self._for_encoding = converter, for_encoding
        self._rgb = np.empty((len(requested), height, width, 3), np.uint8)

    def add(self, requested: int, frame: VideoFrame) -> None:
        if requested in self.rows:
            self._converter.rgb(frame, self._rgb[self.rows[requested]], for_encoding=self._for_encoding)
            self.actual_pts[requested] = _actual_pts(requested, frame)

    def batch(self, index: StreamIndex) -> FrameBatch:
        """Ascending, each frame once; no copy unless a frame is missing."""
        by_actual = {actual: requested for requested, actual in sorted(self.actual_pts.items(), reverse=True)}
        order = [self.rows[by_actual[actual]] for actual in sorted(by_actual)]
        complete = order == list(range(len(self._rgb)))
        seconds = index.seconds(np.array(sorted(by_actual), np.int64))
        return FrameBatch(rgb=self._rgb if complete else self._rgb[order], seconds=seconds)

    def nearest(self, index: StreamIndex, pts: NDArray[np.int64], batch: type[_BatchT]) -> _BatchT:
        """A batch of the frames nearest to `pts`, in their shape."""
        decoded = np.array(sorted(self.actual_pts), np.int64)
        nearest = sampling_grid.nearest(decoded.astype(np.float64), pts.reshape(-1).astype(np.float64))
        requested: list[int] = decoded[nearest].tolist()
        rows = np.array([self.rows[value] for value in requested], np.intp).reshape(pts.shape)
        actual = np.array([self.actual_pts[value] for value in requested], np.int64).reshape(pts.shape)
        return batch(rgb=self._rgb[rows], seconds=index.seconds(actual))


def _actual_pts(requested: int, frame: VideoFrame) -> int:
    pts = pts_of(frame)
    return requested if pts is None else pts
