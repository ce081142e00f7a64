"""A copy of a reel that any browser plays: H.264 and AAC in MP4, made in memory."""

from __future__ import annotations

import io
from contextlib import closing

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from numpy.typing import NDArray

from virality_core.errors import InputError
from virality_core.media.color.frame_converter import Picture
from virality_core.media.container.source import AV_ERRORS, Source, VideoSource, main_audio, until_damage
from virality_core.media.container.stream_index import Survey, survey
from virality_core.media.decoding.first_frame import first_decoder
from virality_core.media.decoding.frame_decoder import THREADED_PIXELS
from virality_core.media.decoding.gop_decoder import frame_ticks
from virality_core.media.decoding.probe import checked_video, describe
from virality_core.media.encoding.mp4_in_memory import open_mp4
from virality_core.media.guards.limits import DEFAULT_LIMITS, Limits
from virality_core.media.sound.audio_frames import UnreadableSound, channel_count, check_channels, frames_of
from virality_core.types import Progress, VideoInfo

STAGE = "preparing the preview"
_SOUND_RATE = 48_000
_EIGHT_BIT = ("yuv420p", "yuvj420p")
_PLAYED: dict[str, dict[str, tuple[str, ...]]] = {  # container: video codec: sound codecs
    "mp4": {"h264": ("aac", "mp3"), "av1": ("aac", "mp3", "opus"), "vp9": ("aac", "mp3", "opus")},
    "webm": {"vp8": ("opus", "vorbis"), "vp9": ("opus", "vorbis"), "av1": ("opus", "vorbis")},
}


def playable(info: VideoInfo) -> bool:
    """Whether the browsers of today play the file as it is, sound included."""
    container = "mp4" if "mp4" in info.container.split(",") else "webm" if info.name.lower().endswith(".webm") else ""
    sounds = _PLAYED.get(container, {}).get(info.codec)
    if sounds is None or info.transfer != "sdr":
        return False
    eight_bit = info.pixel_format in (*_EIGHT_BIT, "yuva420p")
    return eight_bit and (info.audio is None or info.audio.codec in sounds)


def preview_mp4(
    source: VideoSource,
    *,
    max_side: int = 720,
    name: str | None = None,
    progress: Progress | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> bytes:
    """The reel as MP4 bytes: H.264 8 bit 4:2:0, AAC, upright, square pixels, SDR, every frame at its own time.

    Args:
        source: a path or an open binary file.
        max_side: pixels of the longer side at most; a smaller reel keeps its size (made even).
        name: what to call the file in messages.
        progress: called with (stage, fraction) between frames; may raise Cancelled.
        limits: what is taken in.

    Raises:
        InputError: as `open_reel`.
        Cancelled: `progress` raised it.
    """
    report = progress or _silent
    with Source(source, name=name, limits=limits) as opened:
        with opened.open() as container:
            table = survey(opened, container, checked_video(opened, container), progress=report)
            first = first_decoder(opened, container, table, report)
            with closing(first.decoder):
                _, picture = describe(opened, container, checked_video(opened, container), first.frame)
        out = io.BytesIO()
        with opened.open() as container:
            stream = checked_video(opened, container)
            stream.codec_context.thread_type = "AUTO"
            if picture.coded_pixels > THREADED_PIXELS:
                stream.codec_context.thread_count = 1
            try:
                with open_mp4(out) as target:
                    _Writer(target, container, stream, table, picture, max_side).write(report)
            except AV_ERRORS as error:
                raise InputError(f"“{opened.name}” can't be turned into a preview; export it as H.264.") from error
    return out.getvalue()


def _silent(stage: str, fraction: float) -> None:
    pass


class _Writer:
    """Decodes and encodes picture and sound side by side, in the order of the file."""

    def __init__(
        self,
        target: OutputContainer,
        container: InputContainer,
        stream: VideoStream,
        table: Survey,
        picture: Picture,
        max_side: int,
    ) -> None:
        self._target, self._container, self._stream = target, container, stream
        self._table, self._picture = table, picture
        scale = min(1.0, max_side / max(picture.width, picture.height))
        width, height = (max(2, int(side * scale) // 2 * 2) for side in (picture.width, picture.height))
        self._rgb: NDArray[np.uint8] = np.empty((height, width, 3), np.uint8)
        self._last = -1
        self._video = target.add_stream("libx264", rate=30, options={"preset": "veryfast", "crf": "25"})
        self._video.width, self._video.height, self._video.pix_fmt = width, height, "yuv420p"
        self._video.codec_context.time_base = table.time_base
        self._video.color_primaries = self._video.color_trc = self._video.colorspace = 1
        self._video.color_range = ColorRange.MPEG
        self._sound = _readable(main_audio(container))
        layout = "mono" if self._sound is not None and channel_count(self._sound.codec_context) == 1 else "stereo"
        self._resampler = AudioResampler("fltp", layout, _SOUND_RATE, options={"rematrix_maxval": "1"})
        self._track: AudioStream | None = None
        if self._sound is not None:
            self._track = target.add_stream("aac", rate=_SOUND_RATE, layout=layout)

    def write(self, progress: Progress) -> None:
        streams = [self._stream] if self._sound is None else [self._stream, self._sound]
        for packet in until_damage(self._container.demux(streams)):
            progress(STAGE, min(1.0, max(0, self._last) / max(1, self._table.end - self._table.zero)))
            for frame in frames_of(packet):
                if isinstance(frame, VideoFrame):
                    self._add_picture(frame)
                else:
                    self._add_sound(frame)
        self._target.mux(self._video.encode(None))
        if self._track is not None:
            for part in self._resampler.resample(None):
                self._encode_sound(part)
            if isinstance(self._track.codec_context, AudioCodecContext) and self._track.codec_context.is_open:
                self._target.mux(self._track.encode(None))
        progress(STAGE, 1.0)

    def _add_picture(self, frame: VideoFrame) -> None:
        tick = frame_ticks(frame)
        if tick is None or tick - self._table.zero <= self._last:
            return
        self._last = tick - self._table.zero
        self._picture.rgb(frame, self._rgb)
        ready = av.VideoFrame.from_ndarray(self._rgb, format="rgb24").reformat(
            format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        ready.pts, ready.time_base = self._last, self._table.time_base
        self._target.mux(self._video.encode(ready))

    def _add_sound(self, frame: AudioFrame) -> None:
        if frame.pts is None or frame.time_base is None:
            return
        zero = self._table.zero * self._table.time_base / frame.time_base
        frame.pts = round(frame.pts - zero)
        if frame.pts >= 0:
            for part in self._resampler.resample(frame):
                self._encode_sound(part)

    def _encode_sound(self, frame: AudioFrame) -> None:
        if self._track is not None:
            self._target.mux(self._track.encode(frame))


def _readable(sound: AudioStream | None) -> AudioStream | None:
    """The stream, or None: better a preview without sound than none."""
    try:
        if sound is not None:
            check_channels(sound.codec_context)
    except UnreadableSound:
        return None
    return sound
