"""How a network trained on your own posts rates this reel: one signal, over time.

No model ships: without one that was added with `virality weights add`, the signal is skipped and says how to get one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from virality_core.errors import WeightsError
from virality_core.models import device as devices
from virality_core.models import weights
from virality_core.models.vision import r2plus1d_checkpoint
from virality_core.models.vision.r2plus1d import freeze_last_frame, on_device, resize_and_crop, video_outputs
from virality_core.models.vision.r2plus1d_checkpoint import Card, Task
from virality_core.scorers.base import Answer, Scorer, rated
from virality_core.types import ClipBatch, Details, Plan, Post, Profile, Progress, Reel, Timeline

NO_MODEL = "No virality network was added. You can train one on your own posts; the Train page shows how."
_TASKS: tuple[Task, ...] = ("classification", "regression")  # the first that was added gives the signal's value


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One network's `value` for the reel and for each clip, 0–1, and the clips' standard deviation.

    Classification: the probability of doing better than a quantile of the training posts. Regression: the virality
    score (training/virality/label.py).
    """

    task: Task
    value: float
    spread: float
    clips: tuple[float, ...]
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ViralityDetails(Details):
    """Of the classification and the regression network, whichever was added."""

    probability: Prediction | None
    score: Prediction | None


class _Network:
    """A loaded network with its card."""

    def __init__(self, task: Task, profile: Profile, device: torch.device) -> None:
        files = weights.resolve_component(component_of(task), profile)
        self.model = files.model_info(component_of(task))
        network, self.card = r2plus1d_checkpoint.load(files.paths[component_of(task)].parent)
        if self.card.task != task:
            raise WeightsError(f"The model added for {task} is one for {self.card.task}; add it again.")
        self._network = on_device(network, device)
        self._device = device

    def predict(self, clips: ClipBatch) -> Prediction:
        """The reel's value is of the mean output, before it becomes a probability.

        Raises:
            WeightsError: the outputs are not finite.
        """
        card = self.card
        rgb = freeze_last_frame(clips.rgb, clips.seconds) if card.padding == "last" else clips.rgb
        clips_in = torch.from_numpy(resize_and_crop(rgb, card.input))
        outputs = video_outputs(self._network, clips_in, self._device).double()
        if not bool(torch.isfinite(outputs).all()):
            raise WeightsError(f"The {card.task} network that was added gives no valid numbers; train it again.")
        each = _answers(card, outputs)
        return Prediction(
            task=card.task,
            value=float(_answers(card, outputs.mean()[None])[0]),
            spread=float(each.std()),
            clips=tuple(each.tolist()),
            model=self.model.id,
        )


class ViralityScorer(Scorer):
    """R(2+1)D on clips of 16 frames at 15 fps, evenly spread over the reel. Signal: `virality`, 0–1."""

    stage = "virality"
    names: ClassVar[tuple[str, ...]] = ("virality",)

    def __init__(self, *, profile: Profile = "auto", device: torch.device | None = None) -> None:
        """Load what was added. A model that can't be used skips this signal; it must not stop the others."""
        self._networks: list[_Network] = []
        self._missing = NO_MODEL
        added = {entry.component for entry in weights.entries()}
        for task in _TASKS:
            if component_of(task) in added:
                try:
                    self._networks.append(_Network(task, profile, device or devices.choose()))
                except WeightsError as error:
                    self._missing = str(error)
        if self._networks:
            count = max(network.card.clips for network in self._networks)
            self.plan = Plan(clips=count)  # type: ignore[misc]  # without a network no clip is decoded

    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Answer]:  # noqa: ARG002
        """Rate the reel's clips; see `Scorer.score`."""
        if not self._networks:
            return self.skip_all(self._missing)
        if reel.clips is None:
            return self.skip_all("The reel has no clip that could be decoded.")
        clips = _distinct(reel.clips)
        predictions = []
        for index, network in enumerate(self._networks):
            progress(self.stage, index / len(self._networks))
            predictions.append(network.predict(clips))
        by_task = {prediction.task: prediction for prediction in predictions}
        first, card = predictions[0], self._networks[0].card
        signal = rated(
            "virality",
            first.value,
            unit="probability" if first.task == "classification" else "virality score, 0 to 1",
            native_range=(0.0, 1.0),
            timeline=Timeline(seconds=clips.seconds.mean(axis=1), values=np.array(first.clips)),
            model=self._networks[0].model,
            details=ViralityDetails(probability=by_task.get("classification"), score=by_task.get("regression")),
        )
        if card.quantiles:
            percentile = float(np.interp(first.value, card.quantiles, np.arange(1.0, 100.0)))
            held_out = f"the {card.held_out} held-out posts of the data it was trained on"
            signal = replace(signal, desirability=percentile, percentile=percentile, reference=held_out)
        return [signal]


def component_of(task: Task) -> str:
    """The manifest's component (and id) of a task's network."""
    return f"virality-{task}"


def _answers(card: Card, outputs: torch.Tensor) -> NDArray[np.float64]:
    answers = card.centre + card.spread * outputs if card.task == "regression" else torch.sigmoid(outputs)
    bounded: NDArray[np.float64] = answers.clamp(0.0, 1.0).numpy()
    return bounded


def _distinct(clips: ClipBatch) -> ClipBatch:
    """Each clip once: in a reel as short as a clip they are all the same."""
    _, first = np.unique(clips.seconds[:, 0], return_index=True)
    return ClipBatch(rgb=clips.rgb[first], seconds=clips.seconds[first])
