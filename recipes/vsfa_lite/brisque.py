"""BRISQUE, the no-reference baseline: Mittal, Moorthy, Bovik, "No-Reference Image Quality Assessment in the Spatial
Domain", IEEE TIP 2012, with the parameters of the PyPI package `brisque` 0.2.0, none of whose code is run.
"""

from __future__ import annotations

import math
import pickle
from importlib.metadata import files
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core.errors import InputError

Floats = NDArray[np.float64]


class Brisque:
    """Scores frames from about 0 (good) to 100 (bad)."""

    def __init__(self) -> None:
        """Read the parameters. Raises InputError if the package isn't installed."""
        try:
            paths = {Path(str(file)).name: Path(str(file.locate())) for file in files("brisque") or []}
        except ImportError as error:
            raise InputError("BRISQUE's parameters are missing: install the PyPI package brisque 0.2.0.") from error
        with paths["normalize.pickle"].open("rb") as file:
            scale = _PlainUnpickler(file).load()
        self._low, self._high = np.array(scale["min_"], float), np.array(scale["max_"], float)
        head, _, body = paths["svm.txt"].read_text().partition("SV\n")
        values = dict(line.split(" ", 1) for line in head.splitlines())
        self._gamma, self._rho = float(values["gamma"]), float(values["rho"])
        rows = [line.split() for line in body.splitlines()]
        self._weights = np.array([float(row[0]) for row in rows])
        self._vectors = np.zeros((len(rows), len(self._low)))
        for number, row in enumerate(rows):
            for entry in row[1:]:
                index, value = entry.split(":")
                self._vectors[number, int(index) - 1] = float(value)

    def __call__(self, rgb: NDArray[np.uint8]) -> float:
        """The score of a frame, uint8 (H, W, 3)."""
        gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float64) / 255.0
        half = np.asarray(cv2.resize(gray, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_CUBIC), np.float64)
        scaled = -1.0 + 2.0 * (np.array(features(gray) + features(half)) - self._low) / (self._high - self._low)
        distance = ((self._vectors - scaled) ** 2).sum(axis=1)
        return float(self._weights @ np.exp(-self._gamma * distance) - self._rho)


def features(gray: Floats) -> list[float]:
    """The 18 features of one scale of a luma picture float64 (H, W) in 0–1."""
    blur = {"ksize": (7, 7), "sigmaX": 7 / 6, "borderType": cv2.BORDER_CONSTANT}
    mean = np.asarray(cv2.GaussianBlur(gray, **blur), np.float64)  # type: ignore[call-overload]
    square = np.asarray(cv2.GaussianBlur(gray**2, **blur), np.float64)  # type: ignore[call-overload]
    normal = (gray - mean) / (np.sqrt(np.abs(mean**2 - square)) + 1 / 255)
    shape, _, left, right = fit_gaussian(normal)
    values = [shape, (left**2 + right**2) / 2]
    for product in (
        normal[:, :-1] * normal[:, 1:],
        normal[:-1] * normal[1:],
        normal[:-1, :-1] * normal[1:, 1:],
        normal[1:, :-1] * normal[:-1, 1:],
    ):
        shape, middle, left, right = fit_gaussian(product)
        values += [shape, middle, left**2, right**2]
    return values


def fit_gaussian(values: Floats) -> tuple[float, float, float, float]:
    """Shape, mean, left and right spread of an asymmetric generalized Gaussian fitted by moments."""
    left = float(np.sqrt(np.mean(np.square(values[values < 0])))) if (values < 0).any() else 1e-9
    right = float(np.sqrt(np.mean(np.square(values[values >= 0])))) if (values >= 0).any() else 1e-9
    ratio = left / max(right, 1e-9)
    moment = float(np.mean(np.abs(values)) ** 2 / max(float(np.mean(values**2)), 1e-12))
    target = moment * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shape = float(_SHAPES[np.argmin(np.abs(_RATIOS - target))])
    one, two, three = (math.gamma(k / shape) for k in (1, 2, 3))
    return shape, float((right - left) * np.sqrt(one / three) * two / one), left, right


_SHAPES = np.arange(0.2, 10.0, 0.001)
_RATIOS = np.array([math.gamma(2 / s) ** 2 / (math.gamma(1 / s) * math.gamma(3 / s)) for s in _SHAPES])


class _PlainUnpickler(pickle.Unpickler):
    """Loads lists, dicts and numbers only."""

    def find_class(self, module: str, name: str) -> Any:
        raise InputError(f"BRISQUE's parameters hold {module}.{name}, not plain numbers.")
