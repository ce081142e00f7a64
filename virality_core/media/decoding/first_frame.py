"""The first frame that can be decoded: it tells what the header may not."""

from __future__ import annotations

from dataclasses import dataclass

from av.container import InputContainer
from av.video.frame import VideoFrame

from virality_core.errors import InputError
from virality_core.media.container.source import Source, no_frame
from virality_core.media.container.stream_index import Survey
from virality_core.media.decoding.gop_decoder import GroupDecoder, jobs
from virality_core.media.decoding.workers import Beat
from virality_core.types import Progress

STAGE = "decoding"
_GROUPS_TO_FIRST_FRAME = 8


@dataclass(frozen=True, slots=True)
class First:
    """A frame from near the reel's start, and the single-threaded decoder that gave it."""

    frame: VideoFrame
    decoder: GroupDecoder


def first_decoder(source: Source, container: InputContainer, survey: Survey, progress: Progress | None = None) -> First:
    """Decode the first frame that comes out, of the first groups of pictures.

    Raises:
        InputError: none does. Cancelled: `progress` raised it.
    """
    decoder = GroupDecoder(source, survey, threads=1, container=container)
    if progress is not None:
        decoder.beat = Beat(lambda: progress(STAGE, 0.0))
    ticks = [int(survey.shown[0]), *survey.key_ticks[:_GROUPS_TO_FIRST_FRAME].tolist()]
    for tick in ticks:
        for job in jobs(survey, [tick]):
            for _, frame in decoder.frames(job):
                return First(frame, decoder)
    raise InputError(no_frame(source.name))
