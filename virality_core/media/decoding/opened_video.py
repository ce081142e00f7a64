"""Opens a video for decoding: checked, indexed, and its first frame decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from av.packet import Packet
from av.video.frame import VideoFrame

from virality_core.errors import InputError
from virality_core.media.color.frame_converter import FrameConverter
from virality_core.media.container.source import Source, no_frame
from virality_core.media.container.stream_index import StreamIndex, index_stream
from virality_core.media.decoding.frame_decoder import STAGE, FrameDecoder, Throttle
from virality_core.media.decoding.gop_decoder import GopDecoder, plan_jobs
from virality_core.media.decoding.probe import checked_video, describe
from virality_core.types import Progress, VideoInfo

_MAX_GOPS_TO_FIRST_FRAME = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedVideo:
    """A video that can be decoded. `info` is what the header and the first frame say."""

    info: VideoInfo
    index: StreamIndex
    converter: FrameConverter
    decoder: FrameDecoder


@contextmanager
def open_video(
    source: Source,
    progress: Progress,
    *,
    on_audio: Callable[[Packet], None] | None = None,  # type: ignore[type-arg]
) -> Iterator[OpenedVideo]:
    """Read the file once and decode its first frame; everything is closed at the end of the block.

    `on_audio` receives each packet of the main audio stream.

    Raises:
        InputError: not a video, damaged beyond reading, or over a limit. Cancelled: from `progress`.
    """
    with source.open() as container:
        stream = checked_video(source, container)
        index = index_stream(source, container, stream, progress=progress, on_audio=on_audio)
        with closing(GopDecoder(source, index, threads=1, container=container)) as first:
            info, converter = describe(source, container, stream, _first_frame(source, first, index, progress))
            with FrameDecoder(source, index, converter, first) as decoder:
                yield OpenedVideo(info=info, index=index, converter=converter, decoder=decoder)


def _first_frame(source: Source, decoder: GopDecoder, index: StreamIndex, progress: Progress) -> VideoFrame:
    """The first frame that can be decoded; it shows what the header may hide."""
    decoder.on_packet = Throttle(lambda: progress(STAGE, 0.0))
    for pts in [int(index.frame_pts[0]), *index.key_pts[:_MAX_GOPS_TO_FIRST_FRAME].tolist()]:
        for job in plan_jobs(index, [pts]):
            for _, frame in decoder.frames(job):
                decoder.on_packet = None
                return frame
    raise InputError(no_frame(source.name))
