"""NIMA: how people would rate the looks of a picture, as a distribution over the marks 1 to 10.

Talebi & Milanfar, "NIMA: Neural Image Assessment", IEEE TIP 2018 (arXiv:1709.05424), in the MobileNet of
https://github.com/idealo/image-quality-assessment, whose weights it loads.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

INPUT_SIZE = 224  # pixels, both sides
MARKS = 10  # an AVA rater gives one of the marks 1 … 10

# MobileNet v1 (Howard et al. 2017), width 1: (channels out, stride) of each depthwise-separable block.
_BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)) + ((512, 1),) * 5 + ((1024, 2), (1024, 1))


class Nima(nn.Module):
    """MobileNet v1 with a ten-way softmax: float32 (N, 3, 224, 224) in −1…1 → distribution (N, 10) that sums to 1.

    Every 3×3 convolution is padded by one pixel on all sides, as in Keras 2.1.6; today's "same" padding, only right and
    bottom at stride 2, gives other scores.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [_conv_norm(3, 32, kernel=3, stride=2)]
        channels = 32
        for out, stride in _BLOCKS:
            layers.append(_conv_norm(channels, channels, kernel=3, stride=stride, groups=channels))
            layers.append(_conv_norm(channels, out, kernel=1))
            channels = out
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(channels, MARKS)

    def forward(self, pixels: Tensor) -> Tensor:
        features: Tensor = self.features(pixels)
        # Softmax in float32: ten probabilities near 0.1 need more digits than half precision has.
        return torch.softmax(self.head(features.mean(dim=(2, 3))).float(), dim=1)


def build(tensors: Mapping[str, Tensor]) -> Nima:
    """The network with these weights, for inference, in channels_last order, BatchNorm folded into the convolutions.

    Folding saves a pass over every feature map and moves a mean by less than 1e-5.

    Raises:
        RuntimeError: the tensors are not this network's.
    """
    network = Nima()
    network.load_state_dict(dict(tensors))
    network.eval()
    for layer in network.features:
        assert isinstance(layer, nn.Sequential)
        convolution, norm, _ = layer
        assert isinstance(convolution, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        layer[0], layer[1] = fuse_conv_bn_eval(convolution, norm), nn.Identity()
    return network.requires_grad_(False).to(memory_format=torch.channels_last)


def squash(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pictures uint8 (…, H, W, 3) of any size → (…, 224, 224, 3), nothing cropped, no smoothing.

    Takes the pixel nearest to each target pixel's center, exactly as PIL's NEAREST: the network was trained on such
    pictures, and a smoothing resize shifts its means by up to 1.
    """
    height, width = rgb.shape[-3:-1]
    rows, columns = _nearest(height), _nearest(width)
    return np.ascontiguousarray(rgb[..., rows[:, None], columns[None, :], :])


def to_input(squashed: NDArray[np.uint8]) -> Tensor:
    """Squashed pictures uint8 (N, 224, 224, 3) → float32 (N, 3, 224, 224) in −1…1, in channels_last memory order."""
    return torch.from_numpy(squashed).permute(0, 3, 1, 2).to(torch.float32).div_(127.5).sub_(1.0)


def mean_and_spread(distribution: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distributions (N, 10) → the expected mark (N,), 1–10, and the marks' standard deviation (N,), 0–4.5."""
    marks = np.arange(1.0, MARKS + 1.0)
    mean = distribution @ marks
    variance = distribution @ marks**2 - mean**2
    return mean, np.sqrt(np.maximum(variance, 0.0))


def _nearest(size: int) -> NDArray[np.intp]:
    # If a center falls exactly between two pixels (every seventh row of 1920), PIL's choice depends on the rounding of
    # its running sum, and so do the published scores: so sum as it does, step by step in float64.
    step = size / INPUT_SIZE
    centers = np.cumsum(np.concatenate(([step / 2], np.full(INPUT_SIZE - 1, step))))
    nearest: NDArray[np.intp] = np.minimum(np.floor(centers).astype(np.intp), size - 1)
    return nearest


def _conv_norm(channels_in: int, channels_out: int, *, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(channels_out, eps=1e-3),
        nn.ReLU6(inplace=True),
    )
