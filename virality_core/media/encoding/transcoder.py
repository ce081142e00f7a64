"""Writes a video again as H.264 and AAC in MP4: picture and sound as in the file, every frame at its own time.

Written with PyAV because moviepy writes frames at a constant rate, so variable rates drift, and squashes videos that
are rotated by a display matrix.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from virality_core.media.container.source import PositionedReader, until_damage
from virality_core.media.container.stream_index import StreamIndex, pts_of
from virality_core.media.encoding.h264_roundtrip import set_colors
from virality_core.media.sound.audio_frames import channel_count, frames_of
from virality_core.types import Progress

_SAMPLE_RATE = 48_000

MakeFrame = Callable[[VideoFrame, float], VideoFrame]  # (decoded frame, seconds) → frame for the encoder
SoundEdit = Callable[[NDArray[np.float32]], NDArray[np.float32]]  # samples (C, S)


def open_mp4(out: io.BytesIO | Path) -> OutputContainer:
    """A container to fill and close, its index first so that a browser can play it while it loads."""
    options = {"movflags": "+faststart"}
    if isinstance(out, Path):
        return av.open(str(out), "w", format="mp4", options=options)

    def written(offset: int, count: int) -> bytes:
        with out.getbuffer() as view:
            return bytes(view[offset : offset + count])

    # The muxer reads back what it has written, to make room for the index.
    reader = PositionedReader(written, lambda: len(out.getbuffer()))
    return av.open(out, "w", format="mp4", options=options, io_open=lambda *_: reader)


def add_h264_stream(
    target: OutputContainer, index: StreamIndex, *, width: int, height: int, options: dict[str, str]
) -> VideoStream:
    """An x264 stream in the index's time base."""
    stream = target.add_stream("libx264", rate=30, options=options)
    stream.width, stream.height = width, height
    stream.codec_context.time_base = index.time_base
    set_colors(stream.codec_context)
    return stream


class Transcoder:
    """Copies one video stream, and an audio stream if there is one, from a container to another."""

    def __init__(
        self,
        target: OutputContainer,
        container: InputContainer,
        index: StreamIndex,
        *,
        video: tuple[VideoStream, VideoStream],
        make_frame: MakeFrame | None,
        audio: AudioStream | None,
        audio_bit_rate: int | None = None,
        edit_sound: SoundEdit | None = None,
        skip_seconds: float = 0,
        skip_sound_seconds: float = 0,
    ) -> None:
        """Add the AAC stream to `target`. `video` is the input stream and the output stream.

        Without `make_frame` the video packets are copied. `skip_sound_seconds` comes on top of `skip_seconds`.
        """
        self._target, self._container, self._index = target, container, index
        self._video_in, self._video_out = video
        self._make_frame, self._edit_sound = make_frame, edit_sound
        self._start_pts = index.start_pts + round(skip_seconds / index.time_base)
        self._sound_start: Fraction | float = index.start_pts * index.time_base + (skip_seconds + skip_sound_seconds)
        self._last_pts = -1  # of the output
        self._audio_in, self._audio_out = audio, None
        if audio is not None:
            layout = "mono" if channel_count(audio.codec_context) == 1 else "stereo"
            self._resampler = AudioResampler("fltp", layout, _SAMPLE_RATE, options={"rematrix_maxval": "1"})
            self._audio_out = target.add_stream("aac", rate=_SAMPLE_RATE, layout=layout)
            if audio_bit_rate is not None:
                self._audio_out.bit_rate = audio_bit_rate

    def run(self, stage: str, progress: Progress) -> None:
        """Write everything. `progress` is called with (stage, fraction) for each packet; may raise Cancelled."""
        streams = [self._video_in] if self._audio_in is None else [self._video_in, self._audio_in]
        duration = max(1, self._index.end_pts - self._index.start_pts)
        for packet in until_damage(self._container.demux(streams)):
            progress(stage, min(1.0, max(0, self._last_pts) / duration))
            if self._make_frame is None and packet.stream_index == self._video_in.index:
                if packet.dts is not None and packet.size:
                    packet.stream = self._video_out
                    self._target.mux(packet)
                continue
            for frame in frames_of(packet):
                if isinstance(frame, VideoFrame):
                    self._add_frame(frame)
                else:
                    self._add_sound(frame)
        if self._make_frame is not None:
            self._target.mux(self._video_out.encode(None))
        if self._audio_out is not None:
            for part in self._resampler.resample(None):
                self._encode_sound(part)
            if self._audio_out.codec_context.is_open:
                self._target.mux(self._audio_out.encode(None))
        progress(stage, 1.0)

    def _add_frame(self, frame: VideoFrame) -> None:
        pts = pts_of(frame)
        if pts is None or pts - self._start_pts <= self._last_pts or self._make_frame is None:
            return
        self._last_pts = pts - self._start_pts
        made = self._make_frame(frame, float(self._index.seconds(pts)))
        made.pts, made.time_base = self._last_pts, self._index.time_base
        self._target.mux(self._video_out.encode(made))

    def _add_sound(self, frame: AudioFrame) -> None:
        if frame.pts is None or frame.time_base is None:
            return
        frame.pts = round(frame.pts - self._sound_start / frame.time_base)
        if float(frame.pts * frame.time_base) + frame.samples / frame.sample_rate > 0.0:
            for part in self._resampler.resample(frame):
                self._encode_sound(part)

    def _encode_sound(self, frame: AudioFrame) -> None:
        if self._audio_out is None:
            return
        early = 0 if frame.pts is None else min(frame.samples, max(0, -frame.pts))  # samples before the start
        if early or self._edit_sound is not None:
            samples = frame.to_ndarray().astype(np.float32, copy=False)[:, early:]
            if self._edit_sound is not None:
                samples = self._edit_sound(samples)
            if samples.shape[1] == 0:
                return
            edited = np.ascontiguousarray(samples, np.float32)
            changed = AudioFrame.from_ndarray(edited, format="fltp", layout=frame.layout.name)
            changed.sample_rate, changed.time_base = frame.sample_rate, frame.time_base
            changed.pts = None if frame.pts is None else frame.pts + early
            frame = changed
        self._target.mux(self._audio_out.encode(frame))
