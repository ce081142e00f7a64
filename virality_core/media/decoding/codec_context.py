"""The decoder of a stream, opened with the limits for untrusted files."""

from __future__ import annotations

from typing import cast

from av.codec import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from virality_core.errors import InputError
from virality_core.media.container.source import AV_ERRORS

_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # FFmpeg's own decoders drop the alpha of these


def decoding_context(stream: VideoStream, *, has_alpha: bool, max_pixels: int, threads: int) -> VideoCodecContext:
    """An open context for the stream; VP8 and VP9 with alpha use libvpx's decoder.

    Raises:
        InputError: the codec is unknown or its header is damaged.
    """
    context = stream.codec_context
    if has_alpha and context.name in _ALPHA_DECODERS:
        context = cast(VideoCodecContext, CodecContext.create(_ALPHA_DECODERS[context.name], "r"))
        context.extradata = stream.codec_context.extradata
    if not context.is_open:
        context.thread_type = "AUTO"
        context.thread_count = threads
        context.options = {"max_pixels": str(max_pixels)}
        try:
            context.open()  # before `skip_frame` is set: dav1d keeps the value it is opened with
        except AV_ERRORS:
            raise InputError(
                f"The video's codec ({context.name}) can't be opened: it is unknown, or its header is damaged; "
                "export the video as H.264 MP4."
            ) from None
    return context


def has_alpha(stream: VideoStream) -> bool:
    """Whether the stream has transparency, by its header."""
    if stream.metadata.get("alpha_mode") == "1" and stream.codec_context.name in _ALPHA_DECODERS:
        return True
    format_ = stream.codec_context.format
    return stream.pix_fmt == "pal8" or (format_ is not None and any(part.is_alpha for part in format_.components))
