"""VSFA: from the frames of a video to the quality viewers would give it.

D. Li, T. Jiang, M. Jiang, "Quality Assessment of In-the-Wild Videos", ACM Multimedia 2019 (arXiv:1908.00375);
https://github.com/lidq92/VSFA, whose published weights the head loads. A frame's features are the mean and deviation of
ResNet-50's last feature maps (K. He et al., CVPR 2016; torchvision's IMAGENET1K_V1), at the frame's full size.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

MEAN = (0.485, 0.456, 0.406)  # of ImageNet's pictures, red, green, blue, as shares of white
DEVIATION = (0.229, 0.224, 0.225)
FEATURES = 4096  # mean and standard deviation of each of ResNet-50's last 2048 feature maps
TAU_FRAMES = 12  # the published window of memory and impression, in consecutive frames
BETA = 0.5  # share of the impression against the memory
MOS_SCALE = 4.64  # the published output is a mean opinion score (1–5) divided by KoNViD-1k's highest one

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


def build_features(tensors: Mapping[str, Tensor], *, half: torch.dtype | None = None) -> FrameFeatures:
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


class QualityHead(nn.Module):
    """Frame features → a GRU's quality of each frame → the video's quality.

    Args:
        inputs: features of a frame.
        reduced, hidden: widths of the linear layer and of the GRU. The defaults and the parts' names are the published
            file's.
    """

    def __init__(self, inputs: int = FEATURES, reduced: int = 128, hidden: int = 32) -> None:
        super().__init__()
        # `fc` is in the published file, but unused.
        self.ann = nn.ModuleDict({"fc0": nn.Linear(inputs, reduced), "fc": nn.Linear(reduced, reduced)})
        self.rnn = nn.GRU(reduced, hidden, batch_first=True)
        self.q = nn.Linear(hidden, 1)

    def forward(
        self, features: Tensor, lengths: Tensor, tau: int = TAU_FRAMES, beta: float = BETA
    ) -> tuple[Tensor, Tensor]:
        """Rate B videos.

        Args:
            features: (B, T, inputs), padded at the end to the longest video with anything finite.
            lengths: int64 (B,), frames of each video, 1 … T.
            tau, beta: see `temporal_pool`.

        Returns:
            The videos' quality (B,), and the frames' quality before pooling (B, T), 0 beyond a video's length.
        """
        memory, _ = self.rnn(self.ann["fc0"](features))  # (B, T, hidden): only looks back, so no padding reaches it
        frames = self.q(memory).squeeze(-1).masked_fill(~_within(lengths, features.shape[1]), 0.0)
        pooled = temporal_pool(frames, lengths, tau=tau, beta=beta)
        return pooled.sum(dim=1) / lengths.to(pooled.dtype), frames


def temporal_pool(quality: Tensor, lengths: Tensor, tau: int = TAU_FRAMES, beta: float = BETA) -> Tensor:
    """Quality as viewers feel it at each frame: bad moments stay in memory, and a worse one weighs more.

    For frame t, β × the softmin-weighted mean of the frames t … t + τ − 1 (impression) + (1 − β) × the lowest of the
    frames t − τ + 1 … t (memory). Windows end where the video ends. (Section 3.3 of the paper, windows as in its code.)

    Args:
        quality: (B, T), padded at the end with anything finite.
        lengths: int64 (B,), frames of each video, 1 … T.
        tau: frames in a window, at least 1 (1 returns `quality`). For every k-th frame of a video, use τ / k.
        beta: 0–1.

    Returns:
        (B, T), 0 beyond a video's length; its sum over a video divided by the length is the video's quality.
    """
    if tau < 1 or not 0.0 <= beta <= 1.0:
        raise ValueError(f"tau must be at least 1 and beta within 0–1, got {tau} and {beta}")
    valid = _within(lengths, quality.shape[1])
    # Finite values, not infinities: a window entirely in the padding must not turn a gradient into NaN.
    largest = torch.finfo(quality.dtype).max
    hidden = quality.masked_fill(~valid, largest)
    lowest = F.pad(hidden, (tau - 1, 0), value=largest).unfold(1, tau, 1).amin(dim=-1)  # (B, T)
    ahead = F.pad(hidden, (0, tau - 1), value=largest).unfold(1, tau, 1)  # (B, T, tau)
    weights = torch.softmax(-ahead, dim=-1)  # 0 outside the video
    impression = (weights * F.pad(quality, (0, tau - 1)).unfold(1, tau, 1)).sum(dim=-1)
    felt = beta * impression + (1.0 - beta) * lowest
    return torch.where(valid, felt, torch.zeros_like(felt))


def _within(lengths: Tensor, frames: int) -> Tensor:
    """bool (B, T): True for the frames of each video, False for padding."""
    return torch.arange(frames, device=lengths.device) < lengths[:, None]
