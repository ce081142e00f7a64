"""MTCNN: where faces are in a picture, by three small networks after one another (Zhang et al. 2016, arXiv:1604.02878).

The first looks at every place in a pyramid of sizes, the second and the third look again at what is left. It says where
a face is and how large, nothing about whose: the five landmarks that the published third network also gives are left
out of the weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import pad

from virality_core.models.vision import mtcnn


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


SMALLEST = 20  # pixels: the smallest face looked for

_CELL, _STRIDE = 12, 2  # the first network sees 12 × 12 pixels, at every second
_SHRINK = 0.709  # from one size of the pyramid to the next: half the area, as published
_LIKELY = (0.6, 0.7, 0.9)  # a candidate stays above these; published 0.6, 0.7, 0.7, see the card for the last
_KEPT = 300  # candidates a picture and stage: 40 faces have some ten each at the first
_BATCH = 256  # crops a pass


class _Proposal(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 10, 3), nn.PReLU(10)
        self.conv2, self.prelu2 = nn.Conv2d(10, 16, 3), nn.PReLU(16)
        self.conv3, self.prelu3 = nn.Conv2d(16, 32, 3), nn.PReLU(32)
        self.conv4_1, self.conv4_2 = nn.Conv2d(32, 2, 1), nn.Conv2d(32, 4, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels (N, 3, H, W) → probability (N, h, w) of a face and how to move its box (N, 4, h, w)."""
        x = _pool(self.prelu1(self.conv1(x)), 2)
        x = self.prelu3(self.conv3(self.prelu2(self.conv2(x))))
        return torch.softmax(self.conv4_1(x), 1)[:, 1], self.conv4_2(x)


class _Refine(nn.Module):
    side = 24

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 28, 3), nn.PReLU(28)
        self.conv2, self.prelu2 = nn.Conv2d(28, 48, 3), nn.PReLU(48)
        self.conv3, self.prelu3 = nn.Conv2d(48, 64, 2), nn.PReLU(64)
        self.dense4, self.prelu4 = nn.Linear(576, 128), nn.PReLU(128)
        self.dense5_1, self.dense5_2 = nn.Linear(128, 2), nn.Linear(128, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Crops (N, 3, 24, 24) → probability (N,) of a face and how to move its box (N, 4)."""
        x = _pool(self.prelu1(self.conv1(x)), 3)
        x = _pool(self.prelu2(self.conv2(x)), 3)
        x = self.prelu4(self.dense4(_flat(self.prelu3(self.conv3(x)))))
        return torch.softmax(self.dense5_1(x), 1)[:, 1], self.dense5_2(x)


class _Output(nn.Module):
    side = 48

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 32, 3), nn.PReLU(32)
        self.conv2, self.prelu2 = nn.Conv2d(32, 64, 3), nn.PReLU(64)
        self.conv3, self.prelu3 = nn.Conv2d(64, 64, 3), nn.PReLU(64)
        self.conv4, self.prelu4 = nn.Conv2d(64, 128, 2), nn.PReLU(128)
        self.dense5, self.prelu5 = nn.Linear(1152, 256), nn.PReLU(256)
        self.dense6_1, self.dense6_2 = nn.Linear(256, 2), nn.Linear(256, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Crops (N, 3, 48, 48) → probability (N,) of a face and how to move its box (N, 4)."""
        x = _pool(self.prelu1(self.conv1(x)), 3)
        x = _pool(self.prelu2(self.conv2(x)), 3)
        x = _pool(self.prelu3(self.conv3(x)), 2)
        x = self.prelu5(self.dense5(_flat(self.prelu4(self.conv4(x)))))
        return torch.softmax(self.dense6_1(x), 1)[:, 1], self.dense6_2(x)


def _pool(x: Tensor, size: int) -> Tensor:
    """The maximum of each `size` × `size` places at every second, as `max_pool2d` does with `ceil_mode`, but faster."""
    for axis in (2, 3):
        steps = -(-(x.shape[axis] - size) // 2) + 1
        short = 2 * (steps - 1) + size - x.shape[axis]
        x = pad(x, (0, 0, 0, short) if axis == 2 else (0, short), value=-math.inf) if short else x
        parts = [x.narrow(axis, at, 2 * steps - 1) for at in range(size)]
        slices = [part[:, :, ::2] if axis == 2 else part[..., ::2] for part in parts]
        x = reduce(torch.maximum, slices)
    return x


def _flat(x: Tensor) -> Tensor:
    # The published dense layers were trained on columns before rows before channels.
    return x.permute(0, 3, 2, 1).flatten(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """One face: its box as shares 0–1 of the picture's width and height, and its probability 0–1."""

    left: float
    top: float
    right: float
    bottom: float
    probability: float

    @property
    def height(self) -> float:
        """From forehead to chin, as a share of the picture's height."""
        return self.bottom - self.top


class FaceFinder(nn.Module):
    """The three networks with the search around them."""

    def __init__(self) -> None:
        super().__init__()
        self.pnet, self.rnet, self.onet = _Proposal(), _Refine(), _Output()

    @torch.inference_mode()
    def find(self, pictures: Iterable[NDArray[np.uint8]]) -> list[tuple[Face, ...]]:
        """The faces in each picture (H, W, 3), sRGB, largest first.

        Faces are looked for from `SMALLEST` pixels on: scale the pictures to choose what that is of the whole.
        """
        return [self._judged(picture, self._proposed(picture)) for picture in pictures]

    def _proposed(self, picture: NDArray[np.uint8]) -> Boxes:
        found: list[Boxes] = []
        height, width = picture.shape[:2]
        for scale in _pyramid(height, width):
            pixels = _pixels([_resized(picture, int(width * scale + 1), int(height * scale + 1))])
            probability, moves = self.pnet(pixels)
            chance, move = probability[0].numpy(), moves[0].numpy()
            rows, columns = np.nonzero(chance >= _LIKELY[0])
            corner = np.stack([columns, rows], axis=1) * _STRIDE + 1
            boxes = Boxes(
                corners=np.floor(np.hstack([corner, corner + _CELL - 1]) / scale).astype(np.float64),
                probability=chance[rows, columns].astype(np.float64),
                moves=move[:, rows, columns].T.astype(np.float64),
            )
            found.append(boxes.best(_KEPT).apart(0.5))
        return mtcnn.join(found).apart(0.7).best(_KEPT).moved(0.0).squared()

    def _judged(self, picture: NDArray[np.uint8], boxes: Boxes) -> tuple[Face, ...]:
        height, width = picture.shape[:2]
        boxes = _again(self.rnet, picture, boxes, _LIKELY[1]).apart(0.7).moved(1.0).squared()
        boxes = _again(self.onet, picture, boxes, _LIKELY[2]).moved(1.0).apart(0.7, of_smaller=True)
        corners = np.clip(boxes.corners / np.array([width, height, width, height]), 0.0, 1.0)
        faces = [
            Face(left=float(a), top=float(b), right=float(c), bottom=float(d), probability=float(p))
            for (a, b, c, d), p in zip(corners, boxes.probability, strict=True)
            if c > a and d > b
        ]
        return tuple(sorted(faces, key=lambda face: (-face.height, face.left, face.top)))


def build(tensors: Mapping[str, Tensor]) -> FaceFinder:
    """The networks with the weights of `mtcnn/model.safetensors`."""
    finder = FaceFinder()
    finder.load_state_dict(dict(tensors))
    return finder.eval().requires_grad_(False)


def _pyramid(height: int, width: int) -> Iterator[float]:
    scale = _CELL / SMALLEST
    while min(height, width) * scale >= _CELL:
        yield scale
        scale *= _SHRINK


def _again(network: _Refine | _Output, picture: NDArray[np.uint8], boxes: Boxes, likely: float) -> Boxes:
    """What the next network keeps of the boxes, with its own probabilities and moves."""
    height, width = picture.shape[:2]
    edges = boxes.corners.astype(int)
    left, top = np.maximum(edges[:, 0] - 1, 0), np.maximum(edges[:, 1] - 1, 0)
    right, bottom = np.minimum(edges[:, 2], width), np.minimum(edges[:, 3], height)
    boxes = boxes.where((right > left) & (bottom > top))
    spans = [(a, b, c, d) for a, b, c, d in zip(left, top, right, bottom, strict=True) if c > a and d > b]
    crops = [_resized(picture[b:d, a:c], network.side, network.side) for a, b, c, d in spans]
    probability, moves = _in_batches(network, crops)
    return Boxes(corners=boxes.corners, probability=probability, moves=moves).where(probability > likely)


def _resized(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _pixels(pictures: Sequence[NDArray[np.uint8]]) -> Tensor:
    """Pictures of one size as the networks take them: (N, 3, H, W), −1 to 1."""
    rgb = np.ascontiguousarray(np.stack(pictures).transpose(0, 3, 1, 2))
    return (torch.from_numpy(rgb).float() - 127.5) / 128.0


def _in_batches(
    network: _Refine | _Output, crops: Sequence[NDArray[np.uint8]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    chances, moves = [np.zeros(0)], [np.zeros((0, 4))]
    for start in range(0, len(crops), _BATCH):
        chance, move = network(_pixels(crops[start : start + _BATCH]))
        chances.append(chance.double().numpy())
        moves.append(move.double().numpy())
    return np.concatenate(chances), np.concatenate(moves)
