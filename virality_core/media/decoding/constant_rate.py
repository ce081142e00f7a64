"""A reel's frames at a constant rate, small: the material of training clips."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from virality_core.errors import InputError
from virality_core.media.container.source import Source, VideoSource, no_frame
from virality_core.media.decoding import sampling_grid
from virality_core.media.decoding.frame_sampler import CLIP_PIXELS
from virality_core.media.decoding.gop_decoder import frame_pts
from virality_core.media.decoding.opened_video import open_video
from virality_core.media.guards.limits import DEFAULT_LIMITS, Limits
from virality_core.types import FrameBatch, Progress, no_progress


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
    """The frames nearest to 0, 1/rate, 2/rate … s, each of at most `CLIP_PIXELS` pixels, like a plan's clips.

    A reel slower than `rate` repeats frames, as a player does. Memory: 170 KB per frame.

    Args:
        source: A path or an open binary file.
        rate: Frames per second.
        max_seconds: Nothing later is read.
        choose: Maps the number of those frames to the indices to decode, in any order and number; by default all.
        name: What messages call the file; by default the last part of the path.
        progress: Called with (stage, fraction); may raise Cancelled.
        limits: What is accepted.

    Raises:
        InputError: not a video, damaged beyond reading, or over a limit.
    """
    with Source(source, name=name, limits=limits) as opened, open_video(opened, progress) as video:
        index, converter = video.index, video.converter
        seconds = min(index.duration_seconds, max_seconds, limits.max_seconds)
        steps = np.arange(max(1, int(seconds * rate + 1e-6)))
        times = (steps if choose is None else choose(len(steps))) / rate
        pts = index.frame_pts[sampling_grid.nearest(index.seconds(index.frame_pts), times)]
        requested = np.unique(pts)
        width, height = converter.size_within(CLIP_PIXELS)
        rgb = np.empty((len(requested), height, width, 3), np.uint8)
        actual_pts: dict[int, int] = {}  # by requested pts

        def on_frame(value: int, frame: VideoFrame) -> None:
            actual = frame_pts(frame)
            converter.rgb(frame, rgb[int(np.searchsorted(requested, value))])
            actual_pts[value] = value if actual is None else actual

        video.decoder.decode(requested.tolist(), on_frame, progress)
        if not actual_pts:
            raise InputError(no_frame(opened.name))
        decoded = np.array(sorted(actual_pts), np.int64)
        pts = decoded[sampling_grid.nearest(decoded.astype(np.float64), pts.astype(np.float64))]
        actual = np.array([actual_pts[value] for value in pts.tolist()], np.int64)
        return FrameBatch(rgb=rgb[np.searchsorted(requested, pts)], seconds=index.seconds(actual))
