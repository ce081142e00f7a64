"""PP-OCRv4's mobile networks (PaddleOCR, Apache-2.0): where text is in a picture, and what it says.

The detector is Liao et al., Real-time Scene Text Detection with Differentiable Binarization, AAAI 2020,
arXiv:1911.08947; network and box thresholds are PaddleOCR's. The reader knows Chinese and Latin letters: one character
or blank per 8 pixels, from which repeats and blanks are dropped (CTC, Graves et al., ICML 2006). OpenCV runs both; it
reads ONNX as data, so no code comes with the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core.errors import WeightsError

LONGEST_SIDE = 640  # pixels the detector sees: text 3 % of the height is 19 of them upright, 11 in a wide picture
_DETECTOR_STEP = 32  # the detector halves the picture five times
_MIN_PIXEL_PROBABILITY = 0.3  # PaddleOCR's
_MIN_BOX_PROBABILITY = 0.6  # PaddleOCR's, for a box's mean
_GROW = 1.6  # the map shows shrunken text: a box grows by area · 1.6 / perimeter (RapidOCR's setting)
_MIN_SHORT_SIDE = 3.0  # pixels of the shrunken box: smaller is a speck (PaddleOCR)
_MAX_BOXES = 200  # per picture: more is a page, not a reel
_MEAN = np.array((0.485, 0.456, 0.406), np.float32)
_DEVIATION = np.array((0.229, 0.224, 0.225), np.float32)

_LINE_HEIGHT = 48  # pixels, as the reader was trained
_LINE_STEP = 64  # lines are filled up with gray to a multiple of this width, so that few sizes are laid out
_MAX_LINE_WIDTH = 1280  # pixels, about 60 letters; a longer line is squeezed
_UPRIGHT_ASPECT = 1.5  # PaddleOCR: a crop this much taller than wide is turned


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """A line of text: `corners` float32 (4, 2) in pixels, clockwise from the upper left; `probability` 0–1."""

    corners: NDArray[np.float32]
    probability: float

    @property
    def long_side(self) -> float:
        """Pixels along the line, or across it if it is upright."""
        return max(self._sides())

    @property
    def short_side(self) -> float:
        """Pixels across the line: its height, for horizontal text."""
        return min(self._sides())

    def _sides(self) -> tuple[float, float]:
        first, second, third, _ = self.corners
        return float(np.linalg.norm(second - first)), float(np.linalg.norm(third - second))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`text` as read, and the mean probability 0–1 of its characters; empty and 0 if nothing was read."""

    text: str
    confidence: float


class _Network:
    """An ONNX file run by OpenCV, whose networks threads can't share: one runs at a time."""

    def __init__(self, path: Path) -> None:
        """Read from bytes, so that the file can't refer to another one. Raises WeightsError."""
        try:
            self._network = cv2.dnn.readNetFromONNX(np.fromfile(path, np.uint8), cv2.dnn.ENGINE_NEW)
        except cv2.error as error:
            raise WeightsError(f"{path.name} can't be read as a network in ONNX.") from error
        self._lock = Lock()

    def __call__(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        """(1, 3, H, W) → the network's output."""
        with self._lock:
            self._network.setInput(planes)
            return np.asarray(self._network.forward(), np.float32)


class TextDetector:
    """Finds lines of text. Threads can share it."""

    def __init__(self, path: Path) -> None:
        """Read the network. Raises WeightsError if OpenCV can't."""
        self._network = _Network(path)

    def find(self, rgb: NDArray[np.uint8]) -> list[Region]:
        """The lines of text in a picture (H, W, 3), from top to bottom, in the picture's pixels."""
        height, width = rgb.shape[:2]
        scale = min(1.0, LONGEST_SIDE / max(height, width))
        step = _DETECTOR_STEP
        size = tuple(max(step, round(side * scale / step) * step) for side in (width, height))
        small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        planes = ((small[:, :, ::-1].astype(np.float32) / 255.0 - _MEAN) / _DEVIATION).transpose(2, 0, 1)
        probability = self._network(np.ascontiguousarray(planes)[None])[0, 0]
        back = np.array((width / size[0], height / size[1]), np.float32)
        edge = np.array((width, height), np.float32)
        found = [
            Region(corners=np.clip(item.corners * back, 0, edge).astype(np.float32), probability=item.probability)
            for item in _regions(probability)
        ]
        return sorted(found, key=lambda item: (float(item.corners[:, 1].min()), float(item.corners[:, 0].min())))


class TextReader:
    """Reads one line at a time. Threads can share it."""

    def __init__(self, network: Path, characters: Path) -> None:
        """Read the network and its characters, one per line of the file. Raises WeightsError if they don't fit."""
        self._network = _Network(network)
        known = characters.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        self._characters = ["", *known, " "]  # class 0 is the blank of CTC, the last the space

    def read(self, rgb: NDArray[np.uint8], region: Region) -> Reading:
        """The text in a region of a picture (H, W, 3)."""
        line = cut_out(rgb, region)
        width = int(np.clip(round(line.shape[1] * _LINE_HEIGHT / line.shape[0]), 8, _MAX_LINE_WIDTH))
        interpolation = cv2.INTER_AREA if line.shape[0] > _LINE_HEIGHT else cv2.INTER_LINEAR
        scaled = cv2.resize(line, (width, _LINE_HEIGHT), interpolation=interpolation)
        planes = np.zeros((1, 3, _LINE_HEIGHT, -(-width // _LINE_STEP) * _LINE_STEP), np.float32)
        planes[0, :, :, :width] = (scaled[:, :, ::-1].astype(np.float32) / 127.5 - 1.0).transpose(2, 0, 1)
        output = self._network(planes)[0]  # (width / 8, classes)
        if output.shape[1] != len(self._characters):
            raise WeightsError(f"The reader has {output.shape[1]} characters, its list {len(self._characters)}.")
        best = output.argmax(1)
        kept = (best != 0) & (best != np.concatenate(([0], best[:-1])))
        text = "".join(self._characters[index] for index in best[kept]).strip()
        return Reading(text=text, confidence=float(output.max(1)[kept].mean()) if text else 0.0)


def cut_out(rgb: NDArray[np.uint8], region: Region) -> NDArray[np.uint8]:
    """The region alone, turned so that its line is horizontal (h, w, 3)."""
    first, second, third, _ = region.corners
    width = max(1, round(float(np.linalg.norm(second - first))))
    height = max(1, round(float(np.linalg.norm(third - second))))
    straight = np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float32)
    transform = cv2.getPerspectiveTransform(np.ascontiguousarray(region.corners, np.float32), straight)
    cut = cv2.warpPerspective(rgb, transform, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(np.rot90(cut) if height >= _UPRIGHT_ASPECT * width else cut, np.uint8)


def _regions(probability: NDArray[np.float32]) -> list[Region]:
    """Boxes of a probability map (h, w), in its pixels: the smallest rectangle around each connected piece."""
    mask = (probability > _MIN_PIXEL_PROBABILITY).astype(np.uint8)
    outlines, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for outline in sorted(outlines, key=len, reverse=True)[:_MAX_BOXES]:
        center, (width, height), angle = cv2.minAreaRect(outline)
        width, height = width + 1.0, height + 1.0  # an outline runs through the centers of its pixels
        if min(width, height) < _MIN_SHORT_SIDE:
            continue
        mean = _mean_inside(probability, np.asarray(cv2.boxPoints((center, (width, height), angle)), np.float32))
        if mean < _MIN_BOX_PROBABILITY:
            continue
        grow = 2.0 * width * height * _GROW / (2.0 * (width + height))
        middle = (center[0] + 0.5, center[1] + 0.5)
        corners = np.asarray(cv2.boxPoints((middle, (width + grow, height + grow), angle)), np.float32)
        # Clockwise, as OpenCV gives them, from the corner with the smallest x + y.
        found.append(Region(corners=np.roll(corners, -int(corners.sum(1).argmin()), axis=0), probability=mean))
    return found


def _mean_inside(probability: NDArray[np.float32], corners: NDArray[np.float32]) -> float:
    left, top = np.clip(np.floor(corners.min(0)).astype(int), 0, None)
    right, bottom = np.minimum(np.ceil(corners.max(0)).astype(int) + 1, probability.shape[::-1])
    inside = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillPoly(inside, [np.round(corners - (left, top)).astype(np.int32)], 1)
    return float(cv2.mean(probability[top:bottom, left:right], inside)[0])
