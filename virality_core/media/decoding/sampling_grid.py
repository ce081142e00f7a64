"""Chooses which frames to decode: the frames nearest to times on a uniform grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from virality_core.types import HOOK_SECONDS

CLIP_FRAMES = 16
CLIP_RATE = 15.0  # frames per second: what R(2+1)D and similar networks were trained on
RUN_FRAMES = 8  # consecutive frames of a short run
SHORT_RUNS = 3  # short runs after the hook
MAX_HOOK_RUN_FRAMES = 900  # 3 s at 300 frames per second

Seconds = NDArray[np.float64]


def grid(count: int, duration_seconds: float) -> Seconds:
    """The centers of `count` equal parts of the duration, float64 (count,)."""
    return (np.arange(count) + 0.5) * duration_seconds / max(count, 1)


def on_screen(frames: Seconds, times: Seconds) -> NDArray[np.intp]:
    """Index of the frame a viewer sees at each time: the last one that began; before the first frame, the first."""
    return np.maximum(np.searchsorted(frames, times, side="right") - 1, 0)


def nearest(frames: Seconds, times: Seconds) -> NDArray[np.intp]:
    """Index of the frame nearest to each time; the earlier of two at equal distance."""
    after = np.clip(np.searchsorted(frames, times), 1, max(len(frames) - 1, 1))
    after = np.minimum(after, len(frames) - 1)
    before = np.maximum(after - 1, 0)
    return np.where(times - frames[before] <= frames[after] - times, before, after)


def stills(frames: Seconds, keys: Seconds, *, count: int, duration_seconds: float, exact: bool) -> list[int]:
    """Indices into `frames` of the stills, ascending, each once.

    A grid time takes the nearest keyframe if it is within half a grid step and not taken yet; otherwise, and always
    with `exact`, the frame on screen then.
    """
    if not count:
        return []
    times = grid(count, duration_seconds)
    on_grid = on_screen(frames, times)
    if exact or not len(keys):
        return sorted({int(i) for i in on_grid})
    half_step = duration_seconds / count / 2
    chosen: set[int] = set()
    for time, key, frame in zip(times, keys[nearest(keys, times)], on_grid, strict=True):
        key_frame = int(np.searchsorted(frames, key))
        near = abs(key - time) <= half_step + 1e-9
        chosen.add(key_frame if near and key_frame not in chosen else int(frame))
    return sorted(chosen)


def runs(frames: Seconds, chosen_stills: list[int]) -> list[list[int]]:
    """Indices into `frames` of each run of consecutive frames: the whole hook, then short runs.

    Short runs start at stills, where the decoder is anyway.
    """
    hook = [int(i) for i in np.flatnonzero(frames < HOOK_SECONDS)[:MAX_HOOK_RUN_FRAMES]]
    found = [hook or [0]]
    later = [i for i in chosen_stills if frames[i] >= HOOK_SECONDS and i + 1 < len(frames)]
    for pick in sorted({int(center) for center in grid(min(SHORT_RUNS, len(later)), len(later))}):
        start = later[pick]
        if start > found[-1][-1]:
            found.append(list(range(start, min(start + RUN_FRAMES, len(frames)))))
    return found


def clips(frames: Seconds, *, count: int, duration_seconds: float) -> NDArray[np.intp]:
    """Indices into `frames` of `count` evenly spread clips, (count, CLIP_FRAMES): the frames nearest to 1/15 s steps.

    A reel shorter than a clip is looped.
    """
    length = CLIP_FRAMES / CLIP_RATE
    room = max(0.0, duration_seconds - length)
    starts = grid(count, room) if room else np.zeros(count)
    times = starts[:, None] + np.arange(CLIP_FRAMES) / CLIP_RATE
    if duration_seconds < length:
        times = times % max(duration_seconds, 1 / CLIP_RATE)
    return nearest(frames, times.reshape(-1)).reshape(count, CLIP_FRAMES)
