"""Measures loudness while the sound is decoded, all channels at their own rate.

Loudness: the K-weighting and channel weights of ITU-R BS.1770-4 (2015), Annex 1, as in EBU R 128. Its two filters are
given for 48 kHz; for other rates they are derived from the analog filters behind them (bilinear transform), as in
libebur128. True peak: Annex 2, oversampled four times (twice from 96 kHz on, not at all from 192 kHz on).

Written by hand because libraries such as pyloudnorm need all samples in memory and give one number; signals need
blocks of 10 ms. On 13 clips the integrated loudness is within 0.12 LU of FFmpeg's `ebur128`
(`weights/silero_vad/README.md`).
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from virality_core.media.container.source import AV_ERRORS
from virality_core.types import Levels

HOP_SECONDS = 0.01  # `_Segment` counts in hundredths
FULL_SCALE = 1.0 - 2.0**-15  # the largest 16-bit sample

_RESPONSE_SECONDS = 0.06  # the high-pass has a time constant of 4.2 ms; 1e-4 of its response is left after this
_MAX_SAMPLE = 16.0  # 24 dB over full scale: float samples may hold anything
_MIN_RATE = 4000  # Hz: too low for the shelf at 1682 Hz
_OVERSAMPLING = ((96_000, 4), (192_000, 2))  # (below this rate, factor)

#: BS.1770-4, table 3: surround channels count 1.41, the low-frequency channel 0, all others 1.
_SURROUND = {"SL", "SR", "BL", "BR", "SDL", "SDR", "TBL", "TBR"}
_SURROUND_WEIGHT = 1.41

Samples = NDArray[np.float32]


class LevelMeter:
    """Sums up decoded frames, in order, in blocks of 10 ms."""

    def __init__(self, max_seconds: float) -> None:
        self._sums = np.zeros((4, int(max_seconds / HOP_SECONDS) + 1))  # the columns of `Levels`; 4 MB for 20 minutes
        self._blocks = 0  # filled so far
        self._true_peak = 0.0
        self._segment: _Segment | None = None

    def begin(self, at_seconds: float, frame: AudioFrame) -> None:
        """Start a segment of frames in one format, `at_seconds` after the first sample; a gap before it is silent."""
        self._end_segment()
        self._segment = _Segment(at_seconds, frame)

    def add(self, frame: AudioFrame | None) -> None:
        """Add a frame of the segment that `begin` started; None flushes."""
        segment = self._segment
        if segment is None:
            return
        for resampled in segment.to_float.resample(frame):
            self._add_blocks(segment.add(_samples(resampled)))
        for resampled in segment.oversampler.resample(frame) if segment.oversampler is not None else ():
            self._true_peak = max(self._true_peak, float(np.abs(_samples(resampled)).max(initial=0.0)))

    def finish(self, start_seconds: float) -> Levels | None:
        """The levels of all frames; `start_seconds` is when the first sample plays. None without samples."""
        self._end_segment()
        if not self._blocks:
            return None
        k_power, power, peak, clipped = self._sums[:, : self._blocks].copy()
        return Levels(
            k_power=k_power,
            power=power,
            peak=peak,
            clipped=clipped,
            true_peak=max(self._true_peak, float(peak.max())),
            hop_seconds=HOP_SECONDS,
            start_seconds=start_seconds,
        )

    def _end_segment(self) -> None:
        with suppress(*AV_ERRORS):  # after damage there may be nothing to flush
            self.add(None)
        if self._segment is not None:
            self._add_blocks(self._segment.flush())
        self._segment = None

    def _add_blocks(self, blocks: tuple[int, NDArray[np.float64]] | None) -> None:
        if blocks is None:
            return
        first, sums = blocks
        sums = sums[:, : max(0, self._sums.shape[1] - first)]
        total = self._sums[:, first : first + sums.shape[1]]
        total[[0, 1, 3]] += sums[[0, 1, 3]]
        np.maximum(total[2], sums[2], out=total[2])
        self._blocks = max(self._blocks, first + sums.shape[1])


class _Segment:
    """Sound of one rate and one set of channels: filtered in pieces, summed up by block."""

    def __init__(self, at_seconds: float, frame: AudioFrame) -> None:
        rate, names = frame.sample_rate, [channel.name for channel in frame.layout.channels]
        factor = next((factor for limit, factor in _OVERSAMPLING if rate < limit), 1)
        self.to_float = AudioResampler("flt", frame.layout, rate)
        self.oversampler = AudioResampler("flt", frame.layout, rate * factor) if factor > 1 else None
        self._position = round(at_seconds * rate)  # samples since the start of the sound
        self._rate = rate
        self._weights = np.array([_SURROUND_WEIGHT if name in _SURROUND else 1.0 for name in names], np.float32)
        self._weights[[name.startswith("LFE") for name in names]] = 0.0
        self._taps = max(16, round(_RESPONSE_SECONDS * rate))
        self._size = 1 << (4 * self._taps - 1).bit_length()
        self._step = self._size - self._taps + 1
        self._response = k_response(rate, self._size, self._taps) if rate >= _MIN_RATE else None
        self._history = np.zeros((len(names), self._taps - 1), np.float32)
        self._buffer: list[Samples] = []
        self._buffered = 0  # samples

    def add(self, samples: Samples) -> tuple[int, NDArray[np.float64]] | None:
        """Buffer samples (C, S); returns (first block, sums (4, B)) once there are enough to filter."""
        self._buffer.append(samples)
        self._buffered += samples.shape[1]
        return self.flush() if self._buffered >= self._step else None

    def flush(self) -> tuple[int, NDArray[np.float64]] | None:
        if not self._buffered:
            return None
        samples = np.concatenate(self._buffer, axis=1)
        self._buffer, self._buffered = [], 0
        first = self._position * 100 // self._rate
        blocks = (self._position + np.arange(samples.shape[1])) * 100 // self._rate - first
        self._position += samples.shape[1]
        starts = np.flatnonzero(np.diff(blocks, prepend=-1))
        magnitude = np.abs(samples)
        # Samples of a whole block: the sums of a block that comes in two pieces add up.
        whole = np.diff(np.ceil((first + np.arange(len(starts) + 1)) * self._rate / 100))
        means = [
            np.add.reduceat(self._weighted(samples), starts),
            np.add.reduceat(samples**2, starts, axis=1).max(axis=0),
            np.maximum.reduceat(magnitude.max(axis=0), starts) * whole,
            np.add.reduceat((magnitude >= FULL_SCALE).astype(np.float32), starts, axis=1).max(axis=0),
        ]
        return first, np.stack(means).astype(np.float64) / np.maximum(whole, 1.0)

    def _weighted(self, samples: Samples) -> Samples:
        """The K-weighted power of each sample, summed over the weighted channels, (S,)."""
        power = np.zeros(samples.shape[1], np.float32)
        if self._response is None:
            return power
        padded = np.concatenate([self._history, samples], axis=1)
        self._history = padded[:, padded.shape[1] - self._taps + 1 :].copy()
        for start in range(0, samples.shape[1], self._step):
            piece = padded[:, start : start + self._size]
            count = piece.shape[1] - self._taps + 1
            spectrum = np.fft.rfft(piece, self._size, axis=1) * self._response
            filtered = np.fft.irfft(spectrum, self._size, axis=1)[:, self._taps - 1 : self._taps - 1 + count]
            power[start : start + count] = self._weights @ (filtered**2)
        return power


def k_response(rate: int, size: int, taps: int) -> NDArray[np.complex64]:
    """The K-weighting's frequency response for a real FFT of `size`, its impulse response truncated to `taps`."""
    turn = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    response = np.ones(len(turn), np.complex128)
    for b, a in (_shelf(rate), _high_pass(rate)):
        response *= (b[0] + b[1] * turn + b[2] * turn**2) / (a[0] + a[1] * turn + a[2] * turn**2)
    impulse = np.fft.irfft(response, size)
    impulse[taps:] = 0.0
    return np.fft.rfft(impulse).astype(np.complex64)


def _shelf(rate: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    # The analog filter behind BS.1770-4's first one: +4 dB above 1682 Hz (the effect of the head).
    k = np.tan(np.pi * 1681.974450955533 / rate)
    gain, q = 10 ** (3.999843853973347 / 20), 0.7071752369554196
    bend = gain**0.4996667741545416
    low = 1 + k / q + k * k
    b = ((gain + bend * k / q + k * k) / low, 2 * (k * k - gain) / low, (gain - bend * k / q + k * k) / low)
    return b, (1.0, 2 * (k * k - 1) / low, (1 - k / q + k * k) / low)


def _high_pass(rate: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    # The one behind the second ("revised low-frequency B curve"), at 38 Hz; its numerator is 1, −2, 1 at all rates.
    k, q = np.tan(np.pi * 38.13547087602444 / rate), 0.5003270373238773
    low = 1 + k / q + k * k
    return (1.0, -2.0, 1.0), (1.0, 2 * (k * k - 1) / low, (1 - k / q + k * k) / low)


def _samples(frame: AudioFrame) -> Samples:
    """The samples (C, S) of a packed frame (`to_ndarray` of a planar one with 8 channels reads past its end)."""
    packed = frame.to_ndarray().reshape(-1, frame.layout.nb_channels).T
    samples = np.nan_to_num(packed.astype(np.float32, order="C"), nan=0.0)
    return np.clip(samples, -_MAX_SAMPLE, _MAX_SAMPLE)
