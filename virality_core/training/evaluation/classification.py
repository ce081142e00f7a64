"""How well probabilities tell viral posts from others: figures, curves, confusion, calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from virality_core.training.evaluation.metrics import Values, with_intervals

ONE_CLASS = "All posts of this part are of one class, so ROC-AUC and PR-AUC are not defined."
_BINS = 10
_MOST_POINTS = 400  # of a curve, in metrics.json


def figures(viral: Values, probability: Values) -> dict[str, float | None]:
    """Accuracy, precision, recall, F1 (viral above 0.5), ROC-AUC, PR-AUC (average precision) and Brier score.

    Precision is not defined where nothing is called viral, recall where nothing is.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    truth, called = viral > 0.5, probability > 0.5
    right = float(np.sum(truth & called))
    precision = right / float(called.sum()) if called.any() else None
    recall = right / float(truth.sum()) if truth.any() else None
    both = bool(truth.any() and not truth.all())
    total = float(called.sum() + truth.sum())
    return {
        "accuracy": float(np.mean(truth == called)),
        "precision": precision,
        "recall": recall,
        "f1": 2 * right / total if total else None,
        "roc_auc": float(roc_auc_score(truth, probability)) if both else None,
        "pr_auc": float(average_precision_score(truth, probability)) if both else None,
        "brier": float(np.mean((probability - viral) ** 2)),
    }


def evaluate(viral: Values, probability: Values, groups: NDArray[np.int64], *, seed: int = 0) -> dict[str, Any]:
    """Everything that metrics.json holds on a classification. viral 0 or 1, probability 0–1, groups: (N,) each."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    truth = viral > 0.5
    both = bool(truth.any() and not truth.all())
    result: dict[str, Any] = {
        "figures": with_intervals(figures, viral, probability, groups, seed=seed),
        "undefined": [] if both else [ONE_CLASS],
        "confusion": _confusion(truth, probability > 0.5),
        "calibration": calibration(viral, probability),
        "roc": None,
        "precision_recall": None,
    }
    if both:
        false_rate, true_rate, _ = roc_curve(truth, probability)
        precision, recall, _ = precision_recall_curve(truth, probability)
        result["roc"] = {"false_positive_rate": _thin(false_rate), "true_positive_rate": _thin(true_rate)}
        result["precision_recall"] = {"recall": _thin(recall), "precision": _thin(precision)}
    return result


def calibration(viral: Values, probability: Values) -> dict[str, Any]:
    """Of each tenth of the probabilities that has posts: their mean, the share that is viral, how many.

    `error` is the expected calibration error: the distances of both, weighted by how many (Naeini et al., AAAI 2015).
    """
    bins = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    used = [bins == one for one in range(_BINS) if np.any(bins == one)]
    mean = [float(probability[own].mean()) for own in used]
    share = [float(viral[own].mean()) for own in used]
    count = [int(own.sum()) for own in used]
    error = sum(n * abs(a - b) for n, a, b in zip(count, mean, share, strict=True)) / len(viral)
    return {"probability": mean, "share": share, "count": count, "error": error}


def _confusion(truth: NDArray[np.bool_], called: NDArray[np.bool_]) -> list[list[int]]:
    """[[right negatives, false positives], [false negatives, right positives]]."""
    return [[int(np.sum((truth == row) & (called == column))) for column in (False, True)] for row in (False, True)]


def _thin(values: NDArray[np.float64]) -> list[float]:
    step = np.unique(np.linspace(0, len(values) - 1, min(len(values), _MOST_POINTS)).round().astype(int))
    thinned: list[float] = np.asarray(values, np.float64)[step].tolist()
    return thinned
