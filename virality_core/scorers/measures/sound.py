"""Loudness, silence, clipping and speech from the sound's levels: blocks of 10 ms at its own sample rate."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from virality_core.scorers.measures.intervals import Intervals, merged, true_runs
from virality_core.types import Levels

QUIETEST, LOUDEST = -70.0, 20.0  # LUFS: BS.1770's absolute gate; far above what full scale in five channels gives
SILENT_BELOW = -60.0  # dBFS, mean square of the loudest channel: the default of FFmpeg's silencedetect
MIN_SILENCE_SECONDS = 0.3  # anything shorter is a pause between words
_CLIPPED_SHARE = 0.01  # of the samples of 50 ms at full scale; a full-scale sine has 0.5 %
_CLIP_GAP = 0.1  # seconds: clipping that returns within this time is one interval
_BLOCK_SECONDS = 0.4  # BS.1770-4: gating blocks of 400 ms, one every 100 ms
_STEP_SECONDS = 0.1
_RELATIVE_GATE = -10.0  # LU under the loudness of what passed the absolute gate
_ROUNDING = 1e-9  # seconds

SPEECH_FROM = 0.5  # probability; this and the next three as in silero-vad's get_speech_timestamps
_SPEECH_UNTIL = 0.35
MIN_SPEECH_SECONDS = 0.25
_PAUSE = 0.1  # seconds: a shorter pause separates nothing

STEADY_FROM = 0.3  # beat strength of a steady beat; speech and noise stay below 0.25 (`measures.rhythm`)
_TONAL_BELOW = 0.05  # spectral flatness of music's sustained notes; noise has 0.56, surf and wind over 0.1
_MOSTLY = 0.5

Array = NDArray[np.float64]
Dominant = Literal["speech", "music", "other sound"]


def lufs(k_power: Array | float) -> Array:
    """Loudness of a K-weighted power, LUFS: −0.691 + 10 log10 (BS.1770-4, equation 2); −∞ for none."""
    with np.errstate(divide="ignore"):
        return np.asarray(-0.691 + 10.0 * np.log10(k_power), dtype=np.float64)


def gating_blocks(levels: Levels) -> tuple[Array, Array]:
    """Each block's middle in seconds and K-weighted power, both (G,). Empty for sound under 0.4 s."""
    step, block = round(_STEP_SECONDS / levels.hop_seconds), round(_BLOCK_SECONDS / levels.hop_seconds)
    total = np.concatenate([[0.0], np.cumsum(levels.k_power)])
    starts = np.arange(0, len(levels.k_power) - block + 1, step)
    middles = np.asarray(levels.start_seconds + starts * levels.hop_seconds + _BLOCK_SECONDS / 2, np.float64)
    power = (total[starts + block] - total[starts]) / block
    return middles, np.maximum(power, 0.0)


def integrated_loudness(levels: Levels) -> float | None:
    """Programme loudness in LUFS with both gates of BS.1770-4 (EBU R 128); None where nothing passes the first."""
    power = gating_blocks(levels)[1]
    loud = power[lufs(power) > QUIETEST]
    if not len(loud):
        return None
    gate = float(lufs(loud.mean())) + _RELATIVE_GATE
    return float(lufs(loud[lufs(loud) > gate].mean()))


def momentary_loudness(levels: Levels) -> tuple[Array, Array]:
    """Seconds and momentary loudness in LUFS, at least QUIETEST."""
    seconds, power = gating_blocks(levels)
    return seconds, np.maximum(lufs(power), QUIETEST)


def decibels(value: float) -> float:
    """A linear peak as dB of full scale; −120 for none."""
    return 20.0 * math.log10(max(value, 1e-6))


def is_silent(levels: Levels) -> NDArray[np.bool_]:
    """bool (B,): which blocks are below SILENT_BELOW."""
    return np.asarray(levels.power < 10.0 ** (SILENT_BELOW / 10.0))


def silences(levels: Levels, duration: float) -> Intervals:
    """Silences of MIN_SILENCE_SECONDS or longer in a reel of `duration` seconds, also before and after its sound."""
    before = [(0.0, levels.start_seconds)] if levels.start_seconds > 0 else []
    after = [(levels.end_seconds, duration)] if levels.end_seconds < duration else []
    found = [*before, *_runs_in_seconds(is_silent(levels), levels.start_seconds, levels.hop_seconds), *after]
    joined = merged(found, gap=levels.hop_seconds + _ROUNDING)
    inside = [(max(0.0, start), min(duration, end)) for start, end in joined]
    return tuple((start, end) for start, end in inside if end - start >= MIN_SILENCE_SECONDS)


def clipped(levels: Levels, duration: float) -> Intervals:
    """When samples are at or over full scale.

    Sound that was clipped and then turned down is not found: its flat tops are no longer at full scale. Nor is light
    clipping in a lossy copy, whose encoder has rounded off the tops.
    """
    share = np.convolve(np.pad(levels.clipped, 2), np.full(5, 0.2), "valid")
    found = _runs_in_seconds(share >= _CLIPPED_SHARE, levels.start_seconds, levels.hop_seconds)
    joined = merged(found, gap=_CLIP_GAP + _ROUNDING)
    return tuple((max(0.0, a), min(duration, b)) for a, b in joined if b > 0 and a < duration)


def first_sound(levels: Levels) -> float | None:
    """Seconds at which the first block that isn't silent begins, at least 0; None where all is silent."""
    loud = np.flatnonzero(~is_silent(levels))
    return None if not len(loud) else max(0.0, levels.start_seconds + float(loud[0]) * levels.hop_seconds)


def speech_intervals(probabilities: Array, start_seconds: float, hop_seconds: float) -> Intervals:
    """When someone speaks, from a probability per hop: from SPEECH_FROM on until it falls below 0.35."""
    speaks = np.zeros(len(probabilities), bool)
    speaking = False
    for index, probability in enumerate(probabilities):
        speaking = probability >= (_SPEECH_UNTIL if speaking else SPEECH_FROM)
        speaks[index] = speaking
    found = merged(_runs_in_seconds(speaks, start_seconds, hop_seconds), gap=_PAUSE + _ROUNDING)
    return tuple((start, end) for start, end in found if end - start >= MIN_SPEECH_SECONDS)


def spectral_flatness(samples: NDArray[np.float32]) -> float | None:
    """Median spectral flatness of mono sound: 0 a tone, 0.56 white noise; None where nothing is loud enough.

    Geometric over arithmetic mean of a frame's power between 100 and 5000 Hz at 16 kHz (J. Johnston, IEEE JSAC 6(2),
    1988), of frames at least 30 dB over the threshold of hearing.
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


def dominant(speaking: float, sounding: float, beat_strength: float, flatness: float | None) -> Dominant:
    """What the sound mostly is, from seconds of speech and of any sound, beat strength and spectral flatness."""
    if sounding > 0 and speaking >= _MOSTLY * sounding:
        return "speech"
    is_musical = beat_strength >= STEADY_FROM or (flatness is not None and flatness < _TONAL_BELOW)
    return "music" if is_musical else "other sound"


def total_seconds(intervals: Intervals) -> float:
    """Length of all intervals together."""
    return math.fsum(end - start for start, end in intervals)


def _runs_in_seconds(flags: NDArray[np.bool_], start: float, hop: float) -> list[tuple[float, float]]:
    return [(start + hop * float(a), start + hop * float(b)) for a, b in true_runs(flags)]
