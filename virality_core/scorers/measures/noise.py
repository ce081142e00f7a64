"""Grain: the standard deviation of pixel noise, where the picture itself is smooth."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_NOISE = 127.5  # the largest standard deviation 8-bit values can have

# Ignores constants, ramps and straight edges along an axis: what is left is mostly noise. The squares of its
# coefficients add up to 36, hence the 6 below; √(π/2) turns a mean absolute value into a standard deviation.
_LAPLACIAN_DIFFERENCE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
_TO_SIGMA = float(np.sqrt(np.pi / 2.0)) / 6.0

_CROP = 96  # pixels: side of a crop at native size
_CROPS = 3  # crops along each side of the frame
_BLOCK = 16  # pixels: side of the blocks among which the smoothest are chosen
_SMOOTHEST_SHARE = 0.3  # of the blocks are used
_DARK, _BRIGHT = 8.0, 247.0  # mean luma beyond which clipping hides noise


def noise_sigma(rgb: NDArray[np.uint8]) -> float | None:
    """Standard deviation of noise in luma levels (0–127.5) of an sRGB picture (H, W, 3) at native size.

    Immerkær's estimator on the smoothest blocks of a 3 × 3 grid of native crops, chosen by the spread of their 4 × 4
    means, which noise hardly moves. Clipped blocks are left out: clipping removes noise. None where no block can be
    measured: a picture under 16 × 16, or all black or white.

    Source: J. Immerkær, "Fast noise variance estimation", Computer Vision and Image Understanding 64(2), 1996; limiting
    it to smooth blocks is common practice (otherwise edges count as noise).
    """
    if min(rgb.shape[:2]) < _BLOCK:
        return None
    crops = np.vstack([np.hstack([rgb[y, x] for x in _crops(rgb.shape[1])]) for y in _crops(rgb.shape[0])])
    luma = np.asarray(cv2.cvtColor(np.ascontiguousarray(crops), cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    residual = np.abs(np.asarray(cv2.filter2D(luma, cv2.CV_16S, _LAPLACIAN_DIFFERENCE)))
    coarse = np.asarray(cv2.resize(luma, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA))
    # Without a block's outer pixels, where the filter has seen the next block, maybe of another crop.
    sigma = _blocks(residual, _BLOCK)[:, 1:-1, :, 1:-1].mean(axis=(1, 3)).ravel() * _TO_SIGMA
    level = _blocks(coarse, _BLOCK // 4).mean(axis=(1, 3)).ravel()
    structure = _blocks(coarse, _BLOCK // 4).std(axis=(1, 3)).ravel()
    usable = (level > _DARK) & (level < _BRIGHT)
    sigma, structure = sigma[usable], structure[usable]
    if len(sigma) == 0:
        return None
    count = max(1, round(len(sigma) * _SMOOTHEST_SHARE))
    smoothest = np.argsort(structure, kind="stable")[:count]
    return min(float(np.median(sigma[smoothest])), MAX_NOISE)


def _crops(length: int) -> list[slice]:
    """Slices of whole blocks: `_CROPS` crops evenly spread over the side, or all of a short one."""
    if length < _CROPS * _CROP:
        return [slice(0, length // _BLOCK * _BLOCK)]
    gap = length / _CROPS
    starts = [int(gap * i + (gap - _CROP) / 2) for i in range(_CROPS)]
    return [slice(start, start + _CROP) for start in starts]


def _blocks(image: NDArray[Any], side: int) -> NDArray[Any]:
    """An image (H, W) of whole blocks as (rows, side, columns, side)."""
    return image.reshape(image.shape[0] // side, side, image.shape[1] // side, side)
