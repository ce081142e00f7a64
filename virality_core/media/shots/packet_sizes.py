"""Signs of a cut that need no decoding: a picture that could not be predicted takes a large packet, or a keyframe."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

_NEIGHBOURS = 6  # anchors on each side that tell what is usual: about a second with B-frames, a fifth without


def anchors(ticks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Indices of the packets, in decode order, that are shown later than all before them: I- and P-frames.

    The others are B-frames: shown before a packet that was decoded earlier.
    """
    if len(ticks) == 0:
        return np.zeros(0, np.int64)
    latest = np.concatenate([[np.iinfo(np.int64).min], np.maximum.accumulate(ticks[:-1])])
    return np.flatnonzero(ticks > latest)


def spikes(sizes: NDArray[np.int64], is_keyframe: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How many times larger each packet is than is usual around it, (P,) for the anchors' sizes (P,) in order.

    Usual is the larger of the medians of the six packets before and after, keyframes left out: after a cut to a richer
    scene all packets are large. Keyframes, and packets without two neighbours, have 0.
    """
    ratio = np.zeros(len(sizes))
    plain = sizes[~is_keyframe].astype(np.float64)
    if len(plain) < 3:
        return ratio
    none = np.full(_NEIGHBOURS, np.nan)
    windows = sliding_window_view(np.concatenate([none, plain, none]), _NEIGHBOURS)
    usual = np.fmax(_medians(windows[: len(plain)]), _medians(windows[_NEIGHBOURS + 1 :]))
    ratio[~is_keyframe] = plain / np.fmax(usual, 1.0)
    return ratio


def _medians(windows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median of each window (P, N), nan where fewer than two of its values are there."""
    medians = np.full(len(windows), np.nan)
    enough = np.isfinite(windows).sum(axis=1) >= 2
    medians[enough] = np.nanmedian(windows[enough], axis=1)
    return medians


def early_keyframes(keys: NDArray[np.int64], frames: int) -> list[int]:
    """Places in `keys` (frame numbers in order of display) of keyframes that come sooner than the encoder's own rhythm.

    An encoder places keyframes at an even distance, its longest; one that comes sooner stands, as a rule, at a cut that
    the encoder saw. A rhythm is a longest distance that comes twice, or the stretch from the last keyframe to the end
    (`frames` is the reel's number of frames) where that is longer. Of a single distance nothing can be said.
    """
    distances = np.diff(keys)
    if len(distances) == 0:
        return []
    longest, last = int(distances.max()), int(frames - keys[-1])
    in_rhythm = distances >= longest - max(1, round(0.02 * longest))
    if last >= longest:
        in_rhythm = distances >= last - max(1, round(0.02 * last))
    elif len(distances) == 1:
        return []
    elif int(in_rhythm.sum()) < 2:
        in_rhythm = np.zeros(len(distances), dtype=bool)
    return [int(place) + 1 for place in np.flatnonzero(~in_rhythm)]
