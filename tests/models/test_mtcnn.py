"""The face detector's pooling is the library's, and boxes that overlap are thinned out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import max_pool2d

from virality_core.models.vision import mtcnn


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("shape", [(10, 10), (11, 22), (46, 45), (7, 190), (3, 4)])
def test_pooling(size: int, shape: tuple[int, int]) -> None:
    x = torch.randn(2, 3, *shape, generator=torch.Generator().manual_seed(1))
    assert torch.equal(mtcnn._pool(x, size), max_pool2d(x, size, 2, ceil_mode=True))


def test_of_boxes_that_overlap_the_most_probable_stays() -> None:
    corners = np.array([[0, 0, 9, 9], [1, 0, 10, 9], [50, 50, 59, 59], [2, 2, 5, 5]], np.float64)
    boxes = np.hstack([corners, np.array([[0.8], [0.9], [0.7], [0.6]]), np.zeros((4, 4))])
    assert mtcnn.suppress(boxes, 0.5)[:, 4].tolist() == [0.9, 0.7, 0.6]
    assert mtcnn.suppress(boxes, 0.5, of_smaller=True)[:, 4].tolist() == [0.9, 0.7]


def test_no_boxes_are_none() -> None:
    assert len(mtcnn.to_squares(mtcnn.shift(mtcnn.suppress(np.zeros((0, 9)), 0.5), 1.0))) == 0
