"""Traces of a file's history in a picture at its native size: coding blocks, interlacing, upscaling."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core.scorers.measures.letterbox import WHOLE, Box

_BLOCK = 8  # pixels: the grid of JPEG, MPEG-2 and MPEG-4, and of H.264's coarse transform
_LARGEST_STEP = 16.0  # levels: larger steps are edges of the picture, not of blocks
_FLAT = 0.05  # levels: smaller mean steps are rounding
_COMB = 225  # levels²: a line 15 levels off both its neighbors, on the same side
_CENTER = 512  # pixels: side of the part that is measured
_REFERENCE_BAND = (0.03, 0.0625)  # cycles per pixel: detail that even a picture enlarged eightfold can have
_FINEST = 0.5  # cycles per pixel: the Nyquist frequency
_BANDS = 32
_GONE = 10.0**-2.8  # of the reference band's power: clean phone clips fall below it beyond 0.4 cycles per pixel
_MIN_SIDE = 64


def blocking(luma: NDArray[np.uint8]) -> float | None:
    """How much larger steps are across the 8 × 8 grid than inside its cells, in a picture (H, W) at native size.

    1 where there is no grid: mean absolute step, cut at 16 levels, across the grid's lines over the mean inside the
    cells (without the steps next to a line), averaged over both directions. At least 0; None for a picture under
    64 × 64 or without any step.

    Source: Z. Wang, A. Bovik, B. Evans, "Blind measurement of blocking artifacts in images", ICIP 2000, in the pixel
    domain as in Z. Wang, H. Sheikh, A. Bovik, "No-reference perceptual quality assessment of JPEG compressed images",
    ICIP 2002, whose blockiness and activity are the two means here.
    """
    if min(luma.shape) < _MIN_SIDE:
        return None
    ratios = []
    for picture in (luma, luma.T):
        steps = np.minimum(np.abs(np.diff(picture.astype(np.int16), axis=1)), _LARGEST_STEP)
        columns = steps.mean(axis=0, dtype=np.float64)
        cell = columns[: len(columns) // _BLOCK * _BLOCK].reshape(-1, _BLOCK).mean(axis=0)  # (8,): by place in a cell
        inside = float(cell[[0, 1, 2, 4, 5]].mean())
        if inside >= _FLAT:
            ratios.append(float(cell[_BLOCK - 1]) / inside)
    return float(np.mean(ratios)) if ratios else None


def combing(luma: NDArray[np.uint8]) -> float:
    """Share −1…1 of pixels that stand out from the lines above and below, less twice those that do so sideways.

    Two interlaced fields leave comb teeth where something moved, and only horizontal ones; texture and noise stand out
    in both directions. A pixel stands out where (a − b)(a − c) > 225 with b, c its neighbors on both sides (the usual
    comb test of deinterlacers). 0 for a picture under 64 × 64.
    """
    if min(luma.shape) < _MIN_SIDE:
        return 0.0
    return _standing_out(luma) - 2.0 * _standing_out(luma.T)


def detail_share(luma: NDArray[np.uint8]) -> float | None:
    """Size, as a share 0–1 of the picture's sides, of the smallest picture that would hold the same detail.

    The frequency beyond which the power spectrum stays 2.8 decades under that of coarse detail, over the Nyquist
    frequency. An enlarged picture has no more than its source; one out of focus looks the same. Noise counts as detail.
    None for a picture under 64 × 64 or without coarse detail.
    """
    height, width = luma.shape
    if min(height, width) < _MIN_SIDE:
        return None
    patch = luma.astype(np.float32)
    window = np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)
    power = np.abs(np.fft.rfft2((patch - patch.mean()) * window)) ** 2
    frequency = np.maximum(np.abs(np.fft.fftfreq(height))[:, None], np.fft.rfftfreq(width)[None, :])
    coarse = (frequency >= _REFERENCE_BAND[0]) & (frequency < _REFERENCE_BAND[1])
    reference = float(power[coarse].mean())
    if reference < 1.0:
        return None
    band = np.minimum((frequency / _FINEST * _BANDS).astype(np.intp), _BANDS - 1).ravel()
    mean = np.bincount(band, power.ravel(), _BANDS) / np.maximum(np.bincount(band, minlength=_BANDS), 1)
    holding = np.flatnonzero(mean >= _GONE * reference)
    return float((holding[-1] + 1) / _BANDS) if len(holding) else None


def center_luma(rgb: NDArray[np.uint8], box: Box = WHOLE) -> NDArray[np.uint8]:
    """The luma of the center of a frame (H, W, 3) within `box`, at most 512 × 512, unscaled, on the 8 × 8 grid."""
    top, bottom = _center(box.top, box.bottom, rgb.shape[0])
    left, right = _center(box.left, box.right, rgb.shape[1])
    return np.asarray(cv2.cvtColor(rgb[top:bottom, left:right], cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _center(low: float, high: float, length: int) -> tuple[int, int]:
    start, stop = int(np.ceil(low * length)), int(high * length)
    start = max(start, (start + stop - _CENTER) // 2)
    start = -(-start // _BLOCK) * _BLOCK
    return (start, min(stop, start + _CENTER)) if start < stop else (0, length)


def _standing_out(luma: NDArray[np.uint8]) -> float:
    lines = luma.astype(np.int32)
    before, after = lines[1:-1] - lines[:-2], lines[1:-1] - lines[2:]
    return float(np.mean(before * after > _COMB))
