"""Reads what a video is from its header and first frame."""

from __future__ import annotations

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from virality_core.errors import InputError
from virality_core.media.color.frame_converter import FrameConverter, transfer_of
from virality_core.media.container.source import (
    AV_ERRORS,
    Source,
    VideoSource,
    main_audio,
    main_video,
    no_frame,
    until_damage,
)
from virality_core.media.decoding.codec_context import decoding_context, has_alpha
from virality_core.media.guards.decoder_memory import check_memory
from virality_core.media.guards.limits import DEFAULT_LIMITS, Limits
from virality_core.media.sound.audio_frames import channel_count
from virality_core.types import AudioInfo, VideoInfo

_MAX_PACKETS_TO_FIRST_FRAME = 600  # 20 s at 30 frames per second


def probe(source: VideoSource, *, name: str | None = None, limits: Limits = DEFAULT_LIMITS) -> VideoInfo:
    """Read the header and the first frame; takes milliseconds.

    Args:
        source: A path or an open binary file.
        name: What messages call the file; by default the last part of the path.
        limits: What is accepted.

    Raises:
        InputError: not a video, damaged beyond reading, or over a limit.
    """
    with Source(source, name=name, limits=limits) as opened, opened.open() as container:
        stream = checked_video(opened, container)
        frame = _first_frame(container, stream, opened)
        return describe(opened, container, stream, frame)[0]


def checked_video(source: Source, container: InputContainer) -> VideoStream:
    """The main video stream. Raises InputError if, by its header, it is over the limits."""
    stream = main_video(container, source.name)
    _check_size(stream, source)
    seconds = _header_seconds(container, stream)
    # With audio, a container's duration may be that of the audio; then the length is checked by the packets, later.
    if seconds is not None and (stream.duration or not container.streams.audio):
        source.limits.check_length(seconds, frame_seconds=1 / float(stream.average_rate or 25), name=source.name)
    return stream


def describe(
    source: Source, container: InputContainer, stream: VideoStream, frame: VideoFrame
) -> tuple[VideoInfo, FrameConverter]:
    """What the header and the first frame say, and the converter for the stream's frames.

    Raises:
        InputError: the frames need more memory than the limits allow, which the header may hide.
    """
    check_memory(
        stream.codec_context, (frame.width, frame.height), frame.format, name=source.name, limits=source.limits
    )
    transfer = transfer_of(frame.color_trc)
    alpha = has_alpha(stream)
    converter = FrameConverter(frame, stream.sample_aspect_ratio, transfer=transfer, has_alpha=alpha)
    rate = stream.average_rate or stream.guessed_rate
    info = VideoInfo(
        name=source.name,
        size_bytes=source.size_bytes,
        container=container.format.name,
        codec=stream.codec_context.codec.canonical_name,
        width=converter.width,
        height=converter.height,
        rotation_degrees=converter.orientation.degrees_clockwise,
        duration_seconds=_header_seconds(container, stream) or 0.0,
        frame_rate=float(rate) if rate else 0.0,
        frame_count=stream.frames or None,
        bit_rate=_bit_rate(container, stream),
        pixel_format=frame.format.name,
        transfer=transfer,
        has_alpha=alpha,
        audio=_audio_info(container),
    )
    return info, converter


def _check_size(stream: VideoStream, source: Source) -> None:
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > source.limits.max_pixels:
        raise InputError(
            f"“{source.name}” has {width}×{height} pixels; the limit is "
            f"{source.limits.max_pixels / 1e6:.1f} million (8K): export it smaller."
        )
    format_ = stream.codec_context.format
    if format_ is not None:
        check_memory(stream.codec_context, (width, height), format_, name=source.name, limits=source.limits)


def _first_frame(container: InputContainer, stream: VideoStream, source: Source) -> VideoFrame:
    context = decoding_context(stream, has_alpha=has_alpha(stream), max_pixels=source.limits.max_pixels, threads=1)
    for count, packet in enumerate(until_damage(container.demux(stream))):
        try:
            frames = context.decode(packet if packet.size else None)
        except AV_ERRORS:
            frames = []
        if frames:
            return frames[0]
        if count > _MAX_PACKETS_TO_FIRST_FRAME:
            break
    raise InputError(no_frame(source.name))


def _header_seconds(container: InputContainer, stream: VideoStream) -> float | None:
    """The duration of the stream, or else of the whole file."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if not container.duration:
        return None
    start = container.start_time or 0 if "matroska" in container.format.name else 0  # there, duration is the end time
    return max(0.0, (container.duration - max(0, start)) / av.time_base)


def _bit_rate(container: InputContainer, stream: VideoStream) -> float | None:
    rate = stream.bit_rate or container.bit_rate
    return float(rate) if rate else None


def _audio_info(container: InputContainer) -> AudioInfo | None:
    stream = main_audio(container)
    if stream is None:
        return None
    seconds = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None
    return AudioInfo(
        codec=stream.codec_context.codec.canonical_name,
        channels=channel_count(stream.codec_context),
        sample_rate=stream.codec_context.sample_rate,
        duration_seconds=seconds,
    )
