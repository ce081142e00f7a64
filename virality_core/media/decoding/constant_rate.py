"""A reel's frames at a steady rate, small: what a training clip is cut from."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from virality_core.errors import InputError
from virality_core.media.container.source import Source, VideoSource, no_frame
from virality_core.media.container.stream_index import survey
from virality_core.media.decoding import sampling_grid
from virality_core.media.decoding.first_frame import first_decoder
from virality_core.media.decoding.frame_decoder import Decoder
from virality_core.media.decoding.frame_sampler import CLIP_PIXELS
from virality_core.media.decoding.gop_decoder import frame_ticks
from virality_core.media.decoding.probe import checked_video, describe
from virality_core.media.guards.limits import DEFAULT_LIMITS, Limits
from virality_core.types import FrameBatch, Progress


def steady_frames(
    source: VideoSource,
    *,
    rate: float = sampling_grid.CLIP_RATE,
    max_seconds: float,
    choose: Callable[[int], NDArray[np.intp]] | None = None,
    name: str | None = None,
    progress: Progress | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> FrameBatch:
    """The frames nearest to 0, 1/rate, 2/rate … s, each of at most `CLIP_PIXELS` pixels, as a plan's clips are.

    A reel slower than `rate` gives a frame more than once, as its viewers see it. Memory: 170 KB a frame.

    Args:
        source: a path or an open binary file.
        rate: frames a second.
        max_seconds: what lies later is not read.
        choose: from the number of those frames to the ones that are wanted, in any order and number; the others are
            not decoded. All of them if not given.
        name: what to call the file; the path's last part if not given.
        progress: called with (stage, fraction); may raise Cancelled.
        limits: what is taken in.

    Raises:
        InputError: not a video, damaged beyond reading, or over a limit.
    """
    report = progress or _silent
    with Source(source, name=name, limits=limits) as opened, opened.open() as container, ExitStack() as stack:
        stream = checked_video(opened, container)
        table = survey(opened, container, stream, progress=report)
        first = first_decoder(opened, container, table)
        stack.callback(first.decoder.close)
        _, picture = describe(opened, container, stream, first.frame)
        seconds = min(table.duration_seconds, max_seconds, limits.max_seconds)
        steps = np.arange(max(1, int(seconds * rate + 1e-6)))
        times = (steps if choose is None else choose(len(steps))) / rate
        ticks = table.shown[sampling_grid.nearest(table.seconds(table.shown), times)]
        wanted = np.unique(ticks)
        width, height = picture.size_within(CLIP_PIXELS)
        rgb = np.empty((len(wanted), height, width, 3), np.uint8)
        came: dict[int, int] = {}  # by wanted tick: its own

        def keep(tick: int, frame: VideoFrame) -> None:
            own = frame_ticks(frame)
            picture.rgb(frame, rgb[int(np.searchsorted(wanted, tick))])
            came[tick] = tick if own is None else own

        with Decoder(opened, table, picture) as decoder:
            decoder.adopt(first.decoder)
            decoder.take(wanted.tolist(), keep, report)
        if not came:
            raise InputError(no_frame(opened.name))
        have = np.array(sorted(came), np.int64)
        stand_in = have[sampling_grid.nearest(have.astype(np.float64), ticks.astype(np.float64))]
        own_ticks = np.array([came[tick] for tick in stand_in.tolist()], np.int64)
        return FrameBatch(rgb=rgb[np.searchsorted(wanted, stand_in)], seconds=table.seconds(own_ticks))


def _silent(stage: str, fraction: float) -> None:
    """Progress nobody watches."""
