"""Tells a re-uploaded video from another one: small grey pictures of five moments, compared by their slopes.

The slopes are dHash's (N. Krawetz, "Kind of Like That", 2013): whether each field is brighter than its right neighbour.
They survive another size, codec and bit rate. Flat pictures have slopes of noise, so the greys must agree as well.
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

#: What copies and different clips measure: tests/training/test_fingerprint.py.
SLOPES_APART = 0.12
GREYS_APART = 12.0
_SECONDS_APART = 0.1  # of the longer one's duration: a copy may lose its end card


def look(path: Path) -> tuple[Reel, NDArray[np.uint8]]:
    """The opened reel, and its fingerprint uint8 (SIZE,). Raises InputError where it can't be read."""
    reel = open_reel(path, Plan(stills=MOMENTS, exact=True))
    frames = reel.frames.rgb[np.linspace(0, len(reel.frames) - 1, MOMENTS).round().astype(int)]
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    tiny = [cv2.resize(frame, (_COLUMNS, _ROWS), interpolation=cv2.INTER_AREA) for frame in grey]
    return reel, np.stack(tiny).astype(np.uint8).reshape(-1)


def same(prints: NDArray[np.uint8], seconds: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, of videos that are one: prints uint8 (N, SIZE), durations float64 (N,).

    Every pair is compared, a row at a time: 10,000 videos take some minutes and a few MB.
    """
    grids = prints.reshape(len(prints), MOMENTS, _ROWS, _COLUMNS)
    slopes = (grids[..., 1:] > grids[..., :-1]).reshape(len(prints), -1)
    greys = grids.reshape(len(prints), -1).astype(np.int16)
    found = []
    for row in range(len(prints) - 1):
        later = np.arange(row + 1, len(prints))
        longer = np.maximum(seconds[later], seconds[row])
        later = later[np.abs(seconds[later] - seconds[row]) <= _SECONDS_APART * longer]
        apart = (slopes[later] != slopes[row]).mean(1)
        levels = np.abs(greys[later] - greys[row]).mean(1)
        found += [(row, int(other)) for other in later[(apart <= SLOPES_APART) & (levels <= GREYS_APART)]]
    return found
