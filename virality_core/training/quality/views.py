"""Clean clips: a virtual camera that moves over a picture, as a hand would move it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from virality_core.media.image import read_image
from virality_core.training.quality.ffmpeg import Clip

WIDTH, HEIGHT = 360, 640  # pixels of a clean clip
FRAMES = 8


def film(path: Path, seed: int) -> Clip:
    """A clip uint8 (`FRAMES`, `HEIGHT`, `WIDTH`, 3) of a drawn, slow pan, zoom and turn over a picture.

    The picture is scaled down, never up: an enlarged one would be no clean material.

    Raises:
        InputError: the file is no picture.
    """
    chance = np.random.default_rng(seed)
    picture = read_image(path)
    fit = 1.45 * max(WIDTH / picture.shape[1], HEIGHT / picture.shape[0])  # the window is 0.45 to 0.7 of the picture
    shrink = min(1.0, fit * chance.uniform(1.0, 1.5))
    if shrink < 1.0:
        picture = np.asarray(cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)
    height, width = picture.shape[:2]
    scale = np.linspace(1.0, chance.uniform(0.94, 1.0), FRAMES)
    turn = np.linspace(0.0, chance.normal(0.0, 0.01), FRAMES)
    reach = np.array([width - WIDTH, height - HEIGHT])
    begin = chance.uniform(0.1, 0.9, 2) * reach
    end = np.clip(begin + chance.normal(0.0, 0.05, 2) * [WIDTH, HEIGHT], 0, reach)
    frames = []
    for corner, size, angle in zip(np.linspace(begin, end, FRAMES), scale, turn, strict=True):
        cos, sin = size * np.cos(angle), size * np.sin(angle)
        matrix = np.array([[cos, -sin, corner[0]], [sin, cos, corner[1]]])
        flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
        frames.append(cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), flags=flags, borderMode=cv2.BORDER_REFLECT))
    return np.stack(frames).astype(np.uint8)
