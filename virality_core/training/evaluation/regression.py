"""How near predicted virality scores come, and how well they rank posts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from virality_core.training.evaluation.metrics import Values, pearson, spearman, with_intervals

_MOST_POINTS = 2000  # of the scatter, in metrics.json


def figures(score: Values, predicted: Values) -> dict[str, float | None]:
    """MSE, RMSE, MAE, R² (against the mean of these posts), Spearman's and Pearson's correlation.

    R² and the correlations are not defined where all scores are the same; nor are the correlations where all
    predictions are.
    """
    error = predicted - score
    spread = float(np.sum((score - score.mean()) ** 2))
    mse = float(np.mean(error**2))
    return {
        "mse": mse,
        "rmse": float(np.sqrt(mse)),
        "mae": float(np.mean(np.abs(error))),
        "r2": 1.0 - float(np.sum(error**2)) / spread if spread > 0 else None,
        "spearman": spearman(score, predicted),
        "pearson": pearson(score, predicted),
    }


def evaluate(score: Values, predicted: Values, groups: NDArray[np.int64], *, seed: int = 0) -> dict[str, Any]:
    """Everything that metrics.json holds on a regression. score, predicted (0–1), groups: (N,) each."""
    found = with_intervals(figures, score, predicted, groups, seed=seed)
    undefined = [] if found["spearman"]["value"] is not None else ["All scores or all predictions are the same."]
    rows = np.unique(np.linspace(0, len(score) - 1, min(len(score), _MOST_POINTS)).round().astype(int))
    return {
        "figures": found,
        "undefined": undefined,
        "scatter": {"score": score[rows].tolist(), "predicted": predicted[rows].tolist()},
    }
