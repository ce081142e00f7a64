"""Figures of a virality network, with bootstrap intervals. An undefined figure is None with its reason, never NaN."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from virality_core.training.statistics import Array, Index, author_bootstrap, interval, spearman

#: Truth (N,) and answers (N,) → figures by name; None where one is undefined.
Measure = Callable[[Array, Array], Mapping[str, float | None]]

ONE_CLASS = "All posts of this part are of one class, so ROC-AUC and PR-AUC are not defined."
CONSTANT = "All scores or all predictions are the same, so correlations are not defined."
_DRAWS = 500
_BINS = 10
_MAX_CURVE_POINTS, _MAX_SCATTER_POINTS = 400, 2000  # in metrics.json


def with_intervals(
    measure: Measure, truth: Array, answers: Array, authors: Index, *, draws: int = _DRAWS
) -> dict[str, dict[str, float | None]]:
    """Each figure as {"value", "low", "high"}, the latter the ends of its 95 % author-bootstrap interval.

    Samples in which a figure is undefined are left out; where that is every tenth or more, the interval is None.
    """
    values = measure(truth, answers)
    samples = [measure(truth[rows], answers[rows]) for rows in author_bootstrap(authors, draws)]
    several = len(np.unique(authors)) > 1
    figures: dict[str, dict[str, float | None]] = {}
    for name, value in values.items():
        defined = [sample[name] for sample in samples if sample[name] is not None]
        found = interval(defined) if value is not None and several and len(defined) > 0.9 * draws else None
        figures[name] = {"value": value, "low": found and found[0], "high": found and found[1]}
    return figures


def classification_figures(viral: Array, probability: Array) -> dict[str, float | None]:
    """Accuracy, precision, recall, F1 (viral above 0.5), ROC-AUC, PR-AUC (average precision) and Brier score.

    Precision is undefined where nothing is predicted viral, recall where nothing is viral.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    truth, predicted = viral > 0.5, probability > 0.5
    hits = float(np.sum(truth & predicted))
    both = bool(truth.any() and not truth.all())
    total = float(predicted.sum() + truth.sum())
    return {
        "accuracy": float(np.mean(truth == predicted)),
        "precision": hits / float(predicted.sum()) if predicted.any() else None,
        "recall": hits / float(truth.sum()) if truth.any() else None,
        "f1": 2 * hits / total if total else None,
        "roc_auc": float(roc_auc_score(truth, probability)) if both else None,
        "pr_auc": float(average_precision_score(truth, probability)) if both else None,
        "brier": float(np.mean((probability - viral) ** 2)),
    }


def evaluate_classification(viral: Array, probability: Array, authors: Index) -> dict[str, Any]:
    """What metrics.json holds on a classification. viral 0 or 1, probability 0–1, authors: (N,) each."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    truth = viral > 0.5
    result: dict[str, Any] = {
        "figures": with_intervals(classification_figures, viral, probability, authors),
        "undefined": [ONE_CLASS],
        "confusion": _confusion(truth, probability > 0.5),
        "calibration": calibration(viral, probability),
        "roc": None,
        "precision_recall": None,
    }
    if truth.any() and not truth.all():
        false_rate, true_rate, _ = roc_curve(truth, probability)
        precision, recall, _ = precision_recall_curve(truth, probability)
        result["undefined"] = []
        result["roc"] = {"false_positive_rate": _thin(false_rate), "true_positive_rate": _thin(true_rate)}
        result["precision_recall"] = {"recall": _thin(recall), "precision": _thin(precision)}
    return result


def calibration(viral: Array, probability: Array) -> dict[str, Any]:
    """Mean probability, share viral and count of each tenth of the probabilities that has posts.

    `error` is the expected calibration error: the distances of the first two, weighted by count (Naeini et al., AAAI
    2015).
    """
    bins = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    members = [bins == one for one in np.unique(bins)]
    mean = [float(probability[chosen].mean()) for chosen in members]
    share = [float(viral[chosen].mean()) for chosen in members]
    count = [int(chosen.sum()) for chosen in members]
    error = sum(n * abs(a - b) for n, a, b in zip(count, mean, share, strict=True)) / len(viral)
    return {"probability": mean, "share": share, "count": count, "error": error}


def regression_figures(score: Array, predicted: Array) -> dict[str, float | None]:
    """MSE, RMSE, MAE, R² (against the mean of these posts), Spearman's and Pearson's correlation.

    R² and the correlations are undefined where all scores are equal, the correlations also where all predictions are.
    """
    error = predicted - score
    variation = float(np.sum((score - score.mean()) ** 2))
    mse = float(np.mean(error**2))
    return {
        "mse": mse,
        "rmse": float(np.sqrt(mse)),
        "mae": float(np.mean(np.abs(error))),
        "r2": 1.0 - float(np.sum(error**2)) / variation if variation > 0 else None,
        "spearman": spearman(score, predicted),
        "pearson": pearson(score, predicted),
    }


def evaluate_regression(score: Array, predicted: Array, authors: Index) -> dict[str, Any]:
    """What metrics.json holds on a regression. score, predicted (0–1), authors: (N,) each."""
    figures = with_intervals(regression_figures, score, predicted, authors)
    return {
        "figures": figures,
        "undefined": [] if figures["spearman"]["value"] is not None else [CONSTANT],
        "scatter": {"score": _thin(score, _MAX_SCATTER_POINTS), "predicted": _thin(predicted, _MAX_SCATTER_POINTS)},
    }


def pearson(a: Array, b: Array) -> float | None:
    """Pearson's correlation; None where one side is constant, or there are fewer than two values."""
    if len(a) < 2 or min(a.std(), b.std()) <= 1e-12:
        return None
    return float(np.clip(np.corrcoef(a, b)[0, 1], -1.0, 1.0))


def _confusion(truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> list[list[int]]:
    """[[true negatives, false positives], [false negatives, true positives]]."""
    return [[int(np.sum((truth == row) & (predicted == column))) for column in (False, True)] for row in (False, True)]


def _thin(values: Array, limit: int = _MAX_CURVE_POINTS) -> list[float]:
    step = np.unique(np.linspace(0, len(values) - 1, min(len(values), limit)).round().astype(int))
    thinned: list[float] = np.asarray(values, np.float64)[step].tolist()
    return thinned
