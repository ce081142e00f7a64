"""Signs of a cut in packet sizes: a frame that can't be predicted needs a large packet, or a keyframe."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

_NEIGHBORS = 6  # anchors on each side: about a second with B-frames, a fifth without


def anchors(pts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Indices of the packets, in decode order, that are shown later than all before them: I- and P-frames.

    The others are B-frames.
    """
    if len(pts) == 0:
        return np.zeros(0, np.int64)
    latest = np.concatenate([[np.iinfo(np.int64).min], np.maximum.accumulate(pts[:-1])])
    return np.flatnonzero(pts > latest)


def size_ratios(sizes: NDArray[np.int64], is_key: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How many times larger each anchor's packet is than usual around it, (P,) for sizes (P,) in decode order.

    Usual is the larger of the medians of the six packets before and after, without keyframes: after a cut to a richer
    scene all packets are large. Keyframes, and packets without two neighbors, have 0.
    """
    ratios = np.zeros(len(sizes))
    inter = sizes[~is_key].astype(np.float64)
    if len(inter) < 3:
        return ratios
    padding = np.full(_NEIGHBORS, np.nan)
    windows = sliding_window_view(np.concatenate([padding, inter, padding]), _NEIGHBORS)
    usual = np.fmax(_medians(windows[: len(inter)]), _medians(windows[_NEIGHBORS + 1 :]))
    ratios[~is_key] = inter / np.fmax(usual, 1.0)
    return ratios


def _medians(windows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median of each window (P, N); nan for fewer than two values."""
    medians = np.full(len(windows), np.nan)
    enough = np.isfinite(windows).sum(axis=1) >= 2
    medians[enough] = np.nanmedian(windows[enough], axis=1)
    return medians


def early_keyframes(keys: NDArray[np.int64], frame_count: int) -> list[int]:
    """Indices into `keys` (frame numbers, ascending) of keyframes that come sooner than the encoder's rhythm.

    Encoders place keyframes at a fixed maximum distance; one that comes sooner usually marks a cut that the encoder
    saw. The rhythm is the longest distance if it occurs twice, or the distance from the last keyframe to the end if
    that is longer. A single distance says nothing.
    """
    distances = np.diff(keys)
    if len(distances) == 0:
        return []
    longest, last = int(distances.max()), int(frame_count - keys[-1])
    in_rhythm = distances >= longest - max(1, round(0.02 * longest))
    if last >= longest:
        in_rhythm = distances >= last - max(1, round(0.02 * last))
    elif len(distances) == 1:
        return []
    elif int(in_rhythm.sum()) < 2:
        in_rhythm = np.zeros(len(distances), dtype=bool)
    return [int(i) + 1 for i in np.flatnonzero(~in_rhythm)]
