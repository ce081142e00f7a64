"""Exposure, contrast and colour of one picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

#: Colourfulness of the most colourful picture there can be: both opponent axes at ±255, see `colourfulness`.
MAX_COLOURFULNESS = 255.0 * float(np.sqrt(2.0 * (1.0 + 0.3**2)))
MAX_CONTRAST = 50.0  # half the pixels black, half white

_SHADOW = 5  # 8-bit level at or below which all three channels are crushed to black
_HIGHLIGHT = 250  # 8-bit level at or above which all three channels are burnt to white


def lightness(rgb: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean (0–100) and standard deviation (0–50) of CIE 1976 lightness L* over an sRGB picture (H, W, 3).

    Both to ±0.2: the conversion is 8-bit. The mean tells the exposure: a grey card of 18 % reflectance is at 49.5. The
    deviation is the root-mean-square contrast, here of lightness, which the eye takes in even steps.

    Source: CIE 15 (L*); E. Peli, "Contrast in complex images", J. Opt. Soc. Am. A 7(10), 1990 (RMS contrast).
    """
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab)
    mean, deviation = cv2.meanStdDev(cv2.extractChannel(lab, 0))
    to_lightness = 100.0 / 255.0
    return float(mean[0, 0]) * to_lightness, float(deviation[0, 0]) * to_lightness


def clipped_shares(rgb: NDArray[np.uint8]) -> tuple[float, float]:
    """Shares 0–1 of pixels without detail in a picture (H, W, 3): crushed to black, burnt to white (all channels)."""
    red, green, blue = cv2.split(rgb)
    brightest = cv2.max(cv2.max(red, green), blue)
    darkest = cv2.min(cv2.min(red, green), blue)
    return float(np.mean(brightest <= _SHADOW)), float(np.mean(darkest >= _HIGHLIGHT))


def colourfulness(rgb: NDArray[np.uint8]) -> float:
    """Hasler & Süsstrunk's M̂(3) of an sRGB picture (H, W, 3): 0 for grey, about 33 "moderate", 109 "extremely".

    M = √(σ_rg² + σ_yb²) + 0.3 √(μ_rg² + μ_yb²), rg = R − G, yb = (R + G) / 2 − B.

    Source: D. Hasler, S. Süsstrunk, "Measuring colourfulness in natural images", Human Vision and Electronic Imaging
    VIII, Proc. SPIE 5007, 2003.
    """
    red, green, blue = cv2.split(rgb)
    red_green = cv2.subtract(red, green, dtype=cv2.CV_16S)
    twice_yellow_blue = cv2.subtract(
        cv2.add(red, green, dtype=cv2.CV_16S), cv2.add(blue, blue, dtype=cv2.CV_16S), dtype=cv2.CV_16S
    )
    (mean_rg, std_rg), (mean_yb, std_yb) = _moments(red_green), _moments(twice_yellow_blue)
    return float(np.hypot(std_rg, std_yb / 2.0) + 0.3 * np.hypot(mean_rg, mean_yb / 2.0))


def _moments(plane: cv2.typing.MatLike) -> tuple[float, float]:
    mean, deviation = cv2.meanStdDev(plane)
    return float(mean[0, 0]), float(deviation[0, 0])
