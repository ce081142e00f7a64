"""The plots of an evaluation as PNG files; matplotlib and seaborn draw, without a display."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_SIZE = (4.6, 4.0)  # inches


def draw(result: Mapping[str, Any], folder: Path) -> list[Path]:
    """One PNG a plot of an evaluation's `model` part (see classification.py, regression.py); returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    if result["task"] == "regression":
        plots: list[tuple[str, Callable[[Any, Mapping[str, Any]], None]]] = [
            ("predicted", _predicted),
            ("residuals", _residuals),
        ]
    else:
        plots = [("confusion", _confusion), ("calibration", _calibration)]
        if result["model"]["roc"] is not None:
            plots = [("roc", _roc), ("precision_recall", _precision_recall), *plots]
    return [_saved(folder / f"{name}.png", drawing, result["model"]) for name, drawing in plots]


def _saved(path: Path, drawing: Callable[[Any, Mapping[str, Any]], None], found: Mapping[str, Any]) -> Path:
    import seaborn
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with seaborn.axes_style("whitegrid"):
        figure = Figure(figsize=_SIZE, dpi=150, layout="constrained")
        canvas = FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        drawing(axes, found)
    part = path.with_name(f".{path.stem}.part.png")
    canvas.print_png(part)  # type: ignore[no-untyped-call]
    os.replace(part, path)
    return path


def _roc(axes: Any, found: Mapping[str, Any]) -> None:
    curve, auc = found["roc"], found["figures"]["roc_auc"]
    axes.plot(curve["false_positive_rate"], curve["true_positive_rate"], label=f"ROC-AUC {auc['value']:.3f}")
    axes.plot([0, 1], [0, 1], linestyle="--", color="grey", label="chance")
    axes.set(xlabel="share of others called viral", ylabel="share of viral posts found", title="ROC", aspect="equal")
    axes.legend(loc="lower right")


def _precision_recall(axes: Any, found: Mapping[str, Any]) -> None:
    curve, auc = found["precision_recall"], found["figures"]["pr_auc"]
    axes.step(curve["recall"], curve["precision"], where="post", label=f"PR-AUC {auc['value']:.3f}")
    negatives, positives = (sum(row) for row in found["confusion"])
    axes.axhline(positives / (positives + negatives), linestyle="--", color="grey", label="chance")
    axes.set(xlabel="recall", ylabel="precision", title="Precision and recall", ylim=(0, 1.02))
    axes.legend(loc="lower left")


def _confusion(axes: Any, found: Mapping[str, Any]) -> None:
    import seaborn

    names = ("not viral", "viral")
    seaborn.heatmap(
        found["confusion"], annot=True, fmt="d", cbar=False, cmap="Blues", xticklabels=names, yticklabels=names, ax=axes
    )
    axes.set(xlabel="called", ylabel="was", title="Confusion (viral above 0.5)")


def _calibration(axes: Any, found: Mapping[str, Any]) -> None:
    curve = found["calibration"]
    axes.plot([0, 1], [0, 1], linestyle="--", color="grey", label="calibrated")
    axes.plot(curve["probability"], curve["share"], marker="o", label=f"error {curve['error']:.3f}")
    axes.set(xlabel="mean probability", ylabel="share that was viral", title="Calibration", xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="upper left")


def _predicted(axes: Any, found: Mapping[str, Any]) -> None:
    score, predicted = found["scatter"]["score"], found["scatter"]["predicted"]
    ends = [min(*score, *predicted), max(*score, *predicted)]
    axes.plot(ends, ends, linestyle="--", color="grey")
    axes.scatter(score, predicted, s=14, alpha=0.6)
    axes.set(xlabel="score", ylabel="predicted", title="Predicted against actual")


def _residuals(axes: Any, found: Mapping[str, Any]) -> None:
    score, predicted = found["scatter"]["score"], found["scatter"]["predicted"]
    axes.axhline(0, linestyle="--", color="grey")
    axes.scatter(predicted, [a - b for a, b in zip(score, predicted, strict=True)], s=14, alpha=0.6)
    axes.set(xlabel="predicted", ylabel="score less predicted", title="Residuals")
