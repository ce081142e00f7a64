"""Writes a reel with one change made: pictures edited, sound treated, the beginning left out; every frame at its time.

The pictures are decoded as a report's are (upright, square pixels, SDR) and keep their times and their keyframes, so
that a report on the copy looks at the same frames. Where only the sound changes the pictures are copied as they are.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from virality_core.errors import InputError, UsageError
from virality_core.media.color.frame_converter import Picture
from virality_core.media.container.source import AV_ERRORS, Source, VideoSource, main_audio, until_damage
from virality_core.media.container.stream_index import Survey, survey
from virality_core.media.decoding.first_frame import first_decoder
from virality_core.media.decoding.gop_decoder import frame_ticks
from virality_core.media.decoding.probe import checked_video, describe
from virality_core.media.encoding.h264_roundtrip import CRF, PRESET, even, set_colours, to_code
from virality_core.media.encoding.mp4_in_memory import OPTIONS, open_mp4
from virality_core.media.guards.limits import DEFAULT_LIMITS, MEGABYTE, Limits
from virality_core.media.sound.audio_frames import channel_count, check_channels, frames_of
from virality_core.types import Progress

STAGE = "exporting"
_SOUND_RATE = 48_000

Edit = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]  # one frame (H, W, 3)
Window = Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]  # the same, of the frame shown at so many seconds
Treat = Callable[[NDArray[np.float32]], NDArray[np.float32]]  # samples (C, S)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Treatment:
    """What is done to a reel: its frames edited or cut by a window, its sound treated, its beginning left out.

    `sound_begin_seconds` leaves the beginning of the sound alone out: what follows comes so much earlier.
    """

    edit: Edit | None = None
    window: Window | None = None
    treat: Treat | None = None
    begin_seconds: float = 0.0
    sound_begin_seconds: float = 0.0


def rewrite(
    source: Path,
    out: Path,
    treatment: Treatment,
    *,
    progress: Progress | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Path:
    """Write the reel at `source` to `out`, an MP4 (H.264, AAC); what is there is replaced once the new file is whole.

    Raises:
        UsageError: `out` is the reel itself, or can't be written.
        InputError: the reel, or its sound, can't be read. Cancelled: `progress` raised it; nothing is left behind.
    """
    if out.exists() and source.exists() and out.samefile(source):
        raise UsageError(f"{out} is the reel itself; name another file.")
    try:
        handle, beside = tempfile.mkstemp(suffix=".mp4", dir=out.parent, prefix=".export-")
    except OSError as error:
        raise UsageError(f"{out} can't be written ({error.strerror}); name a place that can.") from error
    os.close(handle)
    try:
        with Source(source, limits=limits) as opened:
            _fill(lambda: av.open(beside, "w", format="mp4", options=OPTIONS), opened, treatment, progress or _silent)
        os.replace(beside, out)
    except OSError as error:
        raise UsageError(f"{out} can't be written ({error.strerror}); name a place that can.") from error
    finally:
        Path(beside).unlink(missing_ok=True)
    return out


def rewritten(
    source: VideoSource,
    treatment: Treatment,
    *,
    name: str | None = None,
    progress: Progress | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> bytes:
    """The copy that `rewrite` writes, as MP4 bytes made in memory: the page writes nothing of a visitor's to disk.

    Raises:
        InputError: the reel can't be read, or the copy grows over `limits.max_bytes`. Cancelled: from `progress`.
    """
    tell, out = progress or _silent, io.BytesIO()

    def bounded(stage: str, fraction: float) -> None:
        if out.tell() > limits.max_bytes:
            raise InputError(
                f"The changed copy grows over {limits.max_bytes / MEGABYTE:.0f} MB; `virality score --export-fix` "
                "writes one of any size to disk."
            )
        tell(stage, fraction)

    with Source(source, name=name, limits=limits) as opened:
        _fill(lambda: open_mp4(out), opened, treatment, bounded)
    return out.getvalue()


def _fill(target: Callable[[], OutputContainer], source: Source, treatment: Treatment, progress: Progress) -> None:
    """Open the target and write the changed reel into it. Raises InputError where the reel can't be read."""
    try:
        with source.open() as container:
            stream = checked_video(source, container)
            table = survey(source, container, stream, progress=lambda stage, _: progress(stage, 0.0))
            first = first_decoder(source, container, table)
            with closing(first.decoder):
                picture = describe(source, container, stream, first.frame)[1]
        with source.open() as again, target() as opened:
            _Copy(opened, again, source, table, picture, treatment).write(progress)
    except AV_ERRORS as error:
        raise InputError(f"“{source.name}” can't be exported; export it in your editor.") from error


class _Copy:
    """Decodes and encodes picture and sound side by side, in the order of the file."""

    def __init__(
        self,
        target: OutputContainer,
        container: InputContainer,
        source: Source,
        table: Survey,
        picture: Picture,
        treatment: Treatment,
    ) -> None:
        self._target, self._container, self._table, self._picture = target, container, table, picture
        self._stream = checked_video(source, container)
        self._edit, self._window = treatment.edit, treatment.window
        self._treat, self._begin = treatment.treat, treatment.begin_seconds
        self._sound_begin = treatment.begin_seconds + treatment.sound_begin_seconds
        self._last = -1
        self._video: VideoStream | None = None
        plain = self._edit is None and self._window is None and not self._begin and picture.turn.degrees_clockwise == 0
        # Only MP4 states every packet's decoding time; a clock that doesn't begin at 0 would part picture and sound.
        plain = plain and "mp4" in container.format.name.split(",") and table.zero == 0
        self._copies = plain and self._stream.codec_context.codec.canonical_name in ("h264", "hevc")
        if self._copies:
            self._video = target.add_stream_from_template(self._stream)
        self._rgb = np.empty((picture.height, picture.width, 3), np.uint8)
        self._sound = main_audio(container)
        self._track: AudioStream | None = None
        if self._sound is not None:
            check_channels(self._sound.codec_context)
            layout = "mono" if channel_count(self._sound.codec_context) == 1 else "stereo"
            self._resampler = AudioResampler("fltp", layout, _SOUND_RATE, options={"rematrix_maxval": "1"})
            self._track = target.add_stream("aac", rate=_SOUND_RATE, layout=layout)
            self._track.bit_rate = 192_000

    def write(self, progress: Progress) -> None:
        streams = [self._stream] if self._sound is None else [self._stream, self._sound]
        if not self._copies:
            self._video = self._encoder()
        for packet in until_damage(self._container.demux(streams)):
            progress(STAGE, min(1.0, max(0, self._last) / max(1, self._table.end - self._table.zero)))
            if packet.stream_index == self._stream.index and self._copies:
                self._copy(packet)
                continue
            for frame in frames_of(packet):
                if isinstance(frame, VideoFrame):
                    self._add_picture(frame)
                else:
                    self._add_sound(frame)
        if self._video is not None and not self._copies:
            self._target.mux(self._video.encode(None))
        if self._track is not None and self._sound is not None:
            for part in self._resampler.resample(None):
                self._encode_sound(part)
            if self._track.codec_context.is_open:
                self._target.mux(self._track.encode(None))
        progress(STAGE, 1.0)

    def _encoder(self) -> VideoStream:
        """H.264 whose size is that of an edited frame; keyframes only where the reel has them."""
        options = {"preset": PRESET, "crf": str(CRF), "forced-idr": "1", "x264-params": "scenecut=0:keyint=600"}
        video = self._target.add_stream("libx264", rate=30, options=options)
        height, width = self._edited(self._rgb * 0, 0.0).shape[:2]
        video.width, video.height = width, height
        video.codec_context.time_base = self._table.time_base
        set_colours(video.codec_context)
        return video

    def _edited(self, rgb: NDArray[np.uint8], seconds: float) -> NDArray[np.uint8]:
        made = rgb if self._edit is None else self._edit(rgb)
        made = made if self._window is None else self._window(made, seconds)
        return even(made)

    def _copy(self, packet: Packet) -> None:  # type: ignore[type-arg]
        if packet.dts is None or packet.size == 0:
            return
        packet.stream = self._video
        self._target.mux(packet)

    def _add_picture(self, frame: VideoFrame) -> None:
        begin = self._table.zero + round(self._begin / self._table.time_base)
        tick = frame_ticks(frame)
        if tick is None or tick - begin <= self._last or self._video is None:
            return
        self._last = tick - begin
        is_key, seconds = bool(frame.key_frame), float((tick - self._table.zero) * self._table.time_base)
        self._picture.rgb(frame, self._rgb, again=True)
        ready = to_code(self._edited(self._rgb, seconds))
        ready.pts, ready.time_base = self._last, self._table.time_base
        ready.pict_type = PictureType.I if is_key else PictureType.NONE
        self._target.mux(self._video.encode(ready))

    def _add_sound(self, frame: AudioFrame) -> None:
        if frame.pts is None or frame.time_base is None:
            return
        zero = (self._table.zero * self._table.time_base if not self._copies else 0) + self._sound_begin
        frame.pts = round(frame.pts - float(zero) / float(frame.time_base))
        if float(frame.pts * frame.time_base) + frame.samples / frame.sample_rate <= 0.0:
            return
        for part in self._resampler.resample(frame):
            self._encode_sound(part)

    def _encode_sound(self, frame: AudioFrame) -> None:
        if self._track is None:
            return
        early = min(frame.samples, max(0, -frame.pts)) if frame.pts is not None else 0  # samples before the beginning
        if early or self._treat is not None:
            samples = frame.to_ndarray().astype(np.float32, copy=False)[:, early:]
            treated = np.ascontiguousarray(samples if self._treat is None else self._treat(samples), np.float32)
            if treated.shape[1] == 0:
                return
            changed = AudioFrame.from_ndarray(treated, format="fltp", layout=frame.layout.name)
            changed.sample_rate, changed.time_base = frame.sample_rate, frame.time_base
            changed.pts = None if frame.pts is None else frame.pts + early
            frame = changed
        self._target.mux(self._track.encode(frame))


def _silent(stage: str, fraction: float) -> None:
    """Progress nobody watches."""
