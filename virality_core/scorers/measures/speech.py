"""From a speech probability each 32 ms to stretches of speech, and what the sound mostly is."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from virality_core.scorers.measures.sound import Stretches, merged, stretches

SPEAKS_FROM = 0.5  # probability; this, and the two times below, as the published get_speech_timestamps has them
_STOPS_BELOW = 0.35
SHORTEST_SPEECH = 0.25  # seconds
_PAUSE = 0.1  # seconds: a shorter one parts nothing

STEADY_FROM = 0.3  # strength of a beat that is there; speech and noise stay below 0.25 (`measures.rhythm`)
TONAL_BELOW = 0.05  # spectral flatness of music's held tones; noise has 0.56, surf and wind over 0.1
_MOSTLY = 0.5

Dominant = Literal["speech", "music", "other sound"]


def speech_stretches(probabilities: NDArray[np.float64], start_seconds: float, hop_seconds: float) -> Stretches:
    """When someone speaks, (from, to) in seconds.

    Speech begins at SPEAKS_FROM and goes on as long as the probability stays at 0.35, as in the published code.
    """
    speaks = np.zeros(len(probabilities), bool)
    now = False
    for place, probability in enumerate(probabilities):
        now = probability >= (_STOPS_BELOW if now else SPEAKS_FROM)
        speaks[place] = now
    found = merged(stretches(speaks, start_seconds, hop_seconds), gap=_PAUSE)
    return tuple((start, end) for start, end in found if end - start >= SHORTEST_SPEECH)


def flatness(samples: NDArray[np.float32]) -> float | None:
    """Median spectral flatness of mono sound: 0 a tone, 0.56 white noise; None where nothing is loud enough.

    Geometric over arithmetic mean of a frame's power between 100 and 5000 Hz at 16 kHz (J. Johnston, IEEE JSAC 6(2),
    1988), of frames at least 30 dB over the least that is heard.
    """
    size = 1024
    if len(samples) < size:
        return None
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[:: size * 4]
    power = np.abs(np.fft.rfft(frames * np.hanning(size).astype(np.float32), axis=1)[:, 6:320]) ** 2
    kept = power[power.mean(axis=1) > 1e-3]
    if not len(kept):
        return None
    means = np.exp(np.log(kept + 1e-12).mean(axis=1)) / kept.mean(axis=1)
    return float(np.median(means))


def dominant(speaking: float, sounding: float, strength: float, flat: float | None) -> Dominant:
    """What the sound mostly is, from seconds of speech and of any sound, the beat's strength and the flatness."""
    if sounding > 0 and speaking >= _MOSTLY * sounding:
        return "speech"
    musical = strength >= STEADY_FROM or (flat is not None and flat < TONAL_BELOW)
    return "music" if musical else "other sound"
