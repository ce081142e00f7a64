"""The networks that can answer `quality`, by variant, behind one shape: frames in, a judgement out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from virality_core.models.checkpoint import load_tensors
from virality_core.models.vision import resnet50_features, vsfa, vsfa_lite
from virality_core.models.weights import ComponentFiles, Variant
from virality_core.scorers.measures.letterbox import picture_box
from virality_core.types import FrameBatch, ModelInfo, Progress

SAMPLED_PIXELS = 960 * 540  # the size of KoNViD-1k's videos, on which the published head was trained

EVERY_FRAME = "every frame at native size, as published"
SAMPLED = (
    "up to 16 stills spread over the reel, scaled to at most 960 × 540 pixels (INTER_AREA); τ is 12 frames of the "
    "reel's own rate in seconds, at least one still"
)
_CROP = vsfa_lite.CROP
CROPS = (
    f"{vsfa_lite.CROPS} crops of {_CROP} × {_CROP} pixels of each of up to 16 stills spread over the reel, without "
    f"black bars, shrunk to a short side of at most {vsfa_lite.SHORT_SIDE} pixels (INTER_AREA); τ is 12 frames of "
    "the reel's own rate in seconds, at least one still"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judgement:
    """Quality of a video and of each frame: `values` float64 (T,) at `seconds` (T,), in the network's native unit."""

    value: float
    seconds: NDArray[np.float64]
    values: NDArray[np.float64]
    tau_frames: int
    protocol: str


class Network(ABC):
    """A loaded network. `model` names its weights; `rated_as` the entry of signals.toml its value is rated by."""

    model: ModelInfo
    unit: str
    native_range: tuple[float, float]
    rated_as: str | None = None  # a variant in signals.toml; None: the signal's own entry

    @abstractmethod
    def sampled(self, frames: FrameBatch, frame_rate: float, progress: Progress) -> Judgement:
        """Judge a reel by its stills; `frame_rate` is the reel's own, in frames a second."""

    def every_frame(self, batches: Iterable[FrameBatch], progress: Progress) -> Judgement | None:  # noqa: ARG002
        """Judge a reel by all its frames; None where this network has no such protocol."""
        return None


class PublishedVsfa(Network):
    """VSFA as published: ResNet-50's features at each frame's own size, the KoNViD-1k head, temporal pooling."""

    unit = f"predicted opinion score (1–5) / {vsfa.MOS_SCALE}"
    native_range = (1.0 / vsfa.MOS_SCALE, 5.0 / vsfa.MOS_SCALE)

    def __init__(self, files: ComponentFiles, device: torch.device) -> None:
        self.model = files.model_info("vsfa-head")
        self._features = resnet50_features.build(
            load_tensors(files.paths["vsfa-resnet50"]), half=resnet50_features.half_precision(device)
        ).to(device)
        self._head = vsfa.QualityHead()
        self._head.load_state_dict(load_tensors(files.paths["vsfa-head"]))
        self._head.eval().requires_grad_(False)

    def sampled(self, frames: FrameBatch, frame_rate: float, progress: Progress) -> Judgement:
        """Judge by the stills; see `SAMPLED`."""
        small = shrink(frames.rgb, SAMPLED_PIXELS)
        size = resnet50_features.batch_size(small.shape[1], small.shape[2], self._device)
        passes = []
        for start in range(0, len(small), size):
            progress("quality", start / len(small))
            passes.append(resnet50_features.features_of(self._features, small[start : start + size]).cpu())
        tau = tau_of(frames.seconds, frame_rate)
        return self._judge(torch.cat(passes), frames.seconds, tau=tau, protocol=SAMPLED)

    def every_frame(self, batches: Iterable[FrameBatch], progress: Progress) -> Judgement:
        """Judge by every frame; see `EVERY_FRAME`. Memory: the features, 16 KB a frame, besides a batch."""
        features, seconds = [], []
        for batch in batches:
            features.append(resnet50_features.features_of(self._features, batch.rgb).cpu())
            seconds.append(batch.seconds)
            progress("quality", 0.0)  # how far it is, only the reader knows, who tells it too
        return self._judge(torch.cat(features), np.concatenate(seconds), tau=vsfa.TAU_FRAMES, protocol=EVERY_FRAME)

    @property
    def _device(self) -> torch.device:
        return self._features.get_buffer("mean").device

    def _judge(self, features: torch.Tensor, seconds: NDArray[np.float64], *, tau: int, protocol: str) -> Judgement:
        with torch.inference_mode():
            video, frames = self._head(features[None], torch.tensor([len(features)]), tau=tau)
        return Judgement(
            value=float(video[0]), seconds=seconds, values=frames[0].double().numpy(), tau_frames=tau, protocol=protocol
        )


class LightVsfa(Network):
    """VSFA-lite: crops of the stills through NIMA's MobileNet, our head, the same temporal pooling."""

    unit = "predicted VMAF"
    native_range = (0.0, 100.0)
    rated_as = "lite"

    def __init__(self, files: ComponentFiles, device: torch.device) -> None:
        self.model = files.model_info("vsfa-lite")
        self._network = vsfa_lite.LiteQuality(load_tensors(files.paths["vsfa-lite"]), device)

    def sampled(self, frames: FrameBatch, frame_rate: float, progress: Progress) -> Judgement:
        """Judge by crops of the stills; see `CROPS`."""
        tau = tau_of(frames.seconds, frame_rate)
        pictures = picture_box(frames.rgb).cut_all(frames.rgb)  # in black bars is nothing to judge
        value, values = self._network.score(pictures, tau, lambda share: progress("quality", share))
        return Judgement(
            value=100.0 * value, seconds=frames.seconds, values=100.0 * values, tau_frames=tau, protocol=CROPS
        )


#: Which network reads the files of which variant: a new one is a row here and its blocks in the manifest.
NETWORKS: Mapping[Variant, Callable[[ComponentFiles, torch.device], Network]] = {"full": PublishedVsfa, "lite": LightVsfa}


def load(files: ComponentFiles, device: torch.device) -> Network:
    """The network of the files that were files. Raises WeightsError where a file is damaged."""
    return NETWORKS[files.entries[0].variant](files, device)


def tau_of(seconds: NDArray[np.float64], frame_rate: float) -> int:
    """τ in samples: as long as 12 frames of the reel are, told by the samples' median distance; at least 1."""
    if len(seconds) < 2 or frame_rate <= 0.0:
        return 1
    distance = float(np.median(np.diff(seconds)))
    return max(1, round(vsfa.TAU_FRAMES / frame_rate / distance)) if distance > 0.0 else 1


def shrink(rgb: NDArray[np.uint8], pixels: int) -> NDArray[np.uint8]:
    """Frames uint8 (N, H, W, 3), scaled down (INTER_AREA) to at most `pixels` pixels each; smaller ones as they are."""
    height, width = rgb.shape[1:3]
    scale = (pixels / (height * width)) ** 0.5
    if scale >= 1.0:
        return rgb
    size = (max(1, int(width * scale)), max(1, int(height * scale)))
    return np.stack([np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8) for frame in rgb])
