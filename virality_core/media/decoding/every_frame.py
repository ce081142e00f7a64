"""Every frame of a reel in order, in small batches: for who needs more than a plan's samples."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np

from virality_core.errors import InputError
from virality_core.media.container.source import Source, VideoSource, no_frame
from virality_core.media.container.stream_index import survey
from virality_core.media.decoding.first_frame import first_decoder
from virality_core.media.decoding.frame_decoder import Decoder
from virality_core.media.decoding.probe import checked_video, describe
from virality_core.media.guards.limits import DEFAULT_LIMITS, Limits
from virality_core.types import FrameBatch, Progress

_BATCH_BYTES = 64 << 20  # of pictures: ten of 1080 × 1920, so that memory does not grow with the reel


def every_frame(
    source: VideoSource, *, name: str | None = None, progress: Progress, limits: Limits = DEFAULT_LIMITS
) -> Iterator[FrameBatch]:
    """All shown frames, each once, at native size, ascending, in batches of at most 64 MB and at least one frame.

    Args:
        source: a path or an open binary file; it is read in place.
        name: what to call the file; the path's last part if not given.
        progress: called with (stage, fraction) all along; may raise Cancelled.
        limits: what is taken in.

    Raises:
        InputError: not a video, damaged beyond reading, or over a limit.
    """
    with Source(source, name=name, limits=limits) as opened, opened.open() as container, ExitStack() as stack:
        stream = checked_video(opened, container)
        table = survey(opened, container, stream, progress=progress)
        duration = table.duration_seconds
        limits.check_length(duration, frame_seconds=duration / len(table.shown), name=opened.name)
        first = first_decoder(opened, container, table, progress)
        stack.callback(first.decoder.close)
        _, picture = describe(opened, container, stream, first.frame)
        size = max(1, _BATCH_BYTES // (3 * picture.width * picture.height))
        with Decoder(opened, table, picture) as decoder:
            decoder.adopt(first.decoder)
            pictures = np.empty((size, picture.height, picture.width, 3), np.uint8)
            seconds: list[float] = []
            before, came = -np.inf, False

            def told() -> None:
                progress("decoding", min(1.0, max(0.0, before / duration)) if duration > 0 else 1.0)

            for at, frame in decoder.frames_between(-np.inf, np.inf, told):
                if at <= before:  # a damaged frame's stand-in, which has been handed out already
                    continue
                before, came = at, True
                picture.rgb(frame, pictures[len(seconds)])
                seconds.append(at)
                if len(seconds) == size:
                    yield FrameBatch(rgb=pictures, seconds=np.array(seconds))
                    pictures, seconds = np.empty_like(pictures), []
                    told()
            if seconds:
                yield FrameBatch(rgb=pictures[: len(seconds)], seconds=np.array(seconds))
            if not came:
                raise InputError(no_frame(opened.name))
