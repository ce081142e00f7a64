"""Exposure, contrast, color and white balance of one picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

#: Colorfulness of the most colorful picture possible: both opponent axes at ±255, see `colorfulness`.
MAX_COLORFULNESS = 255.0 * float(np.sqrt(2.0 * (1.0 + 0.3**2)))
MAX_CONTRAST = 50.0  # half the pixels black, half white
#: Degrees between white and light of one pure color.
MAX_CAST = float(np.degrees(np.arccos(1.0 / np.sqrt(3.0))))

_SHADOW = 5  # 8-bit level at or below which all three channels are crushed to black
_HIGHLIGHT = 250  # 8-bit level at or above which all three channels are blown out to white

_MINKOWSKI_NORM = 6.0  # the one that did best in the source
_LINEAR = (np.arange(256) / 255.0) ** 2.2  # sRGB as a power of 2.2
_BLACK = _LINEAR[16]  # only the brightest specks of noise reach this


def lightness(rgb: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean (0–100) and standard deviation (0–50) of CIE 1976 lightness L* over an sRGB picture (H, W, 3).

    Both to ±0.2: the conversion is 8-bit. The mean is the exposure: an 18 % gray card has 49.5. The deviation is the
    RMS contrast, of lightness because the eye perceives it in even steps.

    Source: CIE 15 (L*); E. Peli, "Contrast in complex images", J. Opt. Soc. Am. A 7(10), 1990 (RMS contrast).
    """
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab)
    mean, deviation = _mean_and_deviation(cv2.extractChannel(lab, 0))
    to_lightness = 100.0 / 255.0
    return mean * to_lightness, deviation * to_lightness


def clipped_shares(rgb: NDArray[np.uint8]) -> tuple[float, float]:
    """Shares 0–1 of pixels without detail in a picture (H, W, 3): crushed to black, blown out (all channels)."""
    red, green, blue = cv2.split(rgb)
    brightest = cv2.max(cv2.max(red, green), blue)
    darkest = cv2.min(cv2.min(red, green), blue)
    return float(np.mean(brightest <= _SHADOW)), float(np.mean(darkest >= _HIGHLIGHT))


def colorfulness(rgb: NDArray[np.uint8]) -> float:
    """Hasler & Süsstrunk's M̂(3) of an sRGB picture (H, W, 3): 0 for gray, about 33 "moderate", 109 "extremely".

    M = √(σ_rg² + σ_yb²) + 0.3 √(μ_rg² + μ_yb²), rg = R − G, yb = (R + G) / 2 − B.

    Source: D. Hasler, S. Süsstrunk, "Measuring colourfulness in natural images", Human Vision and Electronic Imaging
    VIII, Proc. SPIE 5007, 2003.
    """
    red, green, blue = cv2.split(rgb)
    red_green = cv2.subtract(red, green, dtype=cv2.CV_16S)
    twice_yellow_blue = cv2.subtract(
        cv2.add(red, green, dtype=cv2.CV_16S), cv2.add(blue, blue, dtype=cv2.CV_16S), dtype=cv2.CV_16S
    )
    (mean_rg, std_rg), (mean_yb, std_yb) = _mean_and_deviation(red_green), _mean_and_deviation(twice_yellow_blue)
    return float(np.hypot(std_rg, std_yb / 2.0) + 0.3 * np.hypot(mean_rg, mean_yb / 2.0))


def light_color(rgb: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """The light's linear red, green and blue (3,), 0–1, by shades of gray; None for a black picture (H, W, 3).

    Estimated from what is bright: its colors average to near white in most scenes, so a common tint is the light's.

    Source: G. Finlayson, E. Trezzi, "Shades of gray and colour constancy", Color Imaging Conference, 2004.
    """
    levels = _LINEAR**_MINKOWSKI_NORM
    counts = [np.bincount(rgb[:, :, channel].ravel(), minlength=256) for channel in range(3)]
    light = np.array([(count @ levels / count.sum()) ** (1.0 / _MINKOWSKI_NORM) for count in counts])
    return light if light.max() > _BLACK else None


def color_cast(light: NDArray[np.float64]) -> float:
    """Degrees between a light (3,) and white, 0 to `MAX_CAST`: the angular error used in color constancy."""
    cosine = light.sum() / (np.sqrt(3.0) * np.linalg.norm(light))
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def _mean_and_deviation(plane: cv2.typing.MatLike) -> tuple[float, float]:
    mean, deviation = cv2.meanStdDev(plane)
    return float(mean[0, 0]), float(deviation[0, 0])
