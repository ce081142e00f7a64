"""How a network that was trained on people's own posts rates this reel: one signal, and which seconds speak for it.

No model is shipped: without one that was added with `virality weights add`, the answer is a Skipped that says how.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from virality_core.config import signals
from virality_core.errors import WeightsError
from virality_core.models import device as devices
from virality_core.models import weights
from virality_core.models.vision import r2plus1d_checkpoint
from virality_core.models.vision.r2plus1d import freeze_last_frame, on_device, resize_and_crop, video_outputs
from virality_core.models.vision.r2plus1d_checkpoint import Card, Task
from virality_core.scorers.base import Scorer
from virality_core.types import (
    ClipBatch,
    Details,
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

NO_MODEL = (
    "No virality network was added: train one on your own posts with “virality preprocess” and “virality train "
    "virality”, and add it with “virality weights add RUN_DIR”."
)
_TASKS: tuple[Task, ...] = ("classification", "regression")  # of both, the first there is gives the signal's value


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """What one network answers: `value` of the whole reel and of each clip, 0–1, and the clips' standard deviation.

    A classification's is the probability to do better than the stated quantile of its training posts; a regression's is
    the virality score (training/virality_label.py).
    """

    task: Task
    value: float
    spread: float
    clips: tuple[float, ...]
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ViralityDetails(Details):
    """Of the classification and the regression network, whichever were added."""

    probability: Rated | None
    score: Rated | None


class _Network:
    """A loaded network with its card."""

    def __init__(self, task: Task, profile: Profile, device: torch.device) -> None:
        files = weights.resolve_component(component_of(task), profile)
        self.model: ModelInfo = files.model_info(component_of(task))
        network, self.card = r2plus1d_checkpoint.load(files.paths[component_of(task)].parent)
        if self.card.task != task:
            raise WeightsError(f"The model added for {task} is one for {self.card.task}; add it anew.")
        self._network = on_device(network, device)
        self._device = device

    def rate(self, clips: ClipBatch) -> Rated:
        """What the network says; the mean is taken of the outputs, before they become probabilities.

        Raises:
            WeightsError: it answers with no number, as weights beyond all measure make it.
        """
        card = self.card
        rgb = freeze_last_frame(clips.rgb, clips.seconds) if card.padding == "last" else clips.rgb
        clips_in = torch.from_numpy(resize_and_crop(rgb, card.input))
        outputs = video_outputs(self._network, clips_in, self._device).double()
        if not bool(torch.isfinite(outputs).all()):
            raise WeightsError(f"The {card.task} network that was added answers with no number; train it anew.")
        each = _answers(card, outputs)
        return Rated(
            task=card.task,
            value=float(_answers(card, outputs.mean()[None])[0]),
            spread=float(each.std()),
            clips=tuple(each.tolist()),
            model=self.model.id,
        )


class ViralityScorer(Scorer):
    """R(2+1)D on clips of 16 frames at 15 a second, spread evenly over the reel. Signal: `virality`, 0–1."""

    names: ClassVar[tuple[str, ...]] = ("virality",)

    def __init__(self, *, profile: Profile = "auto", device: torch.device | None = None) -> None:
        """Load what was added. What can't be used is said in the Skipped: it must not stop the other signals."""
        self._networks: list[_Network] = []
        self._why_not = NO_MODEL
        added = {entry.component for entry in weights.entries()}
        for task in _TASKS:
            if component_of(task) in added:
                try:
                    self._networks.append(_Network(task, profile, device or devices.choose()))
                except WeightsError as error:
                    self._why_not = str(error)
        if self._networks:
            count = max(network.card.clips for network in self._networks)
            self.plan = Plan(clips=count)  # type: ignore[misc]  # without a network no clip is decoded

    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Signal | Skipped]:  # noqa: ARG002
        """Rate the reel's clips; see `Scorer.score`."""
        if not self._networks:
            return [Skipped(name="virality", reason=self._why_not)]
        if reel.clips is None:
            return [Skipped(name="virality", reason="The reel has no clip that could be decoded.")]
        clips = _distinct(reel.clips)
        rated = []
        for place, network in enumerate(self._networks):
            progress("virality", place / len(self._networks))
            rated.append(network.rate(clips))
        by_task = {one.task: one for one in rated}
        first, card = rated[0], self._networks[0].card
        percentile = _percentile(first.value, card)
        rating = signals.rate("virality", first.value)
        signal = Signal(
            name="virality",
            value=first.value,
            unit="probability" if first.task == "classification" else "virality score, 0 to 1",
            native_range=(0.0, 1.0),
            desirability=rating.desirability if percentile is None else percentile,
            percentile=percentile,
            reference=rating.reference
            if percentile is None
            else f"the {card.held_out} held-out posts of the data it was trained on",
            timeline=Timeline(seconds=clips.seconds.mean(axis=1), values=np.array(first.clips)),
            model=self._networks[0].model,
            details=ViralityDetails(probability=by_task.get("classification"), score=by_task.get("regression")),
        )
        return [signal]


def component_of(task: Task) -> str:
    """The manifest's component (and id) of a task's network."""
    return f"virality-{task}"


def _answers(card: Card, outputs: torch.Tensor) -> NDArray[np.float64]:
    answers = card.centre + card.spread * outputs if card.task == "regression" else torch.sigmoid(outputs)
    bounded: NDArray[np.float64] = answers.clamp(0.0, 1.0).numpy()
    return bounded


def _percentile(value: float, card: Card) -> float | None:
    if not card.quantiles:
        return None
    return float(np.interp(value, card.quantiles, np.arange(1.0, 100.0)))


def _distinct(clips: ClipBatch) -> ClipBatch:
    """Each clip once: of a reel as short as a clip all are the same."""
    _, first = np.unique(clips.seconds[:, 0], return_index=True)
    return ClipBatch(rgb=clips.rgb[first], seconds=clips.seconds[first])
