"""Where text is in a picture: PP-OCRv4's mobile detector (PaddleOCR, Apache-2.0), differentiable binarisation.

Liao et al., Real-time Scene Text Detection with Differentiable Binarization, AAAI 2020, arXiv:1911.08947; the network
and the numbers of its boxes are PaddleOCR's. It is run by OpenCV, which reads ONNX as data: no code comes with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core.errors import WeightsError

LONGEST_SIDE = 640  # pixels the network sees: text of 3 % of the height is 19 of them upright, 11 in a wide picture
_STEP = 32  # the network halves the picture five times
_TEXT_FROM = 0.3  # PaddleOCR's threshold of the probability map
_BOX_FROM = 0.6  # PaddleOCR's threshold of a box's mean probability
_GROW = 1.6  # the map is of shrunken text: a box grows by area · 1.6 / perimeter (RapidOCR's setting)
_SMALLEST = 3.0  # pixels of the shrunken box's short side: less is a speck (PaddleOCR)
_MOST = 200  # boxes a picture: more is a page, not a reel
_MEAN = np.array((0.485, 0.456, 0.406), np.float32)
_SPREAD = np.array((0.229, 0.224, 0.225), np.float32)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """A line of text: `corners` float32 (4, 2) in pixels, clockwise from the upper left; `probability` 0–1."""

    corners: NDArray[np.float32]
    probability: float

    @property
    def long_side(self) -> float:
        """Pixels along the line, or across it where it stands upright."""
        return float(max(self._sides()))

    @property
    def short_side(self) -> float:
        """Pixels across the line: its height, for text that lies."""
        return float(min(self._sides()))

    def _sides(self) -> tuple[float, float]:
        first, second, third, _ = self.corners
        return float(np.linalg.norm(second - first)), float(np.linalg.norm(third - second))


class TextDetector:
    """Finds lines of text. Safe to share between threads: OpenCV's network is not, so one looks at a time."""

    def __init__(self, path: Path) -> None:
        """Read the network. Raises WeightsError where OpenCV can't."""
        self._network = read_network(path)
        self._lock = Lock()

    def find(self, rgb: NDArray[np.uint8]) -> list[Region]:
        """The lines of text in a picture (H, W, 3), from top to bottom, in its own pixels."""
        height, width = rgb.shape[:2]
        scale = min(1.0, LONGEST_SIDE / max(height, width))
        size = tuple(max(_STEP, round(side * scale / _STEP) * _STEP) for side in (width, height))
        small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        planes = ((small[:, :, ::-1].astype(np.float32) / 255.0 - _MEAN) / _SPREAD).transpose(2, 0, 1)
        with self._lock:
            self._network.setInput(np.ascontiguousarray(planes)[None])
            probability = np.asarray(self._network.forward(), np.float32)[0, 0]
        found = regions(probability)
        back = np.array((width / size[0], height / size[1]), np.float32)
        edge = np.array((width, height), np.float32)
        moved = [
            Region(corners=np.clip(item.corners * back, 0, edge).astype(np.float32), probability=item.probability)
            for item in found
        ]
        return sorted(moved, key=lambda item: (float(item.corners[:, 1].min()), float(item.corners[:, 0].min())))


def read_network(path: Path) -> cv2.dnn.Net:
    """An ONNX file as OpenCV's network, from its bytes, so that it can't name another file. Raises WeightsError."""
    try:
        return cv2.dnn.readNetFromONNX(np.fromfile(path, np.uint8), cv2.dnn.ENGINE_NEW)
    except cv2.error as error:
        raise WeightsError(f"{path.name} can't be read as a network in ONNX.") from error


def regions(probability: NDArray[np.float32]) -> list[Region]:
    """Boxes of a probability map (h, w), in its pixels: what is over the threshold, each piece's smallest rectangle."""
    mask = (probability > _TEXT_FROM).astype(np.uint8)
    outlines, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for outline in sorted(outlines, key=len, reverse=True)[:_MOST]:
        centre, (width, height), angle = cv2.minAreaRect(outline)
        width, height = width + 1.0, height + 1.0  # an outline runs through the middles of its pixels
        if min(width, height) < _SMALLEST:
            continue
        mean = _mean_inside(probability, np.asarray(cv2.boxPoints((centre, (width, height), angle)), np.float32))
        if mean < _BOX_FROM:
            continue
        grown = 2.0 * width * height * _GROW / (2.0 * (width + height))
        middle = (centre[0] + 0.5, centre[1] + 0.5)
        corners = cv2.boxPoints((middle, (width + grown, height + grown), angle))
        found.append(Region(corners=_clockwise(np.asarray(corners, np.float32)), probability=mean))
    return found


def _mean_inside(probability: NDArray[np.float32], corners: NDArray[np.float32]) -> float:
    left, top = np.clip(np.floor(corners.min(0)).astype(int), 0, None)
    right, bottom = np.minimum(np.ceil(corners.max(0)).astype(int) + 1, probability.shape[::-1])
    inside = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillPoly(inside, [np.round(corners - (left, top)).astype(np.int32)], 1)
    return float(cv2.mean(probability[top:bottom, left:right], inside)[0])


def _clockwise(corners: NDArray[np.float32]) -> NDArray[np.float32]:
    """From the upper left on: the one of the smallest x + y, then as OpenCV gives them, which is clockwise."""
    return np.roll(corners, -int(corners.sum(1).argmin()), axis=0)
