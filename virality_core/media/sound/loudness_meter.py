"""How loud the sound is, measured while it is decoded: every channel at its own rate, memory of a few blocks.

Loudness: the K-weighting and channel weights of ITU-R BS.1770-4 (2015), Annex 1, as EBU R 128 uses them. Its two
filters are given for 48 kHz; for other rates they are made from the analogue filters behind them (bilinear transform),
as libebur128 does. True peak: Annex 2, four times as many samples (two from 96 kHz on, as they are from 192 kHz on).
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from virality_core.media.container.source import AV_ERRORS
from virality_core.types import Levels

HOP_SECONDS = 0.01
FULL_SCALE = 1.0 - 2.0**-15  # the largest 16-bit sample

_RESPONSE_SECONDS = 0.06  # the high-pass has a time constant of 4.2 ms: 1e-4 of it is left after this
_LARGEST = 16.0  # 24 dB over full scale: no sound, but a file of floats may hold anything
_LEAST_RATE = 4000  # Hz: below, the shelf at 1682 Hz has no room
_OVERSAMPLED = ((96_000, 4), (192_000, 2))  # below this rate, so many times

#: BS.1770-4, table 3: surround channels count 1.41, the low-frequency channel not at all, all others 1.
_SURROUND = {"SL", "SR", "BL", "BR", "SDL", "SDR", "TBL", "TBR"}
_SURROUND_WEIGHT = 1.41

Samples = NDArray[np.float32]


class LevelMeter:
    """Hears decoded frames in order and sums them up in blocks of 10 ms."""

    def __init__(self, max_seconds: float) -> None:
        self._sums = np.zeros((4, int(max_seconds / HOP_SECONDS) + 1))  # the columns of `Levels`; 4 MB for 20 minutes
        self._blocks = 0  # of them heard
        self._true_peak = 0.0
        self._part: _Part | None = None
        self._plain: AudioResampler | None = None
        self._finer: AudioResampler | None = None

    def begin(self, at_seconds: float, frame: AudioFrame) -> None:
        """A stretch of frames of one kind begins, `at_seconds` after the first sample; what is between is silence."""
        self._end_part()
        rate = frame.sample_rate
        factor = next((factor for below, factor in _OVERSAMPLED if rate < below), 1)
        self._plain = AudioResampler("flt", frame.layout, rate)
        self._finer = AudioResampler("flt", frame.layout, rate * factor) if factor > 1 else None
        self._part = _Part(at_seconds, rate, [channel.name for channel in frame.layout.channels])

    def add(self, frame: AudioFrame) -> None:
        """Hear a frame of the stretch that `begin` announced."""
        if self._plain is None:
            return
        for plain in self._plain.resample(frame):
            self._hear(plain)
        if self._finer is not None:
            for fine in self._finer.resample(frame):
                self._peak(_samples(fine))

    def finish(self, start_seconds: float) -> Levels | None:
        """Everything heard; the first sample was at `start_seconds`. None where nothing was."""
        self._end_part()
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

    def _hear(self, frame: AudioFrame) -> None:
        if self._part is not None:
            self._keep(self._part.add(_samples(frame)))

    def _peak(self, samples: Samples) -> None:
        if samples.size:
            self._true_peak = max(self._true_peak, float(np.abs(samples).max()))

    def _end_part(self) -> None:
        plain, finer = self._plain, self._finer
        self._plain = self._finer = None
        with suppress(*AV_ERRORS):  # after damage there may be nothing to flush; what was heard before counts
            for rest in plain.resample(None) if plain is not None else ():
                self._hear(rest)
            for rest in finer.resample(None) if finer is not None else ():
                self._peak(_samples(rest))
        if self._part is not None:
            self._keep(self._part.flush())
        self._part = None

    def _keep(self, heard: tuple[int, NDArray[np.float64]] | None) -> None:
        if heard is None:
            return
        first, sums = heard
        sums = sums[:, : max(0, self._sums.shape[1] - first)]
        kept = self._sums[:, first : first + sums.shape[1]]
        kept[[0, 1, 3]] += sums[[0, 1, 3]]
        np.maximum(kept[2], sums[2], out=kept[2])
        self._blocks = max(self._blocks, first + sums.shape[1])


class _Part:
    """Sound of one rate and one set of channels: filtered in pieces, summed up by block."""

    def __init__(self, at_seconds: float, rate: int, channels: list[str]) -> None:
        self._at = round(at_seconds * rate)  # samples since the first of all
        self._rate = rate
        self._weights = np.array([_weight(name) for name in channels], np.float32)
        self._taps = max(16, round(_RESPONSE_SECONDS * rate))
        self._size = 1 << (4 * self._taps - 1).bit_length()
        self._step = self._size - self._taps + 1
        self._response = k_response(rate, self._size, self._taps) if rate >= _LEAST_RATE else None
        self._history = np.zeros((len(channels), self._taps - 1), np.float32)
        self._waiting: list[Samples] = []
        self._waits = 0

    def add(self, samples: Samples) -> tuple[int, NDArray[np.float64]] | None:
        """Take samples (C, S); returns (first block, sums (4, B)) once there is enough to filter."""
        self._waiting.append(samples)
        self._waits += samples.shape[1]
        return self.flush() if self._waits >= self._step else None

    def flush(self) -> tuple[int, NDArray[np.float64]] | None:
        """Sum up what waits."""
        if not self._waits:
            return None
        samples = np.concatenate(self._waiting, axis=1)
        self._waiting, self._waits = [], 0
        first = self._at * 100 // self._rate
        places = (self._at + np.arange(samples.shape[1])) * 100 // self._rate - first  # HOP_SECONDS is a hundredth
        self._at += samples.shape[1]
        starts = np.flatnonzero(np.diff(places, prepend=-1))
        loud = np.abs(samples)
        whole = np.ceil((first + np.arange(len(starts)) + 1) * self._rate / 100) - np.ceil(
            (first + np.arange(len(starts))) * self._rate / 100
        )  # samples of a whole block: a block in two pieces adds up
        means = [
            np.add.reduceat(self._weighted(samples), starts),
            np.add.reduceat(samples**2, starts, axis=1).max(axis=0),
            np.maximum.reduceat(loud.max(axis=0), starts) * whole,
            np.add.reduceat((loud >= FULL_SCALE).astype(np.float32), starts, axis=1).max(axis=0),
        ]
        return first, np.stack(means).astype(np.float64) / np.maximum(whole, 1.0)

    def _weighted(self, samples: Samples) -> Samples:
        """The K-weighted power of each sample, channels weighted and added, (S,)."""
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
    """The K-weighting's frequency response at the bins of a real FFT of `size`, its impulse response cut to `taps`."""
    turn = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    response = np.ones(len(turn), np.complex128)
    for b, a in (_shelf(rate), _high_pass(rate)):
        response *= (b[0] + b[1] * turn + b[2] * turn**2) / (a[0] + a[1] * turn + a[2] * turn**2)
    impulse = np.fft.irfft(response, size)
    impulse[taps:] = 0.0
    return np.fft.rfft(impulse).astype(np.complex64)


def _shelf(rate: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    # The analogue filter behind BS.1770-4's first one: 4 dB more above 1682 Hz (the head's effect).
    k = np.tan(np.pi * 1681.974450955533 / rate)
    gain, q = 10 ** (3.999843853973347 / 20), 0.7071752369554196
    bend = gain**0.4996667741545416
    low = 1 + k / q + k * k
    b = ((gain + bend * k / q + k * k) / low, 2 * (k * k - gain) / low, (gain - bend * k / q + k * k) / low)
    return b, (1.0, 2 * (k * k - 1) / low, (1 - k / q + k * k) / low)


def _high_pass(rate: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    # The one behind the second ("revised low-frequency B curve"), at 38 Hz; its numerator is 1, −2, 1 at every rate.
    k, q = np.tan(np.pi * 38.13547087602444 / rate), 0.5003270373238773
    low = 1 + k / q + k * k
    return (1.0, -2.0, 1.0), (1.0, 2 * (k * k - 1) / low, (1 - k / q + k * k) / low)


def _samples(frame: AudioFrame) -> Samples:
    """The samples (C, S) of a packed frame: `to_ndarray` of a planar one of 8 channels reads past its end."""
    packed = frame.to_ndarray().reshape(-1, frame.layout.nb_channels).T
    samples = np.nan_to_num(packed.astype(np.float32, order="C"), nan=0.0)
    return np.clip(samples, -_LARGEST, _LARGEST)


def _weight(name: str) -> float:
    if name.startswith("LFE"):
        return 0.0
    return _SURROUND_WEIGHT if name in _SURROUND else 1.0
