"""The video's technical quality as viewers would rate it (VSFA): one signal, and its course over the reel."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from virality_core.errors import WeightsError
from virality_core.media.container.source import VideoSource
from virality_core.media.decoding.frame_sampler import every_frame
from virality_core.models import device as devices
from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.vision import vsfa, vsfa_lite
from virality_core.models.weights import ComponentFiles, DigestMismatch, Variant
from virality_core.scorers.base import NO_FRAME, Scorer, rated
from virality_core.scorers.measures.letterbox import picture_box
from virality_core.types import (
    Details,
    FrameBatch,
    ModelInfo,
    Plan,
    Post,
    Profile,
    Progress,
    Reel,
    Signal,
    Skipped,
    Timeline,
)

SAMPLED_PIXELS = 960 * 540  # the size of KoNViD-1k's videos, on which the published head was trained

EVERY_FRAME = "every frame at native size, as published"
SAMPLED = (
    "up to 16 stills spread over the reel, scaled to at most 960 × 540 pixels (INTER_AREA); τ is 12 frames of the "
    "reel's own rate in seconds, at least one still"
)
CROPS = (
    f"{vsfa_lite.CROPS} crops of {vsfa_lite.CROP} × {vsfa_lite.CROP} pixels of each of up to 16 stills spread over the "
    f"reel, without black bars, shrunk to a short side of at most {vsfa_lite.SHORT_SIDE} pixels (INTER_AREA); τ is 12 "
    "frames of the reel's own rate in seconds, at least one still"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityDetails(Details):
    """How the value was made: which frames the network saw, how many, and τ of the temporal pooling in them."""

    protocol: str
    frames: int
    tau_frames: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction:
    """Quality of a video and of each frame: `values` float64 (T,) at `seconds` (T,), in the network's native unit."""

    value: float
    seconds: NDArray[np.float64]
    values: NDArray[np.float64]
    tau_frames: int
    protocol: str


class QualityNetwork(ABC):
    """A loaded network. `model` names its weights; `variant` is its entry in signals.toml, None for the main one."""

    model: ModelInfo
    unit: str
    native_range: tuple[float, float]
    variant: str | None = None

    @abstractmethod
    def sampled(self, frames: FrameBatch, frame_rate: float, progress: Progress) -> Prediction:
        """Rate a reel by its stills; `frame_rate` is the reel's own, in frames per second."""

    def every_frame(self, batches: Iterable[FrameBatch], progress: Progress) -> Prediction | None:  # noqa: ARG002
        """Rate a reel by all its frames; None where this network can't."""
        return None


class Vsfa(QualityNetwork):
    """VSFA as published: ResNet-50's features at each frame's own size, the KoNViD-1k head, temporal pooling."""

    unit = f"predicted opinion score (1–5) / {vsfa.MOS_SCALE}"
    native_range = (1.0 / vsfa.MOS_SCALE, 5.0 / vsfa.MOS_SCALE)

    def __init__(self, files: ComponentFiles, device: torch.device) -> None:
        self.model = files.model_info("vsfa-head")
        self._device = device
        self._features = vsfa.build_features(
            load_tensors(files.paths["vsfa-resnet50"]), half=vsfa.half_precision(device)
        ).to(device)
        self._head = vsfa.QualityHead()
        self._head.load_state_dict(load_tensors(files.paths["vsfa-head"]))
        self._head.eval().requires_grad_(False)

    def sampled(self, frames: FrameBatch, frame_rate: float, progress: Progress) -> Prediction:
        """Rate the stills; see `SAMPLED`."""
        small = shrink(frames.rgb, SAMPLED_PIXELS)
        size = vsfa.batch_size(small.shape[1], small.shape[2], self._device)
        features = []
        for start in range(0, len(small), size):
            progress("quality", start / len(small))
            features.append(vsfa.features_of(self._features, small[start : start + size]).cpu())
        return self._predict(torch.cat(features), frames.seconds, tau_of(frames.seconds, frame_rate), SAMPLED)

    def every_frame(self, batches: Iterable[FrameBatch], progress: Progress) -> Prediction:
        """Rate every frame; see `EVERY_FRAME`. Memory: the features, 16 KB per frame, besides a batch."""
        features, seconds = [], []
        for batch in batches:
            features.append(vsfa.features_of(self._features, batch.rgb).cpu())
            seconds.append(batch.seconds)
            progress("quality", 0.0)  # the reader of the frames reports how far it is
        return self._predict(torch.cat(features), np.concatenate(seconds), vsfa.TAU_FRAMES, EVERY_FRAME)

    def _predict(self, features: torch.Tensor, seconds: NDArray[np.float64], tau: int, protocol: str) -> Prediction:
        with torch.inference_mode():
            video, frames = self._head(features[None], torch.tensor([len(features)]), tau=tau)
        values = frames[0].double().numpy()
        return Prediction(value=float(video[0]), seconds=seconds, values=values, tau_frames=tau, protocol=protocol)


class VsfaLite(QualityNetwork):
    """VSFA-lite: crops of the stills through NIMA's MobileNet, our head, the same temporal pooling."""

    unit = "predicted VMAF"
    native_range = (0.0, 100.0)
    variant = "lite"

    def __init__(self, files: ComponentFiles, device: torch.device) -> None:
        self.model = files.model_info("vsfa-lite")
        self._network = vsfa_lite.LiteQuality(load_tensors(files.paths["vsfa-lite"]), device)

    def sampled(self, frames: FrameBatch, frame_rate: float, progress: Progress) -> Prediction:
        """Rate crops of the stills; see `CROPS`."""
        tau = tau_of(frames.seconds, frame_rate)
        pictures = picture_box(frames.rgb).cut_all(frames.rgb)
        value, values = self._network.score(pictures, tau, lambda share: progress("quality", share))
        return Prediction(
            value=100.0 * value, seconds=frames.seconds, values=100.0 * values, tau_frames=tau, protocol=CROPS
        )


#: Which network reads the files of which variant.
NETWORKS: Mapping[Variant, Callable[[ComponentFiles, torch.device], QualityNetwork]] = {"full": Vsfa, "lite": VsfaLite}


class QualityScorer(Scorer):
    """VSFA on the reel's stills. Signal: `quality`, in the native unit of the network that the profile could have.

    Where no network can be had, the signal is skipped with the reason; the report's findings don't depend on it.
    """

    stage = "quality"
    names: ClassVar[tuple[str, ...]] = ("quality",)
    plan: ClassVar[Plan] = Plan(stills=16)

    def __init__(self, *, profile: Profile = "auto", device: torch.device | None = None) -> None:
        """Load the weights, if there are any.

        Raises:
            WeightsError: the profile is `full` and its weights can't be had, or a file is damaged.
        """
        self._network: QualityNetwork | None = None
        self._missing = ""
        try:
            files = weights.resolve_component("quality", profile)
        except DigestMismatch:
            raise
        except WeightsError as error:
            if profile == "full":
                raise
            self._missing = str(error)
        else:
            self._network = NETWORKS[files.entries[0].variant](files, device or devices.choose())

    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Signal | Skipped]:  # noqa: ARG002
        """Rate the reel's stills; see `Scorer.score`."""
        if self._network is None or len(reel.frames) == 0:
            return self.skip_all(NO_FRAME if self._network else self._missing)
        prediction = self._network.sampled(reel.frames, reel.info.frame_rate, progress)
        progress(self.stage, 1.0)
        return [_signal(self._network, prediction)]

    def score_every_frame(self, source: VideoSource, progress: Progress, name: str | None = None) -> Signal | Skipped:
        """Rate a file by all its frames at native size, as published: minutes on a CPU. Errors as `every_frame`."""
        if self._network is None:
            return Skipped(name="quality", reason=self._missing)
        prediction = self._network.every_frame(every_frame(source, name=name, progress=progress), progress)
        if prediction is None:
            reason = f"{self._network.model.id} rates samples of a reel only; rating every frame takes the full model."
            return Skipped(name="quality", reason=reason)
        return _signal(self._network, prediction)


def _signal(network: QualityNetwork, prediction: Prediction) -> Signal:
    return rated(
        "quality",
        float(np.clip(prediction.value, *network.native_range)),
        variant=network.variant,
        unit=network.unit,
        native_range=network.native_range,
        timeline=Timeline(seconds=prediction.seconds, values=prediction.values),
        model=network.model,
        details=QualityDetails(
            protocol=prediction.protocol, frames=len(prediction.seconds), tau_frames=prediction.tau_frames
        ),
    )


def tau_of(seconds: NDArray[np.float64], frame_rate: float) -> int:
    """τ in samples: 12 frames of the reel over the samples' median distance; at least 1."""
    if len(seconds) < 2 or frame_rate <= 0.0:
        return 1
    distance = float(np.median(np.diff(seconds)))
    return max(1, round(vsfa.TAU_FRAMES / frame_rate / distance)) if distance > 0.0 else 1


def shrink(rgb: NDArray[np.uint8], pixels: int) -> NDArray[np.uint8]:
    """Frames uint8 (N, H, W, 3), scaled down (INTER_AREA) to at most `pixels` pixels each; smaller ones unchanged."""
    height, width = rgb.shape[1:3]
    scale = (pixels / (height * width)) ** 0.5
    if scale >= 1.0:
        return rgb
    size = (max(1, int(width * scale)), max(1, int(height * scale)))
    return np.stack([np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8) for frame in rgb])
