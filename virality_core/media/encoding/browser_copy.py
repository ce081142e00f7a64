"""A copy of a reel that any browser plays: H.264 and AAC in MP4, made in memory."""

from __future__ import annotations

import io

import numpy as np
from av.video.frame import VideoFrame

from virality_core.errors import InputError
from virality_core.media.container.source import AV_ERRORS, Source, VideoSource, main_audio, main_video
from virality_core.media.decoding.frame_decoder import MAX_THREADED_PIXELS
from virality_core.media.decoding.opened_video import open_video
from virality_core.media.encoding.h264_roundtrip import to_yuv420
from virality_core.media.encoding.transcoder import Transcoder, add_h264_stream, open_mp4
from virality_core.media.guards.limits import DEFAULT_LIMITS, Limits
from virality_core.media.sound.audio_frames import UnreadableSound, check_channels
from virality_core.types import Progress, VideoInfo, no_progress

STAGE = "preparing the preview"
_X264_OPTIONS = {"preset": "veryfast", "crf": "25"}
_PLAYABLE: dict[str, dict[str, tuple[str, ...]]] = {  # container: video codec: audio codecs
    "mp4": {"h264": ("aac", "mp3"), "av1": ("aac", "mp3", "opus"), "vp9": ("aac", "mp3", "opus")},
    "webm": {"vp8": ("opus", "vorbis"), "vp9": ("opus", "vorbis"), "av1": ("opus", "vorbis")},
}
_PLAYABLE_PIXELS = ("yuv420p", "yuvj420p", "yuva420p")


def playable(info: VideoInfo) -> bool:
    """Whether today's browsers play the file as it is, sound included."""
    container = "mp4" if "mp4" in info.container.split(",") else "webm" if info.name.lower().endswith(".webm") else ""
    audio_codecs = _PLAYABLE.get(container, {}).get(info.codec)
    if audio_codecs is None or info.transfer != "sdr" or info.pixel_format not in _PLAYABLE_PIXELS:
        return False
    return info.audio is None or info.audio.codec in audio_codecs


def preview_mp4(
    source: VideoSource,
    *,
    max_side: int = 720,
    name: str | None = None,
    progress: Progress = no_progress,
    limits: Limits = DEFAULT_LIMITS,
) -> bytes:
    """The reel as MP4 bytes: H.264 8 bit 4:2:0, AAC, upright, square pixels, SDR, every frame at its own time.

    The longer side has at most `max_side` pixels. Other args and errors as `open_reel`.
    """
    out = io.BytesIO()
    with Source(source, name=name, limits=limits) as opened:
        with open_video(opened, progress) as decoder:
            index, converter = decoder.index, decoder.converter
        scale = min(1.0, max_side / max(converter.width, converter.height))
        width, height = (max(2, int(side * scale) // 2 * 2) for side in (converter.width, converter.height))
        rgb = np.empty((height, width, 3), np.uint8)

        def make_frame(frame: VideoFrame, _seconds: float) -> VideoFrame:
            converter.rgb(frame, rgb)
            return to_yuv420(rgb)

        try:
            with opened.open() as container, open_mp4(out) as target:
                stream = main_video(container, opened.name)
                stream.codec_context.thread_type = "AUTO"
                if converter.coded_pixels > MAX_THREADED_PIXELS:
                    stream.codec_context.thread_count = 1
                stream_out = add_h264_stream(target, index, width=width, height=height, options=_X264_OPTIONS)
                audio = main_audio(container)
                try:
                    if audio is not None:
                        check_channels(audio.codec_context)
                except UnreadableSound:
                    audio = None  # a silent preview is better than none
                Transcoder(
                    target, container, index, video=(stream, stream_out), make_frame=make_frame, audio=audio
                ).run(STAGE, progress)
        except AV_ERRORS as error:
            raise InputError(f"“{opened.name}” can't be converted to a preview; export it as H.264.") from error
    return out.getvalue()
