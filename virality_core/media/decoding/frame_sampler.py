"""Decodes what a plan asks for: stills, hook, runs and clips share one pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from virality_core.errors import InputError
from virality_core.media.color.frame_converter import FrameConverter
from virality_core.media.container.source import no_frame
from virality_core.media.container.stream_index import StreamIndex
from virality_core.media.decoding import sampling_grid
from virality_core.media.decoding.frame_decoder import FrameDecoder
from virality_core.media.decoding.gop_decoder import frame_pts
from virality_core.types import ClipBatch, FrameBatch, FrameRun, Plan, Progress

CLIP_PIXELS = 320 * 180  # of a clip's frame: video networks see 112 to 256 lines


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledFrames:
    """A plan's frames."""

    frames: FrameBatch
    hook: FrameBatch | None
    runs: tuple[FrameRun, ...]
    clips: ClipBatch | None


def sample_frames(decoder: FrameDecoder, plan: Plan, progress: Progress) -> SampledFrames:
    """Decode all frames the plan asks for, each once.

    Raises:
        InputError: the plan has stills, and no frame can be decoded.
        Cancelled: `progress` raised it.
    """
    index, converter = decoder.index, decoder.converter
    start = plan.start_seconds
    seconds = index.seconds(index.frame_pts)
    first = min(int(np.searchsorted(seconds, start - 1e-9)), len(seconds) - 1)
    keys = index.seconds(index.key_pts)
    keys = keys[keys >= seconds[first]] - start
    pts, seconds, duration = index.frame_pts[first:], seconds[first:] - start, index.duration_seconds - start
    chosen_stills = sampling_grid.stills(seconds, keys, count=plan.stills, duration_seconds=duration, exact=plan.exact)
    chosen_hook = sampling_grid.hook_stills(seconds, count=plan.hook_stills, duration_seconds=duration)
    run_pts = [pts[run].tolist() for run in sampling_grid.runs(seconds, chosen_stills)] if plan.runs else []
    clip_pts = pts[sampling_grid.clips(seconds, count=plan.clips, duration_seconds=duration)]

    size = converter.size_within(plan.pixel_budget)
    stills = _RgbStore(pts[chosen_stills].tolist(), size, for_encoding=plan.coded_again)
    hook = _RgbStore(pts[chosen_hook].tolist(), size, for_encoding=plan.coded_again)
    clips = _RgbStore(np.unique(clip_pts).tolist(), converter.size_within(CLIP_PIXELS))
    in_runs = {value for run in run_pts for value in run}
    key_pts = frozenset(index.key_pts.tolist())
    luma: dict[int, tuple[int, NDArray[np.uint8]]] = {}  # by requested pts: actual pts and luma

    def on_frame(requested: int, frame: VideoFrame) -> None:
        pts = frame_pts(frame)
        actual = requested if pts is None else pts
        for store in (stills, hook, clips):
            store.add(requested, actual, frame, converter)
        if requested in in_runs or actual in key_pts:
            small = converter.small_luma(frame)
            if requested in in_runs:
                luma[requested] = (actual, small)
            if actual in key_pts:
                decoder.cache_keyframe(actual, small)

    decoder.decode([*stills.rows, *hook.rows, *clips.rows, *in_runs], on_frame, progress)
    if (plan.stills or plan.hook_stills) and not (stills.actual_pts or hook.actual_pts):
        raise InputError(no_frame(decoder.name))
    # If almost nothing can be decoded, the frames of the hook stand for the reel.
    frames = stills if stills.actual_pts or not plan.stills else hook
    decoded_runs = ([luma[value] for value in run if value in luma] for run in run_pts)
    return SampledFrames(
        frames=frames.batch(index),
        hook=hook.batch(index) if plan.hook_stills else None,
        runs=tuple(_run(index, run) for run in decoded_runs if run),
        clips=clips.clips(index, clip_pts) if clips.actual_pts else None,
    )


class _RgbStore:
    """RGB frames of one size, a row for each requested pts; rows are filled on worker threads."""

    def __init__(self, requested: Sequence[int], size: tuple[int, int], *, for_encoding: bool = False) -> None:
        width, height = size
        self._for_encoding = for_encoding
        self.rows = {pts: row for row, pts in enumerate(requested)}
        self.actual_pts: dict[int, int] = {}  # by requested pts; they differ for substitutes
        self._rgb = np.empty((len(requested), height, width, 3), np.uint8)

    def add(self, requested: int, actual: int, frame: VideoFrame, converter: FrameConverter) -> None:
        if requested in self.rows:
            converter.rgb(frame, self._rgb[self.rows[requested]], for_encoding=self._for_encoding)
            self.actual_pts[requested] = actual

    def batch(self, index: StreamIndex) -> FrameBatch:
        """Ascending, each frame once; no copy unless a frame is missing."""
        by_actual = {actual: requested for requested, actual in sorted(self.actual_pts.items(), reverse=True)}
        order = [self.rows[by_actual[actual]] for actual in sorted(by_actual)]
        complete = order == list(range(len(self._rgb)))
        seconds = index.seconds(np.array(sorted(by_actual), np.int64))
        return FrameBatch(rgb=self._rgb if complete else self._rgb[order], seconds=seconds)

    def clips(self, index: StreamIndex, clip_pts: NDArray[np.int64]) -> ClipBatch:
        """Clips of the frames at `clip_pts` (K, T); a missing frame is replaced by the nearest one."""
        decoded = np.array(sorted(self.actual_pts), np.int64)
        nearest = sampling_grid.nearest(decoded.astype(np.float64), clip_pts.reshape(-1).astype(np.float64))
        requested: list[int] = decoded[nearest].tolist()
        rows = np.array([self.rows[pts] for pts in requested], np.intp).reshape(clip_pts.shape)
        actual = np.array([self.actual_pts[pts] for pts in requested], np.int64).reshape(clip_pts.shape)
        return ClipBatch(rgb=self._rgb[rows], seconds=index.seconds(actual))


def _run(index: StreamIndex, frames: Iterable[tuple[int, NDArray[np.uint8]]]) -> FrameRun:
    by_pts = dict(frames)
    pts = sorted(by_pts)
    return FrameRun(luma=np.stack([by_pts[value] for value in pts]), seconds=index.seconds(np.array(pts, np.int64)))
