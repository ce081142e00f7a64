"""Tempo and beats from note onsets.

1. Onsets: rise of the log power in mel bands between frames 10 ms apart, added up (spectral flux; S. Dixon, "Onset
   Detection Revisited", DAFx 2006), less its mean over a second.
2. Tempo: the largest peak of the onsets' autocorrelation, weighted by which tempo people prefer among a beat, its half
   and its double: a log-Gaussian around 120 bpm, 0.9 octaves wide (D. Ellis, "Beat Tracking by Dynamic Programming",
   Journal of New Music Research 36(1), 2007; D. Moelants, "Preferred tempo reconsidered", ICMPC 2002).
3. Beats: the path through strong onsets with the most even steps of that length (Ellis 2007).
4. Strength: that peak as a share of the autocorrelation at lag 0, 0–1 ("pulse clarity"; O. Lartillot et al., ISMIR
   2008): 0 for noise, near 1 for a drum machine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FRAME_RATE = 100  # onset frames per second
SLOWEST, FASTEST = 40.0, 240.0  # bpm
MIN_SECONDS = 4.0  # anything shorter has too few beats

_PREFERRED, _OCTAVES = 120.0, 0.9
_WINDOW = 512  # samples: 32 ms at 16 kHz
_BANDS = 40
_EVENNESS = 100.0  # weight of even steps against strong onsets: Ellis' value for onsets of unit deviation
_FLOOR = 1e-8  # of full scale's power, −80 dB: anything quieter makes no onset

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rhythm:
    """`tempo` in bpm, `strength` 0–1, `beats` float64 (B,) in seconds from the first sample."""

    tempo: float
    strength: float
    beats: Array


def find_rhythm(samples: NDArray[np.float32], rate: int) -> Rhythm | None:
    """The rhythm of mono sound (S,); None where it is too short or has no onsets."""
    onsets = onset_strength(samples, rate)
    if len(onsets) < MIN_SECONDS * FRAME_RATE or not onsets.any():
        return None
    lags, correlation = _autocorrelation(onsets)
    octaves = np.log2(60.0 * FRAME_RATE / lags / _PREFERRED) / _OCTAVES
    weighted = correlation * np.exp(-0.5 * octaves**2)
    inner = (weighted[1:-1] >= weighted[:-2]) & (weighted[1:-1] >= weighted[2:]) & (weighted[1:-1] > 0)
    peaks = np.flatnonzero(inner) + 1
    if not len(peaks):
        return None
    best = int(peaks[np.argmax(weighted[peaks])])
    left, top, right = correlation[best - 1 : best + 2]
    curve = left - 2 * top + right  # of the parabola through the three, whose peak is between lags
    offset = 0.0 if curve >= 0 else float(np.clip(0.5 * (left - right) / curve, -0.5, 0.5))
    period = float(lags[best]) + offset
    return Rhythm(
        tempo=60.0 * FRAME_RATE / period,
        strength=float(np.clip(correlation[best], 0.0, 1.0)),
        beats=_beats(onsets, period) / FRAME_RATE,
    )


def onset_strength(samples: NDArray[np.float32], rate: int) -> Array:
    """Strength of the onsets in each hundredth of a second, (T,), with deviation 1; all zeros without onsets."""
    hop = rate // FRAME_RATE
    padded = np.pad(samples, _WINDOW // 2)
    if len(samples) < hop:
        return np.zeros(0)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::hop]
    bands = _mel_bands(rate)
    window = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
    power = [  # in pieces: all spectra at once would take 12 MB per minute
        (np.abs(np.fft.rfft(frames[start : start + 1000] * window, axis=1)) / (_WINDOW / 4)) ** 2 @ bands
        for start in range(0, len(frames), 1000)
    ]
    loud = np.log(np.concatenate(power).astype(np.float64) + _FLOOR)
    rise = np.maximum(np.diff(loud, axis=0, prepend=loud[:1]), 0.0).mean(axis=1)
    smooth = np.convolve(rise, np.hanning(7)[1:-1] / np.hanning(7).sum(), "same")
    local = np.convolve(np.pad(smooth, FRAME_RATE // 2, "edge"), np.ones(FRAME_RATE + 1), "valid")
    flux = np.maximum(smooth - local / (FRAME_RATE + 1), 0.0)
    deviation = float(flux.std())
    return flux / deviation if deviation > 1e-3 else np.zeros(len(flux))


def _mel_bands(rate: int) -> NDArray[np.float32]:
    """Triangles evenly over the mel scale (O'Shaughnessy 1987) up to half of `rate`, (bins, bands)."""
    top = 2595.0 * np.log10(1.0 + rate / 2 / 700.0)
    edges = 700.0 * (10.0 ** (np.linspace(0.0, top, _BANDS + 2) / 2595.0) - 1.0)
    bins = np.arange(_WINDOW // 2 + 1)[:, None] * rate / _WINDOW
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


def _autocorrelation(onsets: Array) -> tuple[Array, Array]:
    """Lags in frames from the fastest to the slowest beat, and the normalized, unbiased autocorrelation there."""
    centered = onsets - onsets.mean()
    spectrum = np.fft.rfft(centered, 2 * len(centered))
    whole = np.fft.irfft(np.abs(spectrum) ** 2)[: len(centered)]
    first = int(60 * FRAME_RATE / FASTEST) - 1
    last = min(int(60 * FRAME_RATE / SLOWEST) + 2, len(centered) // 2)
    lags = np.arange(first, last)
    return lags.astype(np.float64), whole[lags] / whole[0] * len(centered) / (len(centered) - lags)


def _beats(onsets: Array, period: float) -> Array:
    """The frames of the beats, ascending."""
    count = len(onsets)
    steps = np.arange(round(period / 2), round(period * 2) + 1)
    cost = -_EVENNESS * np.log(steps / period) ** 2
    total = onsets.copy()
    before = np.full(count, -1)
    for frame in range(int(steps[0]), count):
        reach = steps[steps <= frame]
        scores = total[frame - reach] + cost[: len(reach)]
        best = int(np.argmax(scores))
        if scores[best] > 0.0:
            total[frame] += scores[best]
            before[frame] = frame - reach[best]
    tail = max(0, count - round(period))
    frame = tail + int(np.argmax(total[tail:]))
    found = []
    while frame >= 0:
        found.append(frame)
        frame = int(before[frame])
    return np.array(found[::-1], dtype=np.float64)
