"""The charts of an evaluation and a training run: shown on the Train page, saved as PNG by `evaluate virality`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt

from virality_core.training.evaluation.runs import Epoch

_HEIGHT = 260  # pixels
_SERIES = ["model", "chance"]
_UNIT = alt.Scale(domain=[0, 1], nice=False)


def charts(evaluation: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    """File name → (title, chart) of each plot that the task has; `evaluation` is what metrics.json holds."""
    model = evaluation["model"]
    if evaluation["task"] == "regression":
        return {
            "predicted": ("Predicted against actual", _predicted(model["scatter"])),
            "residuals": ("Residuals", _residuals(model["scatter"])),
        }
    found: dict[str, tuple[str, Any]] = {}
    if model["roc"] is not None:
        found["roc"] = ("ROC", _roc(model["roc"]))
        found["precision_recall"] = ("Precision and recall", _precision_recall(model))
    found["confusion"] = ("Confusion (viral above 0.5)", _confusion(model["confusion"]))
    found["calibration"] = ("Calibration", _calibration(model["calibration"]))
    return found


def save(evaluation: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw each chart as a PNG file, without a display or browser; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, (title, chart) in charts(evaluation).items():
        path, part = folder / f"{name}.png", folder / f".{name}.part.png"
        chart.properties(title=title, width=_HEIGHT, background="white").save(str(part), format="png", scale_factor=2)
        os.replace(part, path)
        paths.append(path)
    return paths


def losses(epochs: Sequence[Epoch]) -> Any:
    """Training and validation loss by epoch."""
    rows = [
        {"epoch": one.epoch, "loss": loss, "part": part}
        for one in epochs
        for part, loss in (("training", one.train_loss), ("validation", one.val_loss))
    ]
    return (
        _chart(rows)
        .mark_line(point=True)
        .encode(
            x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("loss:Q", scale=alt.Scale(zero=False)),
            color=alt.Color("part:N", title=None, legend=alt.Legend(orient="bottom")),
        )
    )


def _roc(curve: Mapping[str, Any]) -> Any:
    rates = (curve["false_positive_rate"], curve["true_positive_rate"])
    return _curve(rates, ([0, 1], [0, 1]), "share of others called viral", "share of viral posts found")


def _precision_recall(model: Mapping[str, Any]) -> Any:
    negatives, positives = (sum(row) for row in model["confusion"])
    share = positives / (positives + negatives)
    curve = model["precision_recall"]
    return _curve((curve["recall"], curve["precision"]), ([0, 1], [share, share]), "recall", "precision")


def _calibration(curve: Mapping[str, Any]) -> Any:
    points = (curve["probability"], curve["share"])
    return _curve(points, ([0, 1], [0, 1]), "mean probability", "share that was viral")


def _curve(
    model: tuple[Sequence[float], Sequence[float]], chance: tuple[list[float], list[float]], x: str, y: str
) -> Any:
    rows = [
        {"series": series, "x": across, "y": up, "order": order}
        for series, points in zip(_SERIES, (model, chance), strict=True)
        for order, (across, up) in enumerate(zip(*points, strict=True))
    ]
    scale = alt.Scale(domain=_SERIES)
    return (
        _chart(rows)
        .mark_line(interpolate="linear")
        .encode(
            x=alt.X("x:Q", title=x, scale=_UNIT),
            y=alt.Y("y:Q", title=y, scale=_UNIT),
            color=alt.Color("series:N", title=None, scale=scale, legend=alt.Legend(orient="bottom")),
            strokeDash=alt.StrokeDash("series:N", legend=None, scale=alt.Scale(domain=_SERIES, range=[[1, 0], [4, 4]])),
            order="order:Q",
        )
    )


def _confusion(counts: Sequence[Sequence[int]]) -> Any:
    names = ("not viral", "viral")
    rows = [
        {"was": names[was], "called": names[called], "posts": count}
        for was, row in enumerate(counts)
        for called, count in enumerate(row)
    ]
    base = _chart(rows).encode(
        x=alt.X("called:N", title="called", axis=alt.Axis(labelAngle=0)), y=alt.Y("was:N", title="was")
    )
    shade = base.mark_rect(opacity=0.35).encode(
        opacity=alt.Opacity("posts:Q", legend=None, scale=alt.Scale(range=[0.05, 0.5]))
    )
    return alt.layer(shade, base.mark_text(fontSize=20, fill="currentColor").encode(text="posts:Q"))


def _predicted(scatter: Mapping[str, Sequence[float]]) -> Any:
    score, predicted = scatter["score"], scatter["predicted"]
    ends = [min(*score, *predicted), max(*score, *predicted)]
    diagonal = _chart([{"score": end, "predicted": end} for end in ends])
    return alt.layer(
        _points([{"score": a, "predicted": b} for a, b in zip(score, predicted, strict=True)], "score", "predicted"),
        diagonal.mark_line(strokeDash=[4, 4]).encode(x="score:Q", y="predicted:Q"),
    )


def _residuals(scatter: Mapping[str, Sequence[float]]) -> Any:
    pairs = zip(scatter["score"], scatter["predicted"], strict=True)
    rows = [{"predicted": predicted, "residual": score - predicted} for score, predicted in pairs]
    zero = _chart([{"residual": 0}]).mark_rule(strokeDash=[4, 4]).encode(y="residual:Q")
    return alt.layer(_points(rows, "predicted", "residual", "score less predicted"), zero)


def _points(rows: Sequence[Mapping[str, float]], x: str, y: str, y_title: str | None = None) -> Any:
    return (
        _chart(rows).mark_circle(opacity=0.6).encode(x=alt.X(f"{x}:Q", title=x), y=alt.Y(f"{y}:Q", title=y_title or y))
    )


def _chart(rows: Sequence[Mapping[str, Any]]) -> Any:  # altair's own types don't fit what its methods return
    return alt.Chart(alt.Data(values=list(rows)), height=_HEIGHT)  # type: ignore[no-untyped-call]
