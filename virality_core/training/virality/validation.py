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
from virality_core.training.statistics import spearman
from virality_core.training.virality.dataset import VideoDataset, loader
from virality_core.training.virality.objective import Objective
from virality_core.training.virality.settings import TrainSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """The mean loss, and each video's answer, score and class, in the order of the rows."""

    loss: float
    answers: list[float]
    scores: list[float]
    viral: list[bool]

    def figure(self, task: Task) -> tuple[float | None, str]:
        """The task's figure (ROC-AUC, or Spearman's correlation) and its text; None where it is undefined."""
        if task == "regression":
            rho = spearman(np.array(self.answers), np.array(self.scores))
            return rho, "Spearman's correlation not defined" if rho is None else f"Spearman {rho:.3f}"
        if len(set(self.viral)) < 2:
            return None, "ROC-AUC not defined with one class"
        from sklearn.metrics import roc_auc_score

        auc = float(roc_auc_score(self.viral, self.answers))
        return auc, f"ROC-AUC {auc:.3f}"


def validate(
    accelerator: Any,
    settings: TrainSettings,
    average: Mapping[str, Tensor],
    dataset: VideoDataset,
    objective: Objective,
) -> Validation:
    """Run every row of the dataset; each process takes its share, all get the same result."""
    from accelerate.utils import gather_object

    network = r2plus1d(settings.architecture)
    network.load_state_dict(dict(average))
    network = on_device(network.eval(), accelerator.device)
    share = range(accelerator.process_index, len(dataset), accelerator.num_processes)
    found: list[tuple[int, float]] = []
    for clips, _, _, index in loader(dataset, [[one] for one in share], workers=settings.workers):
        found.append((int(index), float(video_outputs(network, clips[0], accelerator.device).mean())))
    by_index = dict(gather_object(found))
    output = torch.tensor([by_index[index] for index in range(len(dataset))])
    score = torch.tensor([row.score for row in dataset.rows], dtype=torch.float32)
    viral = torch.tensor([row.is_viral for row in dataset.rows], dtype=torch.float32)
    return Validation(
        loss=float(objective.loss(output, score, viral)),
        answers=objective.answer(output).double().tolist(),
        scores=score.double().tolist(),
        viral=[row.is_viral for row in dataset.rows],
    )
