"""Boosted trees fitted by LightGBM, as arrays that numpy alone can predict with.

Every tree has the same number of nodes; node 0 is its root. A child is a node's number, or −1 − leaf.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_CHUNK = 2_048  # rows at a time: bounds the memory


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trees:
    """T trees of up to S splits. A row goes left where its feature ≤ threshold; a missing one where `nan_left`.

    `feature` int16, `threshold` float64, `left`, `right` int16, `nan_left` bool, all (T, S); `leaf` float64 (T, S + 1).
    """

    feature: NDArray[np.int16]
    threshold: Array
    left: NDArray[np.int16]
    right: NDArray[np.int16]
    nan_left: NDArray[np.bool_]
    leaf: Array

    def predict(self, features: Array) -> Array:
        """The sum of all trees' leaves for features (N, F): (N,)."""
        chunks = [self._predict(features[start : start + _CHUNK]) for start in range(0, len(features), _CHUNK)]
        return np.concatenate([np.zeros(0), *chunks])

    def _predict(self, features: Array) -> Array:
        trees = np.arange(len(self.leaf))
        rows = np.arange(len(features))[:, None]
        at = np.zeros((len(features), len(trees)), dtype=np.int64)  # (N, T): node, or −1 − leaf
        for _ in range(self.leaf.shape[1]):
            inside = at >= 0
            if not inside.any():
                break
            node = np.where(inside, at, 0)
            value = features[rows, self.feature[trees, node]]
            goes_left = np.where(np.isnan(value), self.nan_left[trees, node], value <= self.threshold[trees, node])
            at = np.where(inside, np.where(goes_left, self.left[trees, node], self.right[trees, node]), at)
        return np.asarray(self.leaf[trees, -1 - at].sum(axis=1), dtype=np.float64)
