"""How good the video is technically, as viewers would rate it (VSFA): one signal, and its course over the reel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from virality_core.config import signals
from virality_core.errors import WeightsError
from virality_core.media.container.source import VideoSource
from virality_core.media.decoding.every_frame import every_frame
from virality_core.models import device as devices
from virality_core.models import weights
from virality_core.models.weights import DigestMismatch
from virality_core.scorers.base import Scorer
from virality_core.scorers.picture.quality_networks import Judgement, Network, load
from virality_core.types import Details, Plan, Post, Profile, Progress, Reel, Signal, Skipped, Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityDetails(Details):
    """How the answer was made: which frames the network saw, how many, and τ of the temporal pooling in them."""

    protocol: str
    frames: int
    tau_frames: int


class QualityScorer(Scorer):
    """VSFA on the reel's stills. Signal: `quality`, in the native unit of the network that the profile could have.

    Where no network can be had, the answer is a Skipped that says why, and the report's findings stand without it.
    """

    names: ClassVar[tuple[str, ...]] = ("quality",)
    plan: ClassVar[Plan] = Plan(stills=16)

    def __init__(self, *, profile: Profile = "auto", device: torch.device | None = None) -> None:
        """Load the weights, if there are any.

        Raises:
            WeightsError: the profile is `full` and its weights can't be had, or a file is damaged.
        """
        self._network: Network | None = None
        self._why_not = ""
        try:
            files = weights.resolve_component("quality", profile)
        except DigestMismatch:
            raise
        except WeightsError as error:
            if profile == "full":
                raise
            self._why_not = str(error)
        else:
            self._network = load(files, device or devices.choose())

    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Signal | Skipped]:  # noqa: ARG002
        """Judge the reel's stills; see `Scorer.score`."""
        if self._network is None:
            return [Skipped(name="quality", reason=self._why_not)]
        if len(reel.frames) == 0:
            return [Skipped(name="quality", reason="The reel has no frame that could be read.")]
        judgement = self._network.sampled(reel.frames, reel.info.frame_rate, progress)
        progress("quality", 1.0)
        return [_signal(self._network, judgement)]

    def score_every_frame(self, source: VideoSource, progress: Progress, name: str | None = None) -> Signal | Skipped:
        """Judge a file by all its frames at native size, as published: minutes on a CPU. Errors as `every_frame`."""
        if self._network is None:
            return Skipped(name="quality", reason=self._why_not)
        judgement = self._network.every_frame(every_frame(source, name=name, progress=progress), progress)
        if judgement is None:
            reason = f"{self._network.model.id} judges samples of a reel only; every frame takes the full weights."
            return Skipped(name="quality", reason=reason)
        return _signal(self._network, judgement)


def _signal(network: Network, judgement: Judgement) -> Signal:
    value = float(np.clip(judgement.value, *network.native_range))
    rating = signals.rate("quality", value, variant=network.rated_as)
    return Signal(
        name="quality",
        value=value,
        unit=network.unit,
        native_range=network.native_range,
        desirability=rating.desirability,
        percentile=rating.percentile,
        reference=rating.reference,
        timeline=Timeline(seconds=judgement.seconds, values=judgement.values),
        model=network.model,
        details=QualityDetails(
            protocol=judgement.protocol, frames=len(judgement.seconds), tau_frames=judgement.tau_frames
        ),
    )
