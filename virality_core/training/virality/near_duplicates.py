"""Finds re-uploaded videos: small gray pictures of five moments, compared by their gradients.

The gradients are dHash's (N. Krawetz, "Kind of Like That", 2013): whether each field is brighter than its right
neighbor. They survive another size, codec and bit rate. Flat pictures have gradients of noise, so the gray levels must
agree as well.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core.media import open_reel
from virality_core.types import Plan, Reel

MOMENTS = 5
_COLUMNS, _ROWS = 9, 8
SIZE = MOMENTS * _ROWS * _COLUMNS

#: Between what copies and different clips measure; checked in tests/training/virality/test_preprocess.py.
MAX_GRADIENTS_APART = 0.12
MAX_LEVELS_APART = 12.0
_MAX_SECONDS_APART = 0.1  # as a share of the longer duration: a copy may lose its end card


def fingerprint(path: Path) -> tuple[Reel, NDArray[np.uint8]]:
    """The opened reel, and its fingerprint uint8 (SIZE,). Raises InputError where it can't be read."""
    reel = open_reel(path, Plan(stills=MOMENTS, exact=True))
    frames = reel.frames.rgb[np.linspace(0, len(reel.frames) - 1, MOMENTS).round().astype(int)]
    gray = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    tiny = [cv2.resize(frame, (_COLUMNS, _ROWS), interpolation=cv2.INTER_AREA) for frame in gray]
    return reel, np.stack(tiny).astype(np.uint8).reshape(-1)


def pairs(prints: NDArray[np.uint8], seconds: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, of copies among videos of fingerprints uint8 (N, SIZE) and durations float64 (N,).

    Every pair is compared, a row at a time: 10,000 videos take some minutes and a few MB.
    """
    grids = prints.reshape(len(prints), MOMENTS, _ROWS, _COLUMNS)
    gradients = (grids[..., 1:] > grids[..., :-1]).reshape(len(prints), -1)
    levels = grids.reshape(len(prints), -1).astype(np.int16)
    found = []
    for row in range(len(prints) - 1):
        later = np.arange(row + 1, len(prints))
        longer = np.maximum(seconds[later], seconds[row])
        later = later[np.abs(seconds[later] - seconds[row]) <= _MAX_SECONDS_APART * longer]
        gradients_apart = (gradients[later] != gradients[row]).mean(1)
        levels_apart = np.abs(levels[later] - levels[row]).mean(1)
        copies = later[(gradients_apart <= MAX_GRADIENTS_APART) & (levels_apart <= MAX_LEVELS_APART)]
        found += [(row, int(other)) for other in copies]
    return found
