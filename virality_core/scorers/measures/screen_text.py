"""What is said of a line of text in a picture: its contrast, and whether another reading is of the same line."""

from __future__ import annotations

from difflib import SequenceMatcher

import cv2
import numpy as np
from numpy.typing import NDArray

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


def same_text(first: str, second: str) -> bool:
    """Whether two readings are of one line."""
    return SequenceMatcher(None, _letters(first), _letters(second)).ratio() >= _SAME_TEXT


def characters(text: str) -> int:
    """How many characters there are to read, spaces left out."""
    return sum(not character.isspace() for character in text)


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
