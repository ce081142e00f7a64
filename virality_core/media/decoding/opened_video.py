"""Opens a video for decoding: checked, indexed, and its first frame decoded. `probe` only reads what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from virality_core.errors import InputError
from virality_core.media.color.frame_converter import FrameConverter
from virality_core.media.container.source import (
    AV_ERRORS,
    Source,
    VideoSource,
    main_audio,
    main_video,
    no_frame,
    until_damage,
)
from virality_core.media.container.stream_index import StreamIndex, index_stream
from virality_core.media.decoding.frame_decoder import STAGE, FrameDecoder, throttled
from virality_core.media.decoding.gop_decoder import GopDecoder, decoding_context, has_alpha, plan_jobs
from virality_core.media.guards.decoder_memory import check_memory
from virality_core.media.guards.limits import DEFAULT_LIMITS, Limits
from virality_core.media.sound.audio_frames import channel_count
from virality_core.types import AudioInfo, Progress, VideoInfo

_MAX_GOPS_TO_FIRST_FRAME = 8
_MAX_PACKETS_TO_PROBE = 600  # 20 s at 30 frames per second


@contextmanager
def open_video(
    source: Source,
    progress: Progress,
    *,
    on_audio: Callable[[Packet], None] | None = None,  # type: ignore[type-arg]
) -> Iterator[FrameDecoder]:
    """Read the file once and decode its first frame. The decoder is closed at the end of the block.

    `on_audio` receives each packet of the main audio stream.

    Raises:
        InputError: not a video, damaged beyond reading, or over a limit. Cancelled: from `progress`.
    """
    with source.open() as container:
        stream = _checked_video(source, container)
        index = index_stream(source, container, stream, progress=progress, on_audio=on_audio)
        with closing(GopDecoder(source, index, threads=1, container=container)) as first:
            frame = _first_frame(source, first, index, progress)
            info, converter = _describe(source, container, stream, frame)
            with FrameDecoder(source, info, index, converter, first) as decoder:
                yield decoder


def probe(source: VideoSource, *, name: str | None = None, limits: Limits = DEFAULT_LIMITS) -> VideoInfo:
    """What the header and the first frame say; takes milliseconds. Args and errors as `open_reel`."""
    with Source(source, name=name, limits=limits) as opened, opened.open() as container:
        stream = _checked_video(opened, container)
        context = decoding_context(stream, limits.max_pixels, threads=1)
        for count, packet in enumerate(until_damage(container.demux(stream))):
            try:
                frames = context.decode(packet if packet.size else None)
            except AV_ERRORS:
                frames = []
            if frames:
                return _describe(opened, container, stream, frames[0])[0]
            if count > _MAX_PACKETS_TO_PROBE:
                break
        raise InputError(no_frame(opened.name))


def _checked_video(source: Source, container: InputContainer) -> VideoStream:
    """The main video stream. Raises InputError if, by its header, it is over the limits."""
    stream = main_video(container, source.name)
    context, limits = stream.codec_context, source.limits
    if context.width * context.height > limits.max_pixels:
        raise InputError(
            f"“{source.name}” has {context.width}×{context.height} pixels; the limit is "
            f"{limits.max_pixels / 1e6:.1f} million (8K): export it smaller."
        )
    if context.format is not None:
        check_memory(context, (context.width, context.height), context.format, name=source.name, limits=limits)
    seconds = _header_seconds(container, stream)
    # With audio, a container's duration may be that of the audio; then the length is checked by the packets, later.
    if seconds is not None and (stream.duration or not container.streams.audio):
        limits.check_length(seconds, frame_seconds=1 / float(stream.average_rate or 25), name=source.name)
    return stream


def _first_frame(source: Source, decoder: GopDecoder, index: StreamIndex, progress: Progress) -> VideoFrame:
    """The first frame that can be decoded; it shows what the header may hide."""
    decoder.on_packet = throttled(lambda: progress(STAGE, 0.0))
    for pts in [int(index.frame_pts[0]), *index.key_pts[:_MAX_GOPS_TO_FIRST_FRAME].tolist()]:
        for job in plan_jobs(index, [pts]):
            for _, frame in decoder.frames(job):
                return frame
    raise InputError(no_frame(source.name))


def _describe(
    source: Source, container: InputContainer, stream: VideoStream, frame: VideoFrame
) -> tuple[VideoInfo, FrameConverter]:
    """What the video is, and the converter for its frames. Raises InputError if these need too much memory."""
    context = stream.codec_context
    check_memory(context, (frame.width, frame.height), frame.format, name=source.name, limits=source.limits)
    converter = FrameConverter(frame, stream.sample_aspect_ratio, has_alpha=has_alpha(stream))
    rate = stream.average_rate or stream.guessed_rate
    bit_rate = stream.bit_rate or container.bit_rate
    info = VideoInfo(
        name=source.name,
        size_bytes=source.size_bytes,
        container=container.format.name,
        codec=context.codec.canonical_name,
        width=converter.width,
        height=converter.height,
        rotation_degrees=converter.orientation.degrees_clockwise,
        duration_seconds=_header_seconds(container, stream) or 0.0,
        frame_rate=float(rate) if rate else 0.0,
        frame_count=stream.frames or None,
        bit_rate=float(bit_rate) if bit_rate else None,
        pixel_format=frame.format.name,
        transfer=converter.transfer,
        has_alpha=converter.has_alpha,
        audio=_audio_info(container),
    )
    return info, converter


def _header_seconds(container: InputContainer, stream: VideoStream) -> float | None:
    """The duration of the stream, or else of the whole file."""
    if (seconds := _stream_seconds(stream)) or not container.duration:
        return seconds
    start = container.start_time or 0 if "matroska" in container.format.name else 0  # there, duration is the end time
    return max(0.0, (container.duration - max(0, start)) / av.time_base)


def _stream_seconds(stream: VideoStream | AudioStream) -> float | None:
    return float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None


def _audio_info(container: InputContainer) -> AudioInfo | None:
    stream = main_audio(container)
    if stream is None:
        return None
    return AudioInfo(
        codec=stream.codec_context.codec.canonical_name,
        channels=channel_count(stream.codec_context),
        sample_rate=stream.codec_context.sample_rate,
        duration_seconds=_stream_seconds(stream),
    )
