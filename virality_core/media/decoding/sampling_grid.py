"""Which frames to take: places on a uniform grid, and the frames of the file that stand for them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from virality_core.types import HOOK_SECONDS

CLIP_FRAMES = 16
CLIP_RATE = 15.0  # frames a second of a clip: what R(2+1)D and its kin were trained on
RUN_FRAMES = 8  # consecutive frames of a short run
SHORT_RUNS = 3  # short runs after the hook
MAX_HOOK_RUN_FRAMES = 900  # 3 s at 300 frames a second

Seconds = NDArray[np.float64]


def grid(count: int, duration_seconds: float) -> Seconds:
    """The centres of `count` equal parts of the duration, float64 (count,)."""
    return (np.arange(count) + 0.5) * duration_seconds / max(count, 1)


def on_screen(shown: Seconds, places: Seconds) -> NDArray[np.intp]:
    """Index of the frame a viewer sees at each place: the last one that began; before the first frame, the first."""
    return np.maximum(np.searchsorted(shown, places, side="right") - 1, 0)


def nearest(shown: Seconds, places: Seconds) -> NDArray[np.intp]:
    """Index of the frame whose time is nearest to each place; of two as near, the earlier."""
    after = np.clip(np.searchsorted(shown, places), 1, max(len(shown) - 1, 1))
    after = np.minimum(after, len(shown) - 1)
    before = np.maximum(after - 1, 0)
    return np.where(places - shown[before] <= shown[after] - places, before, after)


def stills(shown: Seconds, keys: Seconds, *, count: int, duration_seconds: float, exact: bool) -> list[int]:
    """Indices into `shown` of the stills, ascending, each once.

    A place takes the keyframe nearest to it when one lies within half a grid step and no other place took it; else, and
    always with `exact`, the frame on screen at the place.
    """
    if not count:
        return []
    places = grid(count, duration_seconds)
    exactly = on_screen(shown, places)
    if exact or not len(keys):
        return sorted({int(i) for i in exactly})
    half_step = duration_seconds / count / 2
    nearest_keys = nearest(keys, places)
    chosen: set[int] = set()
    for place, key, frame in zip(places, nearest_keys, exactly, strict=True):
        at_key = int(np.searchsorted(shown, keys[key]))
        near = abs(keys[key] - place) <= half_step + 1e-9
        chosen.add(at_key if near and at_key not in chosen else int(frame))
    return sorted(chosen)


def hook_stills(shown: Seconds, *, count: int, duration_seconds: float) -> list[int]:
    """Indices into `shown` of the frames on screen at the centres of `count` parts of the hook, each once."""
    places = grid(count, min(HOOK_SECONDS, duration_seconds))
    return sorted({int(i) for i in on_screen(shown, places)})


def runs(shown: Seconds, chosen_stills: list[int]) -> list[list[int]]:
    """Indices into `shown` of each run of consecutive frames: the whole hook, then short ones that begin at stills.

    Runs begin at stills because decoding is there already.
    """
    hook = [int(i) for i in np.flatnonzero(shown < HOOK_SECONDS)[:MAX_HOOK_RUN_FRAMES]]
    found = [hook or [0]]
    later = [i for i in chosen_stills if shown[i] >= HOOK_SECONDS and i + 1 < len(shown)]
    centres = grid(min(SHORT_RUNS, len(later)), len(later))
    for pick in sorted({int(centre) for centre in centres}):
        start = later[pick]
        if start > found[-1][-1]:
            found.append(list(range(start, min(start + RUN_FRAMES, len(shown)))))
    return found


def clips(shown: Seconds, *, count: int, duration_seconds: float) -> NDArray[np.intp]:
    """Indices into `shown` of `count` clips, (count, CLIP_FRAMES): frames nearest to 1/15 s steps, clips spread evenly.

    A reel shorter than a clip plays again from its start.
    """
    length = CLIP_FRAMES / CLIP_RATE
    room = max(0.0, duration_seconds - length)
    starts = grid(count, room) if room else np.zeros(count)
    times = starts[:, None] + np.arange(CLIP_FRAMES) / CLIP_RATE
    if duration_seconds < length:
        times = times % max(duration_seconds, 1 / CLIP_RATE)
    return nearest(shown, times.reshape(-1)).reshape(count, CLIP_FRAMES)
