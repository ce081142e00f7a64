"""The reel's sound as one mono track on the reel's clock: gaps stay gaps, late sound starts late."""

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

_GAP_SECONDS = 0.05  # a jump of the clock beyond this is a real gap; less is rounding of container time stamps


class AudioCollector:
    """Decodes audio packets as they come by and keeps mono float32 at `rate` Hz of the first AUDIO_SECONDS.

    Channels are mixed with libswresample's standard coefficients, scaled so that none can clip: stereo is (L + R) / 2.
    A `LevelMeter` hears every channel at its own rate, to the end.
    """

    def __init__(self, rate: int, max_seconds: float) -> None:
        self.damaged_packets = 0
        self.unreadable = ""  # one sentence on why nothing of the sound is read
        self._rate = rate
        self._max_samples = int(min(max_seconds, AUDIO_SECONDS) * rate)
        self._max_seconds = max_seconds
        self._levels = LevelMeter(max_seconds)
        self._chunks: list[NDArray[np.float32]] = []
        self._samples = 0
        self._start: float | None = None  # container seconds of the first sample
        self._heard = 0.0  # container seconds up to which sound was taken
        self._resampler: AudioResampler | None = None
        self._shape: tuple[str, str, int] | None = None

    def add(self, packet: Packet[AudioStream]) -> None:
        """Decode one packet (an empty one flushes)."""
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
                self._take(frame)
        except (UnreadableSound, *AV_ERRORS):
            self.damaged_packets += 1

    def finish(self, zero_seconds: float) -> Audio | None:
        """The whole track, with `start_seconds` relative to `zero_seconds`; None when no sound was decoded."""
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
        np.nan_to_num(samples, copy=False, nan=0.0)  # a file of floats may hold anything
        np.clip(samples, -1.0, 1.0, out=samples)
        start = self._start - zero_seconds
        return Audio(samples=samples, sample_rate=self._rate, start_seconds=start, levels=self._levels.finish(start))

    def notes(self) -> tuple[str, ...]:
        """What was missing. To be called after `finish`."""
        if self.unreadable:
            return (self.unreadable,)
        if not self._samples:
            return ("The sound could not be decoded.",)
        return ("Some of the sound is damaged and was passed over.",) if self.damaged_packets else ()

    def _take(self, frame: AudioFrame) -> None:
        if not frame.samples or not frame.sample_rate:
            return
        begins = self._heard if frame.pts is None or not frame.time_base else float(frame.pts * frame.time_base)
        if self._start is None:
            self._start = self._heard = begins
        if begins - self._start > self._max_seconds:
            return
        jump = begins - self._heard
        if jump < -_GAP_SECONDS:
            return  # sound for a time that has been filled: what came first is kept
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if jump > _GAP_SECONDS or shape != self._shape:
            self._flush()
            self._append_silence(round((begins - self._start) * self._rate) - self._samples)
            self._heard = begins
            self._shape = shape
            self._levels.begin(begins - self._start, frame)
            self._resampler = AudioResampler("flt", "mono", self._rate, options={"rematrix_maxval": "1"})
        self._heard += frame.samples / frame.sample_rate
        frame.pts = None
        self._levels.add(frame)
        if self._resampler is not None and self._samples < self._max_samples:
            for part in self._resampler.resample(frame):
                self._append(part)

    def _flush(self) -> None:
        resampler, self._resampler = self._resampler, None
        if resampler is not None:
            for part in resampler.resample(None):
                self._append(part)

    def _append(self, part: AudioFrame) -> None:
        samples = np.frombuffer(memoryview(part.planes[0]), np.float32, count=part.samples)
        samples = samples[: self._max_samples - self._samples].copy()
        self._chunks.append(samples)
        self._samples += len(samples)

    def _append_silence(self, count: int) -> None:
        count = min(count, self._max_samples - self._samples)
        if count > 0:
            self._chunks.append(np.zeros(count, np.float32))
            self._samples += count
