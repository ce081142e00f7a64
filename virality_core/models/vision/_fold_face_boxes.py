"""Candidate boxes of the face finder: thinning out those that overlap, moving and squaring them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Boxes:
    """N boxes: `corners` (N, 4) left, top, right, bottom in pixels; `probability` (N,); `moves` (N, 4) in box sides."""

    corners: NDArray[np.float64]
    probability: NDArray[np.float64]
    moves: NDArray[np.float64]

    def where(self, kept: NDArray[np.bool_] | NDArray[np.intp]) -> Boxes:
        """Some of the boxes."""
        return Boxes(corners=self.corners[kept], probability=self.probability[kept], moves=self.moves[kept])

    def best(self, count: int) -> Boxes:
        """The `count` most probable, most probable first; of equals the earlier."""
        return self.where(np.argsort(-self.probability, kind="stable")[:count])

    def apart(self, overlap: float, *, of_smaller: bool = False) -> Boxes:
        """Without each box that a more probable one covers by more than `overlap` of both (or of the smaller)."""
        left, top, right, bottom = self.corners.T
        area = (right - left + 1) * (bottom - top + 1)
        order = np.argsort(-self.probability, kind="stable")
        kept = []
        while len(order):
            first, order = order[0], order[1:]
            kept.append(first)
            across = np.minimum(right[first], right[order]) - np.maximum(left[first], left[order]) + 1
            along = np.minimum(bottom[first], bottom[order]) - np.maximum(top[first], top[order]) + 1
            common = np.maximum(across, 0.0) * np.maximum(along, 0.0)
            whole = np.minimum(area[first], area[order]) if of_smaller else area[first] + area[order] - common
            order = order[common <= overlap * whole]
        return self.where(np.array(kept, dtype=np.intp))

    def moved(self, pixel: float) -> Boxes:
        """Moved as the network says; `pixel` is 1 where it counts both edge pixels into a side."""
        width = (self.corners[:, 2] - self.corners[:, 0] + pixel)[:, None]
        height = (self.corners[:, 3] - self.corners[:, 1] + pixel)[:, None]
        sides = np.hstack([width, height, width, height])
        return Boxes(corners=self.corners + self.moves * sides, probability=self.probability, moves=self.moves)

    def squared(self) -> Boxes:
        """Each grown around its middle to a square of its longer side."""
        low, high = self.corners[:, :2], self.corners[:, 2:]
        middle, half = (low + high) / 2, (high - low).max(axis=1, keepdims=True) / 2
        corners = np.hstack([middle - half, middle + half])
        return Boxes(corners=corners, probability=self.probability, moves=self.moves)


def join(parts: Sequence[Boxes]) -> Boxes:
    """All boxes of all parts."""
    none = Boxes(corners=np.zeros((0, 4)), probability=np.zeros(0), moves=np.zeros((0, 4)))
    every = [none, *parts]
    return Boxes(
        corners=np.concatenate([each.corners for each in every]),
        probability=np.concatenate([each.probability for each in every]),
        moves=np.concatenate([each.moves for each in every]),
    )
