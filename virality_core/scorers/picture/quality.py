"""The video's technical quality as viewers would rate it (VSFA): one signal, and its course over the reel."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from virality_core.errors import WeightsError
from virality_core.media import open_reel
from virality_core.media.container.source import VideoSource
from virality_core.media.decoding.frame_sampler import every_frame
from virality_core.models import device as devices
from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.vision import vsfa, vsfa_lite
from virality_core.models.weights import ComponentFiles, DigestMismatch, Variant
from virality_core.scorers.base import NO_FRAME, Answer, Scorer, rated
from virality_core.scorers.findings import PLAN, diagnose
from virality_core.scorers.measures.letterbox import picture_box
from virality_core.scorers.picture.look import LookScorer
from virality_core.scorers.picture.pacing import PacingScorer
from virality_core.types import (
    Details,
    Finding,
    FrameBatch,
    ModelInfo,
    Plan,
    Platform,
    Post,
    Profile,
    Progress,
    Reel,
    Signal,
    Skipped,
    Timeline,
    no_progress,
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


class QualityNetwork(ABC):
    """A loaded network that answers `quality`. `variant` is its entry in signals.toml, None for the main one."""

    model: ModelInfo
    unit: str
    native_range: tuple[float, float]
    variant: str | None = None

    @abstractmethod
    def sampled(self, frames: FrameBatch, frame_rate: float, progress: Progress) -> Signal:
        """Rate a reel by its stills; `frame_rate` is the reel's own, in frames per second."""

    def every_frame(self, batches: Iterable[FrameBatch], progress: Progress) -> Signal | None:  # noqa: ARG002
        """Rate a reel by all its frames; None where this network can't."""
        return None

    def _signal(
        self, value: float, seconds: NDArray[np.float64], values: NDArray[np.float64], tau: int, protocol: str
    ) -> Signal:
        """Of the video's value and each frame's, (T,) at `seconds` (T,)."""
        return rated(
            "quality",
            float(np.clip(value, *self.native_range)),
            variant=self.variant,
            unit=self.unit,
            native_range=self.native_range,
            timeline=Timeline(seconds=seconds, values=values),
            model=self.model,
            details=QualityDetails(protocol=protocol, frames=len(seconds), tau_frames=tau),
        )


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

    def sampled(self, frames: FrameBatch, frame_rate: float, progress: Progress) -> Signal:
        """Rate the stills; see `SAMPLED`."""
        small = shrink(frames.rgb, SAMPLED_PIXELS)
        size = vsfa.batch_size(small.shape[1], small.shape[2], self._device)
        features = []
        for start in range(0, len(small), size):
            progress("quality", start / len(small))
            features.append(vsfa.features_of(self._features, small[start : start + size]).cpu())
        return self._predict(torch.cat(features), frames.seconds, tau_of(frames.seconds, frame_rate), SAMPLED)

    def every_frame(self, batches: Iterable[FrameBatch], progress: Progress) -> Signal:
        """Rate every frame; see `EVERY_FRAME`. Memory: the features, 16 KB per frame, besides a batch."""
        features, seconds = [], []
        for batch in batches:
            features.append(vsfa.features_of(self._features, batch.rgb).cpu())
            seconds.append(batch.seconds)
            progress("quality", 0.0)  # the reader of the frames reports how far it is
        return self._predict(torch.cat(features), np.concatenate(seconds), vsfa.TAU_FRAMES, EVERY_FRAME)

    def _predict(self, features: torch.Tensor, seconds: NDArray[np.float64], tau: int, protocol: str) -> Signal:
        with torch.inference_mode():
            video, frames = self._head(features[None], torch.tensor([len(features)]), tau=tau)
        return self._signal(float(video[0]), seconds, frames[0].double().numpy(), tau, protocol)


class VsfaLite(QualityNetwork):
    """VSFA-lite: crops of the stills through NIMA's MobileNet, our head, the same temporal pooling."""

    unit = "predicted VMAF"
    native_range = (0.0, 100.0)
    variant = "lite"

    def __init__(self, files: ComponentFiles, device: torch.device) -> None:
        self.model = files.model_info("vsfa-lite")
        self._network = vsfa_lite.LiteQuality(load_tensors(files.paths["vsfa-lite"]), device)

    def sampled(self, frames: FrameBatch, frame_rate: float, progress: Progress) -> Signal:
        """Rate crops of the stills; see `CROPS`."""
        tau = tau_of(frames.seconds, frame_rate)
        pictures = picture_box(frames.rgb).cut_all(frames.rgb)
        value, values = self._network.score(pictures, tau, lambda share: progress("quality", share))
        return self._signal(100.0 * value, frames.seconds, 100.0 * values, tau, CROPS)


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

    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Answer]:  # noqa: ARG002
        """Rate the reel's stills; see `Scorer.score`."""
        if self._network is None or len(reel.frames) == 0:
            return self.skip_all(NO_FRAME if self._network else self._missing)
        signal = self._network.sampled(reel.frames, reel.info.frame_rate, progress)
        progress(self.stage, 1.0)
        return [signal]

    def score_every_frame(self, source: VideoSource, progress: Progress, name: str | None = None) -> Answer:
        """Rate a file by all its frames at native size, as published: minutes on a CPU. Errors as `every_frame`."""
        if self._network is None:
            return Skipped(name="quality", reason=self._missing)
        signal = self._network.every_frame(every_frame(source, name=name, progress=progress), progress)
        reason = f"{self._network.model.id} rates samples of a reel only; rating every frame takes the full model."
        return signal or Skipped(name="quality", reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QualityReading:
    """The quality signal of one video, or why there is none, and the findings."""

    quality: Answer
    findings: tuple[Finding, ...]


class QualityReader:
    """Rates video files without a post, for the command line. Holds the quality network, and no video."""

    def __init__(self, *, profile: Profile = "auto") -> None:
        """Load the weights. Raises WeightsError as `QualityScorer` does."""
        self._quality = QualityScorer(profile=profile)
        self._look = LookScorer()
        self._pacing = PacingScorer()

    def read(
        self,
        path: Path,
        platform: Platform | None = None,
        *,
        every_frame: bool = False,
        progress: Progress = no_progress,
    ) -> QualityReading:
        """Rate one file.

        Args:
            path: the video.
            platform: where it will be posted, which decides what bit rate and size are asked for.
            every_frame: rate all frames at native size, as VSFA was published, instead of stills.
            progress: called with (stage, fraction); may raise Cancelled.

        Raises:
            InputError: it can't be read.
        """
        post = Post(platform=platform)
        reel = open_reel(path, self._quality.plan | self._look.plan | PLAN, progress=progress)
        measured = [*self._look.score(reel, post, progress), *self._pacing.score(reel, post, progress)]
        findings = diagnose(reel, post, [answer for answer in measured if isinstance(answer, Signal)])
        if every_frame:
            quality = self._quality.score_every_frame(path, progress)
        else:
            (quality,) = self._quality.score(reel, post, progress)
        return QualityReading(quality=quality, findings=findings)


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
