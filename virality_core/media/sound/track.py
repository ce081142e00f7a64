"""The reel's sound as one mono track on the reel's clock: gaps stay silent, and late sound starts late."""

from __future__ import annotations

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.packet import Packet
from numpy.typing import NDArray

from virality_core.media.container.source import AV_ERRORS
from virality_core.media.sound.audio_frames import UnreadableSound, audio_frames, check_channels
from virality_core.media.sound.loudness_meter import LevelMeter
from virality_core.types import AUDIO_SECONDS, Audio

_GAP_SECONDS = 0.05  # larger jumps of the clock are gaps, smaller ones are rounding of time stamps


class AudioCollector:
    """Decodes audio packets one by one into mono float32 at `rate` Hz, up to AUDIO_SECONDS.

    Channels are mixed with libswresample's standard coefficients, scaled so that none can clip: stereo is (L + R) / 2.
    A `LevelMeter` measures all of the sound, every channel at its own rate.
    """

    def __init__(self, rate: int, max_seconds: float) -> None:
        self.damaged_packets = 0
        self.unreadable = ""  # one sentence on why the sound can't be read
        self._rate = rate
        self._max_samples = int(min(max_seconds, AUDIO_SECONDS) * rate)
        self._max_seconds = max_seconds
        self._levels = LevelMeter(max_seconds)
        self._chunks: list[NDArray[np.float32]] = []
        self._samples = 0
        self._start: float | None = None  # of the first sample, in container seconds
        self._end = 0.0  # of the last sample, in container seconds
        self._resampler: AudioResampler | None = None
        self._format: tuple[str, str, int] | None = None

    def add(self, packet: Packet[AudioStream]) -> None:
        """Decode one packet; an empty one flushes the decoder."""
        if self.unreadable:
            return
        try:
            if self._start is None:
                check_channels(packet.stream.codec_context)
        except UnreadableSound as error:
            self.unreadable = str(error)
            return
        try:
            for frame in audio_frames(packet):
                self._add_frame(frame)
        except (UnreadableSound, *AV_ERRORS):
            self.damaged_packets += 1

    def finish(self, zero_seconds: float) -> Audio | None:
        """The whole track, its start relative to `zero_seconds`; None if no sound was decoded."""
        if self.unreadable:
            return None
        try:
            self._flush()
        except AV_ERRORS:
            self.damaged_packets += 1
        if self._start is None or not self._samples:
            return None
        samples = np.concatenate(self._chunks)
        self._chunks.clear()
        np.nan_to_num(samples, copy=False, nan=0.0)  # float samples may hold anything
        np.clip(samples, -1.0, 1.0, out=samples)
        start = self._start - zero_seconds
        return Audio(samples=samples, sample_rate=self._rate, start_seconds=start, levels=self._levels.finish(start))

    def notes(self) -> tuple[str, ...]:
        """What was missing. Call it after `finish`."""
        if self.unreadable:
            return (self.unreadable,)
        if not self._samples:
            return ("The sound could not be decoded.",)
        return ("Some of the sound is damaged and was skipped.",) if self.damaged_packets else ()

    def _add_frame(self, frame: AudioFrame) -> None:
        if not frame.samples or not frame.sample_rate:
            return
        start = self._end if frame.pts is None or not frame.time_base else float(frame.pts * frame.time_base)
        if self._start is None:
            self._start = self._end = start
        if start - self._start > self._max_seconds:
            return
        jump = start - self._end
        if jump < -_GAP_SECONDS:
            return  # this time has sound already
        format_ = (frame.format.name, frame.layout.name, frame.sample_rate)
        if jump > _GAP_SECONDS or format_ != self._format:
            self._flush()
            gap = round((start - self._start) * self._rate) - self._samples
            self._append(np.zeros(min(max(0, gap), self._max_samples - self._samples), np.float32))
            self._end = start
            self._format = format_
            self._levels.begin(start - self._start, frame)
            self._resampler = AudioResampler("flt", "mono", self._rate, options={"rematrix_maxval": "1"})
        self._end += frame.samples / frame.sample_rate
        frame.pts = None
        self._levels.add(frame)
        if self._samples < self._max_samples:
            self._resample(self._resampler, frame)

    def _flush(self) -> None:
        resampler, self._resampler = self._resampler, None
        self._resample(resampler, None)

    def _resample(self, resampler: AudioResampler | None, frame: AudioFrame | None) -> None:
        for part in resampler.resample(frame) if resampler is not None else ():
            self._append(np.frombuffer(memoryview(part.planes[0]), np.float32, count=part.samples).copy())

    def _append(self, samples: NDArray[np.float32]) -> None:
        samples = samples[: self._max_samples - self._samples]
        self._chunks.append(samples)
        self._samples += len(samples)
