"""VSFA's features of a frame: mean and deviation of ResNet-50's last feature maps, at the frame's full size.

K. He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, with torchvision's ImageNet weights
(IMAGENET1K_V1). Features and pooling: D. Li et al., ACM Multimedia 2019, section 3.1.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

MEAN = (0.485, 0.456, 0.406)  # of ImageNet's pictures, red, green, blue, as shares of white
DEVIATION = (0.229, 0.224, 0.225)

#: A pass takes this much memory per pixel of its frames in float32. Measured on the CPU as growth of resident memory:
#: 220 (1080 × 1920) to 350 (480 × 852).
BYTES_PER_PIXEL = 350
_CPU_BUDGET_BYTES = 512 << 20
_CUDA_SHARE = 0.25  # of the device's free memory
_MAX_BATCH = 32  # frames, as in the published code; more is no faster


class FrameFeatures(nn.Module):
    """Frames uint8 (N, H, W, 3) sRGB → float32 (N, 4096): the means (2048) and the deviations (2048) of layer 4.

    Args:
        half: precision of the convolutions (autocast); None is float32. Normalization and pooling, which sums over
            hundreds of positions, stay in float32.
    """

    def __init__(self, half: torch.dtype | None = None) -> None:
        super().__init__()
        from torchvision.models import resnet50  # takes seconds to import; only the full model needs it

        self.precision = half
        self.network: nn.Module = resnet50(weights=None)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1) * 255.0, persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1) * 255.0, persistent=False)

    def forward(self, rgb: Tensor) -> Tensor:
        pixels = rgb.permute(0, 3, 1, 2).to(torch.float32)  # (N, 3, H, W), in channels_last memory order
        pixels = (pixels - self.get_buffer("mean")) / self.get_buffer("deviation")
        with torch.autocast(pixels.device.type, dtype=self.precision, enabled=self.precision is not None):
            maps = pixels
            for name in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"):
                maps = self.network.get_submodule(name)(maps)
        maps = maps.float().flatten(2)  # (N, 2048, h × w)
        means = maps.mean(dim=2)
        # Unbiased, as the head was trained; a single position has no deviation.
        deviations = maps.std(dim=2) if maps.shape[2] > 1 else torch.zeros_like(means)
        return torch.cat([means, deviations], dim=1)


def build(tensors: Mapping[str, Tensor], *, half: torch.dtype | None = None) -> FrameFeatures:
    """The extractor with torchvision's ResNet-50 weights, whose classifier is dropped, for inference.

    Raises:
        RuntimeError: the tensors are not a torchvision ResNet-50's.
    """
    features = FrameFeatures(half)
    features.network.load_state_dict(dict(tensors))
    features.network.fc = nn.Identity()
    features.eval().requires_grad_(False)
    return features.to(memory_format=torch.channels_last)


def batch_size(height: int, width: int, device: torch.device) -> int:
    """Frames per pass, 1–32: as many as fit into 512 MB on the CPU, or a quarter of CUDA's free memory."""
    budget = float(_CPU_BUDGET_BYTES)
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        budget = _CUDA_SHARE * free
    return max(1, min(_MAX_BATCH, int(budget / (BYTES_PER_PIXEL * height * width))))


def half_precision(device: torch.device) -> torch.dtype | None:
    """The precision to run in: float16 on CUDA (tolerance: tests/models/test_resnet_features.py), else float32."""
    return torch.float16 if device.type == "cuda" else None


def features_of(network: FrameFeatures, rgb: NDArray[np.uint8]) -> Tensor:
    """Features float32 (N, 4096), on the network's device, of frames uint8 (N, H, W, 3), a batch at a time."""
    device = network.get_buffer("mean").device
    size = batch_size(rgb.shape[1], rgb.shape[2], device)
    with torch.inference_mode():
        passes = [
            network(torch.from_numpy(np.ascontiguousarray(rgb[start : start + size])).to(device))
            for start in range(0, len(rgb), size)
        ]
    return torch.cat(passes)
