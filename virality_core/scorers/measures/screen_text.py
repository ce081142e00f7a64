"""What is said of a line of text in a picture: its contrast, what a platform covers of it, whether it is another's."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core import weights
from virality_core.types import Platform
from virality_core.weights.tables import naming, read_table

Box = tuple[float, float, float, float]  # left, top, right, bottom as shares 0–1 of the picture

UPRIGHT = 9.0 / 16.0  # the shape of a picture that the safe zones are stated for
_SHAPE_OFF = 0.05  # of it: a little off is shown the same way
_COVERED_FROM = 0.25  # of a box's area: a letter or two under a button; this project's choice
_SAME_TEXT = 0.8  # difflib's ratio: a letter of five read otherwise is still the same line


def contrast(cut: NDArray[np.uint8]) -> float:
    """Contrast ratio 1–21 between the lighter and the darker half of a line of text (h, w, 3), told apart by Otsu.

    (L₁ + 0.05) / (L₂ + 0.05) of the relative luminances' medians, as in WCAG 2.2; 4.5 is asked of small text there, 3
    of large. A coloured ground can make a line of text more legible than its luminance tells.
    """
    grey = cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY)
    _, light = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    coded = cut.astype(np.float64) / 255.0
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array((0.2126, 0.7152, 0.0722))
    if light.all() or not light.any():
        return 1.0
    high, low = float(np.median(luminance[light == 1])), float(np.median(luminance[light == 0]))
    return max(1.0, (max(high, low) + 0.05) / (min(high, low) + 0.05))


def has_zones(width: int, height: int) -> bool:
    """Whether a picture has the shape that the safe zones are stated for."""
    return abs(width / height / UPRIGHT - 1.0) <= _SHAPE_OFF


def covered_by(box: Box) -> tuple[Platform, ...]:
    """The platforms whose buttons and captions cover a quarter of the box or more; see weights/safe_zones.toml."""
    return tuple(platform for platform in get_args(Platform) if _outside(box, zones()[platform]) >= _COVERED_FROM)


def zones() -> Mapping[str, Mapping[str, Any]]:
    """The table of safe zones: for each platform `top`, `bottom`, `left`, `right` as shares, name, source, date."""
    return _read(weights.folder() / "safe_zones.toml")


def same_text(first: str, second: str) -> bool:
    """Whether two readings are of one line."""
    return SequenceMatcher(None, _letters(first), _letters(second)).ratio() >= _SAME_TEXT


def characters(text: str) -> int:
    """How many characters there are to read, spaces left out."""
    return sum(not character.isspace() for character in text)


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _outside(box: Box, zone: Mapping[str, Any]) -> float:
    """The share of a box that lies outside what the platform leaves free."""
    left, top, right, bottom = box
    across = min(right, 1.0 - float(zone["right"])) - max(left, float(zone["left"]))
    down = min(bottom, 1.0 - float(zone["bottom"])) - max(top, float(zone["top"]))
    area = (right - left) * (bottom - top)
    return 1.0 - max(0.0, across) * max(0.0, down) / area if area > 0 else 0.0


@lru_cache
def _read(path: Path) -> Mapping[str, Mapping[str, Any]]:
    table = read_table(path)
    with naming(path):
        for platform in get_args(Platform):
            zone = table[platform]
            str(zone["name"]), str(zone["source"]), str(zone["date"])
            for side in ("top", "bottom", "left", "right"):
                if not 0.0 <= float(zone[side]) < 0.5:
                    raise ValueError(side)
    return table
