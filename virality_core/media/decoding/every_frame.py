"""Every frame of a reel in order, in small batches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from virality_core.errors import InputError
from virality_core.media.container.source import Source, VideoSource, no_frame
from virality_core.media.decoding.frame_decoder import STAGE
from virality_core.media.decoding.opened_video import open_video
from virality_core.media.guards.limits import DEFAULT_LIMITS, Limits
from virality_core.types import FrameBatch, Progress

_BATCH_BYTES = 64 << 20  # ten frames of 1080 × 1920: memory doesn't grow with the reel


def every_frame(
    source: VideoSource, *, name: str | None = None, progress: Progress, limits: Limits = DEFAULT_LIMITS
) -> Iterator[FrameBatch]:
    """All shown frames, each once, at native size, ascending, in batches of at most 64 MB and at least one frame.

    Args and errors as `open_reel`.
    """
    with Source(source, name=name, limits=limits) as opened, open_video(opened, progress) as video:
        duration, converter = video.index.duration_seconds, video.converter
        limits.check_length(duration, frame_seconds=duration / len(video.index.frame_pts), name=opened.name)
        size = max(1, _BATCH_BYTES // (3 * converter.width * converter.height))
        rgb = np.empty((size, converter.height, converter.width, 3), np.uint8)
        seconds: list[float] = []
        last = -np.inf

        def report() -> None:
            progress(STAGE, min(1.0, max(0.0, last / duration)) if duration > 0 else 1.0)

        for at, frame in video.decoder.frames_between(-np.inf, np.inf, report):
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
