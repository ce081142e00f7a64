"""The colour of the light in one picture, and how far it is from white."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Degrees between white and light of one pure colour.
MAX_CAST = float(np.degrees(np.arccos(1.0 / np.sqrt(3.0))))

_NORM = 6.0  # the Minkowski norm that did best in the source
_LINEAR = (np.arange(256) / 255.0) ** 2.2  # sRGB taken as a power of 2.2
_BLACK = _LINEAR[16]  # light that only the brightest specks of noise reach


def light_colour(rgb: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """The light's linear red, green and blue (3,), 0–1, by shades of grey; None for a black picture (H, W, 3).

    Taken from what is bright: its colours together are near white in most scenes, so what they share is the light's.

    Source: G. Finlayson, E. Trezzi, "Shades of grey and colour constancy", Color Imaging Conference, 2004.
    """
    levels = _LINEAR**_NORM
    counts = [np.bincount(rgb[:, :, channel].ravel(), minlength=256) for channel in range(3)]
    light = np.array([(count @ levels / count.sum()) ** (1.0 / _NORM) for count in counts])
    return light if light.max() > _BLACK else None


def cast_of(light: NDArray[np.float64]) -> float:
    """Degrees between a light (3,) and white, 0 to `MAX_CAST`: the angular error that colour constancy is judged by."""
    cosine = light.sum() / (np.sqrt(3.0) * np.linalg.norm(light))
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
