"""What training minimizes, and how the learning rate and the trainable stages change over a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from virality_core.models.vision.r2plus1d import STAGES
from virality_core.training.virality.manifest import Row
from virality_core.training.virality.settings import TrainSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """The loss of a task, with constants of the training part.

    Classification: binary cross-entropy of the logit, weighted so that both classes weigh the same in total and the
    mean weight is 1. Regression: the squared error of the output against (score − center) / spread.
    """

    settings: TrainSettings
    class_weights: tuple[float, float]  # not viral, viral
    center: float
    spread: float

    def loss(self, output: Tensor, score: Tensor, viral: Tensor) -> Tensor:
        """The mean loss of outputs (N,) for scores (N,) in 0–1 and viral (N,) 0 or 1."""
        if self.settings.task == "regression":
            return F.mse_loss(output, (score - self.center) / self.spread)
        smooth = self.settings.label_smoothing
        weight = torch.where(viral > 0.5, self.class_weights[1], self.class_weights[0])
        target = viral * (1 - smooth) + smooth / 2
        return (weight * F.binary_cross_entropy_with_logits(output, target, reduction="none")).mean()

    def answer(self, output: Tensor) -> Tensor:
        """Outputs (N,) → probabilities, or scores that may lie a little outside 0–1."""
        if self.settings.task == "regression":
            return self.center + self.spread * output
        return torch.sigmoid(output)


def objective_of(rows: Sequence[Row], settings: TrainSettings) -> Objective:
    """The objective for a training part. Where that has one class, both weights are 1."""
    scores = np.array([row.score for row in rows])
    share = float(np.mean([row.is_viral for row in rows]))
    weights = (1.0, 1.0)
    if settings.class_weights and 0.0 < share < 1.0:
        weights = (0.5 / (1.0 - share), 0.5 / share)
    regression = settings.task == "regression"
    return Objective(
        settings=settings,
        class_weights=weights,
        center=float(scores.mean()) if regression else 0.0,
        spread=max(float(scores.std()), 1e-3) if regression else 1.0,
    )


def rate_at(step: int, steps: int, warmup: float) -> float:
    """The share of the full learning rate at a step: a linear rise, then half a cosine down to 0."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1.0 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def set_trainable(network: nn.Module, epoch: int, stage_epochs: int) -> int:
    """Unfreeze the last stages, one more every `stage_epochs` epochs; returns how many. 0: all of them, always.

    A frozen stage is in evaluation mode too: its batch normalization keeps its statistics.
    """
    count = len(STAGES) if stage_epochs == 0 else min(len(STAGES), 1 + epoch // stage_epochs)
    network.train()
    for index, name in enumerate(STAGES):
        trainable = index >= len(STAGES) - count
        network.get_submodule(name).requires_grad_(trainable).train(trainable)
    return count


def parameter_groups(network: nn.Module, settings: TrainSettings, *, pretrained: bool) -> list[dict[str, object]]:
    """AdamW's groups: body and head, each with and without decay (biases and normalization have none).

    `share` is the group's share of the learning rate.
    """
    groups: list[dict[str, object]] = []
    head = {id(parameter) for parameter in network.get_submodule("fc").parameters()}
    for in_head in (False, True):
        for decays in (True, False):
            chosen: list[nn.Parameter] = [
                parameter
                for parameter in network.parameters()
                if (id(parameter) in head) == in_head and (parameter.ndim > 1) == decays
            ]
            share = 1.0 if in_head or not pretrained else settings.body_factor
            decay = settings.weight_decay if decays else 0.0
            groups.append({"params": chosen, "weight_decay": decay, "share": share})
    return groups
