"""Writes a video again as H.264 and AAC: picture and sound interleaved as in the file, every frame at its own time.

Written with PyAV because moviepy writes frames at a constant rate, so variable rates drift, and squashes videos that
are rotated by a display matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from virality_core.media.container.source import until_damage
from virality_core.media.container.stream_index import StreamIndex
from virality_core.media.decoding.gop_decoder import frame_pts
from virality_core.media.encoding.h264_roundtrip import set_colors
from virality_core.media.sound.audio_frames import channel_count, frames_of
from virality_core.types import Progress

_SAMPLE_RATE = 48_000

MakeFrame = Callable[[VideoFrame, float], VideoFrame]  # (decoded frame, seconds) → frame for the encoder
SoundEdit = Callable[[NDArray[np.float32]], NDArray[np.float32]]  # samples (C, S)


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
    """Copies one video and one audio stream from `container` to `target`."""

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
        """Set up the copy.

        Args:
            target: Receives the AAC stream in addition to `video`.
            container: Positioned at its start.
            index: Of the input video stream.
            video: The input stream and the output stream.
            make_frame: Makes each frame to encode; None copies the packets as they are.
            audio: The input stream, whose channels are known.
            audio_bit_rate: Of the AAC stream; None is the encoder's default.
            edit_sound: Changes the samples.
            skip_seconds: How much of the beginning to leave out.
            skip_sound_seconds: How much more of the sound's beginning to leave out.
        """
        self._target, self._container, self._index = target, container, index
        self._video_in, self._video_out = video
        self._make_frame, self._edit_sound = make_frame, edit_sound
        self._start_pts = index.start_pts + round(skip_seconds / index.time_base)
        self._sound_start: Fraction | float = index.start_pts * index.time_base + (skip_seconds + skip_sound_seconds)
        self._last_pts = -1  # of the output
        self._audio_in = audio
        self._audio_out: AudioStream | None = None
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
                self._copy(packet)
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

    def _copy(self, packet: Packet) -> None:  # type: ignore[type-arg]
        if packet.dts is not None and packet.size:
            packet.stream = self._video_out
            self._target.mux(packet)

    def _add_frame(self, frame: VideoFrame) -> None:
        pts = frame_pts(frame)
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
        if float(frame.pts * frame.time_base) + frame.samples / frame.sample_rate <= 0.0:
            return
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
