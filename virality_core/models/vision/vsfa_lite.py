"""VSFA-lite: VSFA's head and temporal pooling on features of NIMA's MobileNet, trained by `recipes.vsfa_lite`.

Blur, noise and blocks vanish when a picture is squashed to 224 × 224. So the network sees crops of the frame at the
size a phone shows it; its features are the mean and the spread, over each crop, of early, middle and late layers. The
early ones still see single pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from virality_core.models.vision import nima
from virality_core.models.vision.vsfa import QualityHead

SHORT_SIDE = 540  # pixels: larger frames are shrunk to it
CROP = 160  # pixels
LAYERS = (2, 6, 10, 22)  # of Nima.features: 64, 128, 256 and 512 channels
CHANNELS = 64 + 128 + 256 + 512
FEATURES = 2 * CHANNELS
CROPS = 4
_BATCH = 4  # frames
REDUCED, HIDDEN = 64, 32  # widths of a head
HEADS = 3  # the mean of their logits is steadier than one


class LiteFeatures(nn.Module):
    """NIMA's MobileNet up to its 512 channels: crops (N, 3, H, W) in −1…1 → float32 (N, `FEATURES`), mean ‖ spread."""

    def __init__(self, network: nima.Nima | None = None) -> None:
        """From a network made by `nima.build`; without one, weights have yet to be loaded."""
        super().__init__()
        network = network or nima.build(nima.Nima().state_dict())
        self.layers = network.features[: LAYERS[-1] + 1]

    def forward(self, crops: Tensor) -> Tensor:
        means, spreads = [], []
        for index, layer in enumerate(self.layers):
            crops = layer(crops)
            if index in LAYERS:
                spread, mean = torch.std_mean(crops.float(), dim=(2, 3))
                means.append(mean)
                spreads.append(spread)
        return torch.cat(means + spreads, dim=1)


def crops_of(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Four square crops of a frame uint8 (H, W, 3), in a zigzag along its longer side that keeps clear of the edges.

    Returns uint8 (`CROPS`, `CROP`, `CROP`, 3). A frame smaller than a crop is mirrored at its borders.
    """
    shrink = SHORT_SIDE / min(rgb.shape[:2])
    if shrink < 1.0:
        rgb = cv2.resize(rgb, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA).astype(np.uint8)
    missing = [max(0, CROP - side) for side in rgb.shape[:2]]
    if any(missing):
        rgb = np.pad(rgb, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
    room = np.array(rgb.shape[:2]) - CROP
    along, across = (0, 1) if room[0] >= room[1] else (1, 0)
    corners = np.empty((CROPS, 2), np.intp)
    corners[:, along] = [room[along] * part // 8 for part in (1, 3, 5, 7)]
    corners[:, across] = [room[across] * part // 8 for part in (2, 6, 2, 6)]
    return np.stack([rgb[y : y + CROP, x : x + CROP] for y, x in corners])


@torch.inference_mode()
def crop_features(
    network: LiteFeatures,
    frames: NDArray[np.uint8],
    device: torch.device | None = None,
    progress: Callable[[float], None] | None = None,
) -> Tensor:
    """Frames uint8 (N, H, W, 3) → float32 (N, `CROPS`, `FEATURES`) on the CPU, a few frames at a time."""
    passes = []
    for start in range(0, len(frames), _BATCH):
        if progress is not None:
            progress(start / len(frames))
        crops = np.concatenate([crops_of(frame) for frame in frames[start : start + _BATCH]])
        pixels = torch.from_numpy(crops).to(device).permute(0, 3, 1, 2)
        passes.append(network(pixels.float().contiguous(memory_format=torch.channels_last) / 127.5 - 1.0).cpu())
    return torch.cat(passes).reshape(len(frames), CROPS, FEATURES)


class LiteHead(nn.Module):
    """Frame features (B, T, `FEATURES`) → logits of the quality of each video (B,) and frame (B, T)."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("spread", torch.ones(FEATURES))
        self.head = QualityHead(inputs=FEATURES, reduced=REDUCED, hidden=HIDDEN)

    def forward(self, features: Tensor, lengths: Tensor, tau: int = 1) -> tuple[Tensor, Tensor]:
        video, frames = self.head(self.standard(features), lengths, tau=tau)
        return video, frames

    def standard(self, features: Tensor) -> Tensor:
        """Features on a log scale, where twice the contrast is one step, with mean 0 and spread 1."""
        return (log_scale(features) - cast(Tensor, self.mean)) / cast(Tensor, self.spread)


def log_scale(features: Tensor) -> Tensor:
    """The logarithm, kept finite near 0."""
    return torch.log(features + 0.02)


class LiteQuality:
    """The light video-quality model. Its output is 0–1: VMAF / 100, estimated without a reference."""

    def __init__(self, tensors: Mapping[str, Tensor], device: torch.device | None = None) -> None:
        """From the tensors of `weights/vsfa_lite/model.safetensors`. Raises RuntimeError if they don't fit."""
        self._network, self.heads = LiteFeatures(), [LiteHead() for _ in range(HEADS)]
        modules = {"features.": self._network, **{f"heads.{index}.": head for index, head in enumerate(self.heads)}}
        for prefix, module in modules.items():
            names = [name for name in tensors if name.startswith(prefix)]
            module.load_state_dict({name.removeprefix(prefix): tensors[name].float() for name in names})
            module.eval().requires_grad_(False)
        self._device = device or torch.device("cpu")
        self._network.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def score(
        self, rgb: NDArray[np.uint8], tau: int = 1, progress: Callable[[float], None] | None = None
    ) -> tuple[float, NDArray[np.float64]]:
        """Rate a reel by its stills.

        Args:
            rgb: uint8 (N, H, W, 3), at least one, of any size, in order of time.
            tau: window of the temporal pooling, in stills.
            progress: called between batches with the share done, 0–1; may raise.

        Returns:
            The reel's quality, 0–1, and each still's (N,). Besides `rgb`, only one batch of crops is in memory.
        """
        features = crop_features(self._network, rgb, self._device, progress).mean(dim=1)
        answers = [head(features[None], torch.tensor([len(rgb)]), tau=tau) for head in self.heads]
        video, frames = (torch.stack(logits).mean(0)[0] for logits in zip(*answers, strict=True))
        return float(torch.sigmoid(video)), torch.sigmoid(frames).double().numpy()
