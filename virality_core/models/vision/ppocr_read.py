"""What a line of text says: PP-OCRv4's mobile reader (PaddleOCR, Apache-2.0). It knows Chinese and Latin letters.

Its answer is one character or a blank for each 8 pixels, from which repeats and blanks are dropped (CTC, Graves et al.,
ICML 2006).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core.errors import WeightsError
from virality_core.models.vision.ppocr_detect import Region, read_network

_HEIGHT = 48  # pixels of a line, as it was trained
_STEP = 64  # widths are filled up to a multiple with grey, so that the network is laid out for few sizes
_WIDEST = 1280  # pixels: about 60 letters; a longer line is squeezed
_UPRIGHT_FROM = 1.5  # PaddleOCR: a crop this much higher than wide is turned


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`text` as read and the mean probability 0–1 of its characters; empty and 0 where nothing was read."""

    text: str
    confidence: float


class TextReader:
    """Reads one line at a time. Safe to share between threads."""

    def __init__(self, network: Path, characters: Path) -> None:
        """Read the network and the characters it knows, one a line. Raises WeightsError where they don't fit."""
        self._network = read_network(network)
        self._lock = Lock()
        known = characters.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        self._characters = ["", *known, " "]  # class 0 is the blank of CTC, the last the space

    def read(self, rgb: NDArray[np.uint8], region: Region) -> Reading:
        """What stands in the region of a picture (H, W, 3)."""
        line = cut_out(rgb, region)
        width = int(np.clip(round(line.shape[1] * _HEIGHT / line.shape[0]), 8, _WIDEST))
        shrinks = line.shape[0] > _HEIGHT
        scaled = cv2.resize(line, (width, _HEIGHT), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        planes = np.zeros((1, 3, _HEIGHT, -(-width // _STEP) * _STEP), np.float32)
        planes[0, :, :, :width] = (scaled[:, :, ::-1].astype(np.float32) / 127.5 - 1.0).transpose(2, 0, 1)
        with self._lock:
            self._network.setInput(planes)
            answer = np.asarray(self._network.forward(), np.float32)[0]  # (width / 8, classes)
        if answer.shape[1] != len(self._characters):
            raise WeightsError(f"The reader tells {answer.shape[1]} characters, its list has {len(self._characters)}.")
        return self._decode(answer)

    def _decode(self, answer: NDArray[np.float32]) -> Reading:
        best = answer.argmax(1)
        kept = (best != 0) & (best != np.concatenate(([0], best[:-1])))
        text = "".join(self._characters[place] for place in best[kept]).strip()
        return Reading(text=text, confidence=float(answer.max(1)[kept].mean()) if text else 0.0)


def cut_out(rgb: NDArray[np.uint8], region: Region) -> NDArray[np.uint8]:
    """The region alone, turned so that its line lies (h, w, 3)."""
    first, second, third, _ = region.corners
    width = max(1, round(float(np.linalg.norm(second - first))))
    height = max(1, round(float(np.linalg.norm(third - second))))
    straight = np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float32)
    how = cv2.getPerspectiveTransform(np.ascontiguousarray(region.corners, np.float32), straight)
    cut = cv2.warpPerspective(rgb, how, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(np.rot90(cut) if height >= _UPRIGHT_FROM * width else cut, np.uint8)
