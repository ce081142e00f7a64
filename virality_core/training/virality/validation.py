"""What the averaged weights make of the validation part after an epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from virality_core.models.vision.r2plus1d import on_device, r2plus1d, video_outputs
from virality_core.models.vision.r2plus1d_checkpoint import Task
from virality_core.training.evaluation.metrics import spearman
from virality_core.training.virality.dataset import VideoDataset, loader
from virality_core.training.virality.objective import Objective
from virality_core.training.virality.settings import TrainSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """The mean loss, and of each video the answer, its score and whether it is viral, in the order of the rows."""

    loss: float
    answers: list[float]
    scores: list[float]
    viral: list[bool]


def validate(
    accelerator: Any,
    settings: TrainSettings,
    average: Mapping[str, Tensor],
    dataset: VideoDataset,
    objective: Objective,
) -> Validated:
    """Judge every row of the dataset; each process takes its share, all get the same answer."""
    from accelerate.utils import gather_object

    network = r2plus1d(settings.architecture)
    network.load_state_dict(dict(average))
    network = on_device(network.eval(), accelerator.device)
    share = list(range(accelerator.process_index, len(dataset), accelerator.num_processes))
    found: list[tuple[int, float]] = []
    for clips, _, _, place in loader(dataset, [[one] for one in share], workers=settings.workers):
        outputs = video_outputs(network, clips[0], accelerator.device)
        found.append((int(place), float(outputs.mean())))
    everything = dict(gather_object(found))
    output = torch.tensor([everything[place] for place in range(len(dataset))])
    score = torch.tensor([row.score for row in dataset.rows], dtype=torch.float32)
    viral = torch.tensor([row.is_viral for row in dataset.rows], dtype=torch.float32)
    return Validated(
        loss=float(objective.loss(output, score, viral)),
        answers=objective.answer(output).double().tolist(),
        scores=score.double().tolist(),
        viral=[row.is_viral for row in dataset.rows],
    )


def figure_of(found: Validated, task: Task) -> tuple[float | None, str]:
    """The task's figure (ROC-AUC, or Spearman's correlation) and how it is said; None where it is not defined."""
    if task == "classification":
        auc = rank_auc(np.array(found.answers), np.array(found.viral))
        return auc, "ROC-AUC not defined with one class" if auc is None else f"ROC-AUC {auc:.3f}"
    rho = spearman(np.array(found.answers), np.array(found.scores))
    return rho, "Spearman's correlation not defined" if rho is None else f"Spearman {rho:.3f}"


def rank_auc(answers: np.ndarray[Any, Any], viral: np.ndarray[Any, Any]) -> float | None:
    """The share of pairs, one viral and one not, that are in the right order; ties count half. None with one class."""
    positive, negative = answers[viral], answers[~viral]
    if not len(positive) or not len(negative):
        return None
    higher = (positive[:, None] > negative[None]).mean() + 0.5 * (positive[:, None] == negative[None]).mean()
    return float(higher)
