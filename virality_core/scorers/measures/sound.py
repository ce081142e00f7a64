"""Loudness, silence and clipping from the levels of `media.levels`: blocks of 10 ms at the sound's own rate."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from virality_core.types import Levels

QUIETEST, LOUDEST = -70.0, 20.0  # LUFS: BS.1770's absolute gate; far above what full scale in five channels gives
SILENT_BELOW = -60.0  # dBFS, mean square of the loudest channel: the default of FFmpeg's silencedetect
SHORTEST_SILENCE = 0.3  # seconds: shorter ones are pauses between words
_CLIPPED_SHARE = 0.01  # of the samples of 50 ms at full scale; a full-scale sine has 0.5 %
_CLIP_GAP = 0.1  # seconds: clipping that comes back within this is one stretch
_BLOCK_SECONDS = 0.4  # BS.1770-4: gating blocks of 400 ms, one each 100 ms
_STEP_SECONDS = 0.1
_RELATIVE_GATE = -10.0  # LU under the loudness of what passed the absolute gate

Array = NDArray[np.float64]
Stretches = tuple[tuple[float, float], ...]


def lufs(k_power: Array | float) -> Array:
    """Loudness of a K-weighted power, LUFS: −0.691 + 10 log10 (BS.1770-4, equation 2); −∞ for none."""
    with np.errstate(divide="ignore"):
        return np.asarray(-0.691 + 10.0 * np.log10(k_power), dtype=np.float64)


def momentary(levels: Levels) -> tuple[Array, Array]:
    """The gating blocks: their middle in seconds and K-weighted power, both (G,). Empty for sound under 0.4 s."""
    step, block = round(_STEP_SECONDS / levels.hop_seconds), round(_BLOCK_SECONDS / levels.hop_seconds)
    total = np.concatenate([[0.0], np.cumsum(levels.k_power)])
    begins = np.arange(0, len(levels.k_power) - block + 1, step)
    middles = np.asarray(levels.start_seconds + begins * levels.hop_seconds + _BLOCK_SECONDS / 2, np.float64)
    power = (total[begins + block] - total[begins]) / block
    return middles, np.maximum(power, 0.0)


def integrated_loudness(levels: Levels) -> float | None:
    """Programme loudness in LUFS with both gates of BS.1770-4 (EBU R 128); None where nothing passes the first."""
    power = momentary(levels)[1]
    loud = power[lufs(power) > QUIETEST]
    if not len(loud):
        return None
    gate = float(lufs(loud.mean())) + _RELATIVE_GATE
    return float(lufs(loud[lufs(loud) > gate].mean()))


def loudness_line(levels: Levels) -> tuple[Array, Array]:
    """Seconds and momentary loudness in LUFS, not under QUIETEST."""
    seconds, power = momentary(levels)
    return seconds, np.maximum(lufs(power), QUIETEST)


def decibels(value: float) -> float:
    """A linear peak as dB of full scale; −120 for none."""
    return 20.0 * math.log10(max(value, 1e-6))


def silences(levels: Levels, duration: float) -> Stretches:
    """The silent stretches (start, end) of a reel of `duration` seconds, also before and after its sound.

    A stretch is silent below SILENT_BELOW for SHORTEST_SILENCE or longer.
    """
    quiet = levels.power < 10.0 ** (SILENT_BELOW / 10.0)
    found = stretches(quiet, levels.start_seconds, levels.hop_seconds)
    before = [(0.0, levels.start_seconds)] if levels.start_seconds > 0 else []
    after = [(levels.end_seconds, duration)] if levels.end_seconds < duration else []
    joined = merged([*before, *found, *after], gap=levels.hop_seconds)
    cut = [(max(0.0, start), min(duration, end)) for start, end in joined]
    return tuple((start, end) for start, end in cut if end - start >= SHORTEST_SILENCE)


def clipped(levels: Levels, duration: float) -> Stretches:
    """The stretches in which samples lie at or over full scale.

    Sound that was clipped and then made quieter is not found: its flat tops are no longer at full scale. Nor is light
    clipping in a lossy copy, whose encoder has rounded the tops off.
    """
    share = np.convolve(np.pad(levels.clipped, 2), np.full(5, 0.2), "valid")
    found = stretches(share >= _CLIPPED_SHARE, levels.start_seconds, levels.hop_seconds)
    return tuple((max(0.0, a), min(duration, b)) for a, b in merged(found, gap=_CLIP_GAP) if b > 0 and a < duration)


def first_sound(levels: Levels) -> float | None:
    """Seconds at which the first block over SILENT_BELOW begins, not under 0; None where all is silent."""
    loud = np.flatnonzero(levels.power >= 10.0 ** (SILENT_BELOW / 10.0))
    return None if not len(loud) else max(0.0, levels.start_seconds + float(loud[0]) * levels.hop_seconds)


def stretches(marked: NDArray[np.bool_], start: float, hop: float) -> list[tuple[float, float]]:
    """(from, to) in seconds of each run of marked blocks."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(np.int8)))
    return [(start + hop * float(a), start + hop * float(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def merged(found: list[tuple[float, float]], *, gap: float) -> list[tuple[float, float]]:
    """The ascending stretches with those joined that lie `gap` seconds or less apart."""
    joined: list[tuple[float, float]] = []
    for start, end in found:
        if joined and start - joined[-1][1] <= gap + 1e-9:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def length(found: Stretches) -> float:
    """Seconds in all."""
    return math.fsum(end - start for start, end in found)
