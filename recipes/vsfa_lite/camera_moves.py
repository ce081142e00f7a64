"""Clean clips: a virtual camera that moves over a picture, as a hand would move it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from recipes.vsfa_lite.ffmpeg import Clip
from virality_core.media.image import read_image

#: Width and height in pixels of a clean clip: the first that the picture has room for.
SIZES = ((360, 640), (640, 360), (480, 360))
FRAMES = 8
SHARP = 12.0  # a clean clip's `detail` at least
_PLACES = 6  # drawn, of which the most detailed is filmed where the `sharpest` is asked for
_ROOM = 1.05  # of the picture, at least, over the window
_BLOCK = 16  # pixels


def film(path: Path, seed: int, *, sharpest: bool = True, shrunk: float = 1.0) -> Clip:
    """A clip uint8 (`FRAMES`, H, W, 3) of a drawn, slow pan, zoom and turn over a picture, of one of `SIZES`.

    It is of the `sharpest` of the places drawn, or of the first. The picture is `shrunk` so many times before,
    or as far as it has room for, and scaled down, never up: an enlarged one would be no clean material.

    Raises:
        InputError: the file is no picture.
    """
    chance = np.random.default_rng(seed)
    picture = read_image(path)
    room = max(min(picture.shape[1] / width, picture.shape[0] / height) for width, height in SIZES)
    picture = _shrunk(picture, min(shrunk, room / _ROOM))
    fits = [size for size in SIZES if min(picture.shape[1] / size[0], picture.shape[0] / size[1]) >= _ROOM]
    width, height = (fits or SIZES)[0]
    fit = 1.12 * max(width / picture.shape[1], height / picture.shape[0])  # the window is 0.45 to 0.9 of the picture
    shrink = min(1.0, fit * chance.uniform(1.0, 2.0))
    picture = _shrunk(picture, 1.0 / shrink)
    reach = np.array([picture.shape[1] - width, picture.shape[0] - height])
    places = chance.uniform(0.1, 0.9, (_PLACES, 2)) * reach
    begin = places[0]
    if sharpest:
        begin = max(places, key=lambda at: detail(picture[int(at[1]) :, int(at[0]) :][:height, :width]))
    end = np.clip(begin + chance.normal(0.0, 0.05, 2) * [width, height], 0, reach)
    scale = np.linspace(1.0, chance.uniform(0.94, 1.0), FRAMES)
    turn = np.linspace(0.0, chance.normal(0.0, 0.01), FRAMES)
    frames = []
    for corner, size, angle in zip(np.linspace(begin, end, FRAMES), scale, turn, strict=True):
        cos, sin = size * np.cos(angle), size * np.sin(angle)
        matrix = np.array([[cos, -sin, corner[0]], [sin, cos, corner[1]]])
        flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
        frames.append(cv2.warpAffine(picture, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT))
    return np.stack(frames).astype(np.uint8)


def _shrunk(picture: NDArray[np.uint8], times: float) -> NDArray[np.uint8]:
    if times <= 1.0:
        return picture
    small = cv2.resize(picture, None, fx=1.0 / times, fy=1.0 / times, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def detail(rgb: NDArray[np.uint8]) -> float:
    """How sharp a frame uint8 (H, W, 3) is where it is sharp: the spread of its Laplacian, in levels, that a tenth of
    its blocks of 16 × 16 pixels go beyond."""
    edges = cv2.Laplacian(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.CV_32F)
    rows, columns = (side // _BLOCK for side in edges.shape)
    blocks = edges[: rows * _BLOCK, : columns * _BLOCK].reshape(rows, _BLOCK, columns, _BLOCK)
    return float(np.quantile(blocks.std(axis=(1, 3)), 0.9))
