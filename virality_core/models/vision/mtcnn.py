"""MTCNN: finds the faces in a picture by a cascade of three small networks (Zhang et al. 2016, arXiv:1604.02878).

The first scans a pyramid of sizes; the second and the third check the boxes that are left. It tells where a face is and
how large, nothing about whose: the weights leave out the five landmarks of the published third network.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import pad

MIN_FACE = 20  # pixels: the smallest face looked for

_CELL, _STRIDE = 12, 2  # the first network sees 12 × 12 pixels, at every second
_SHRINK = 0.709  # from one size of the pyramid to the next: half the area, as published
_MIN_PROBABILITY = (0.6, 0.7, 0.9)  # of each stage; published 0.6, 0.7, 0.7, see the card for the last
_MAX_BOXES = 300  # per picture and stage: 40 faces have some ten each at the first
_BATCH = 256  # crops per pass


#: N boxes, float64 (N, 9): left, top, right, bottom in pixels, probability, and four offsets in sides of the box.
Boxes = NDArray[np.float64]


class _Proposal(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 10, 3), nn.PReLU(10)
        self.conv2, self.prelu2 = nn.Conv2d(10, 16, 3), nn.PReLU(16)
        self.conv3, self.prelu3 = nn.Conv2d(16, 32, 3), nn.PReLU(32)
        self.conv4_1, self.conv4_2 = nn.Conv2d(32, 2, 1), nn.Conv2d(32, 4, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels (N, 3, H, W) → probability (N, h, w) of a face and offsets of its box (N, 4, h, w)."""
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
        """Crops (N, 3, 24, 24) → probability (N,) of a face and offsets of its box (N, 4)."""
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
        """Crops (N, 3, 48, 48) → probability (N,) of a face and offsets of its box (N, 4)."""
        x = _pool(self.prelu1(self.conv1(x)), 3)
        x = _pool(self.prelu2(self.conv2(x)), 3)
        x = _pool(self.prelu3(self.conv3(x)), 2)
        x = self.prelu5(self.dense5(_flat(self.prelu4(self.conv4(x)))))
        return torch.softmax(self.dense6_1(x), 1)[:, 1], self.dense6_2(x)


def _pool(x: Tensor, size: int) -> Tensor:
    """`max_pool2d` with stride 2 and `ceil_mode`, but faster."""
    for axis in (2, 3):
        steps = -(-(x.shape[axis] - size) // 2) + 1
        short = 2 * (steps - 1) + size - x.shape[axis]
        x = pad(x, (0, 0, 0, short) if axis == 2 else (0, short), value=-math.inf) if short else x
        parts = [x.narrow(axis, start, 2 * steps - 1) for start in range(size)]
        x = reduce(torch.maximum, [part[:, :, ::2] if axis == 2 else part[..., ::2] for part in parts])
    return x


def _flat(x: Tensor) -> Tensor:
    # The published dense layers were trained on columns before rows before channels.
    return x.permute(0, 3, 2, 1).flatten(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """A face: its box in shares 0–1 of the picture's width and height, and its probability 0–1."""

    left: float
    top: float
    right: float
    bottom: float
    probability: float

    @property
    def height(self) -> float:
        """From forehead to chin, as a share of the picture's height."""
        return self.bottom - self.top


class FaceDetector(nn.Module):
    """The cascade of the three networks."""

    def __init__(self) -> None:
        super().__init__()
        self.pnet, self.rnet, self.onet = _Proposal(), _Refine(), _Output()

    @torch.inference_mode()
    def find(self, pictures: Iterable[NDArray[np.uint8]]) -> list[tuple[Face, ...]]:
        """The faces in each picture (H, W, 3), sRGB, largest first.

        Faces have at least `MIN_FACE` pixels: scale the pictures to choose how much of the whole that is.
        """
        return [self._refine(picture, self._propose(picture)) for picture in pictures]

    def _propose(self, picture: NDArray[np.uint8]) -> Boxes:
        found = [np.zeros((0, 9))]
        height, width = picture.shape[:2]
        scale = _CELL / MIN_FACE
        while min(height, width) * scale >= _CELL:
            output = self.pnet(_pixels([_resize(picture, int(width * scale + 1), int(height * scale + 1))]))
            probability, offsets = output[0][0].numpy(), output[1][0].numpy()
            rows, columns = np.nonzero(probability >= _MIN_PROBABILITY[0])
            corner = np.stack([columns, rows], axis=1) * _STRIDE + 1
            corners = np.floor(np.hstack([corner, corner + _CELL - 1]) / scale)
            boxes = np.hstack([corners, probability[rows, columns, None], offsets[:, rows, columns].T])
            found.append(suppress(_top(boxes, _MAX_BOXES), 0.5))
            scale *= _SHRINK
        return to_squares(shift(_top(suppress(np.concatenate(found), 0.7), _MAX_BOXES), 0.0))

    def _refine(self, picture: NDArray[np.uint8], boxes: Boxes) -> tuple[Face, ...]:
        height, width = picture.shape[:2]
        boxes = to_squares(shift(suppress(_check(self.rnet, picture, boxes, _MIN_PROBABILITY[1]), 0.7), 1.0))
        boxes = suppress(shift(_check(self.onet, picture, boxes, _MIN_PROBABILITY[2]), 1.0), 0.7, of_smaller=True)
        corners = np.clip(boxes[:, :4] / np.array([width, height, width, height]), 0.0, 1.0)
        faces = [
            Face(left=float(a), top=float(b), right=float(c), bottom=float(d), probability=float(p))
            for (a, b, c, d), p in zip(corners, boxes[:, 4], strict=True)
            if c > a and d > b
        ]
        return tuple(sorted(faces, key=lambda face: (-face.height, face.left, face.top)))


def build(tensors: Mapping[str, Tensor]) -> FaceDetector:
    """The networks with the weights of `mtcnn/model.safetensors`."""
    detector = FaceDetector()
    detector.load_state_dict(dict(tensors))
    return detector.eval().requires_grad_(False)


def _check(network: _Refine | _Output, picture: NDArray[np.uint8], boxes: Boxes, least: float) -> Boxes:
    """The boxes that the network gives a probability over `least`, with its probabilities and offsets."""
    height, width = picture.shape[:2]
    edges = boxes[:, :4].astype(int)
    left, top = np.maximum(edges[:, 0] - 1, 0), np.maximum(edges[:, 1] - 1, 0)
    right, bottom = np.minimum(edges[:, 2], width), np.minimum(edges[:, 3], height)
    inside = (right > left) & (bottom > top)
    spans = np.stack([left, top, right, bottom], axis=1)[inside]
    crops = [_resize(picture[b:d, a:c], network.side, network.side) for a, b, c, d in spans]
    answers = [np.zeros((0, 5))]
    for start in range(0, len(crops), _BATCH):
        probability, offsets = network(_pixels(crops[start : start + _BATCH]))
        answers.append(torch.cat([probability[:, None], offsets], 1).double().numpy())
    checked = np.hstack([boxes[inside, :4], np.concatenate(answers)])
    return checked[checked[:, 4] > least]


def _top(boxes: Boxes, count: int) -> Boxes:
    """The `count` most probable, most probable first; of equals the earlier."""
    return boxes[np.argsort(-boxes[:, 4], kind="stable")[:count]]


def suppress(boxes: Boxes, overlap: float, *, of_smaller: bool = False) -> Boxes:
    """Non-maximum suppression: without boxes that a more probable one overlaps by more than `overlap`.

    The overlap is a share of the union of both, or of the smaller box.
    """
    left, top, right, bottom = boxes[:, :4].T
    area = (right - left + 1) * (bottom - top + 1)
    order = np.argsort(-boxes[:, 4], kind="stable")
    chosen = []
    while len(order):
        first, order = order[0], order[1:]
        chosen.append(first)
        across = np.minimum(right[first], right[order]) - np.maximum(left[first], left[order]) + 1
        along = np.minimum(bottom[first], bottom[order]) - np.maximum(top[first], top[order]) + 1
        common = np.maximum(across, 0.0) * np.maximum(along, 0.0)
        whole = np.minimum(area[first], area[order]) if of_smaller else area[first] + area[order] - common
        order = order[common <= overlap * whole]
    return boxes[np.array(chosen, dtype=np.intp)]


def shift(boxes: Boxes, pixel: float) -> Boxes:
    """Boxes shifted by their offsets; `pixel` is 1 if a side counts both of its edge pixels."""
    sides = boxes[:, 2:4] - boxes[:, :2] + pixel
    return np.hstack([boxes[:, :4] + boxes[:, 5:] * np.tile(sides, 2), boxes[:, 4:]])


def to_squares(boxes: Boxes) -> Boxes:
    """Each box grown around its center to a square of its longer side."""
    low, high = boxes[:, :2], boxes[:, 2:4]
    center, half = (low + high) / 2, (high - low).max(axis=1, keepdims=True) / 2
    return np.hstack([center - half, center + half, boxes[:, 4:]])


def _resize(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _pixels(pictures: Sequence[NDArray[np.uint8]]) -> Tensor:
    """Pictures of one size as the networks' input: (N, 3, H, W), −1 to 1."""
    rgb = np.ascontiguousarray(np.stack(pictures).transpose(0, 3, 1, 2))
    return (torch.from_numpy(rgb).float() - 127.5) / 128.0
