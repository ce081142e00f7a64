"""A run's evaluation in charts and tables: the same points as its plots, drawn live in the page's colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from ui import html_text
from virality_core.training.evaluation.page import NAMES, figure_text
from virality_core.training.evaluation.runs import Epoch, Run

_HEIGHT = 260  # pixels
_SERIES = ["model", "chance"]
_UNIT = alt.Scale(domain=[0, 1], nice=False)


def figures_table(columns: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Figures by column (a model, its baselines, other runs) as an HTML table with intervals in small type."""
    names = list(dict.fromkeys(name for figures in columns.values() for name in figures))
    heads = "".join(f'<th scope="col">{html_text.safe(column)}</th>' for column in columns)
    rows = ""
    for name in names:
        cells = ""
        for column, figures in columns.items():
            value, interval = figure_text(figures[name]) if name in figures else ("", "")
            cells += f'<td data-label="{html_text.safe(column)}">{value}<br><small>{interval}</small></td>'
        rows += f'<tr><th scope="row">{NAMES[name]}</th>{cells}</tr>'
    head = f'<thead><tr><th scope="col">Figure</th>{heads}</tr></thead>'
    return f'<table class="rv-table">{head}<tbody>{rows}</tbody></table>'


def compared(chosen: Sequence[Run]) -> dict[str, Mapping[str, Any]]:
    """The columns of a comparison: each evaluated run's figures."""
    return {run.name: run.evaluation["model"]["figures"] for run in chosen if run.evaluation is not None}


def charts(evaluation: Mapping[str, Any]) -> list[tuple[str, alt.Chart | alt.LayerChart]]:
    """(title, chart) of each plot that the task has."""
    model = evaluation["model"]
    if evaluation["task"] == "regression":
        return [("Predicted against actual", _predicted(model)), ("Residuals", _residuals(model))]
    found = [("Confusion (viral above 0.5)", _confusion(model)), ("Calibration", _calibration(model))]
    if model["roc"] is None:
        return found
    return [("ROC", _roc(model)), ("Precision and recall", _precision_recall(model)), *found]


def losses(epochs: Sequence[Epoch]) -> alt.Chart:
    """Training and validation loss by epoch."""
    rows = [
        {"epoch": one.epoch, "loss": loss, "part": part}
        for one in epochs
        for part, loss in (("training", one.train_loss), ("validation", one.val_loss))
    ]
    return (
        alt.Chart(alt.Data(values=rows), height=_HEIGHT)
        .mark_line(point=True)
        .encode(
            x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("loss:Q", scale=alt.Scale(zero=False)),
            color=alt.Color("part:N", title=None, legend=alt.Legend(orient="bottom")),
        )
    )


def _curve(rows: list[dict[str, Any]], across: str, up: str) -> alt.Chart:
    return (
        alt.Chart(alt.Data(values=rows), height=_HEIGHT)
        .mark_line(interpolate="linear")
        .encode(
            x=alt.X("x:Q", title=across, scale=_UNIT),
            y=alt.Y("y:Q", title=up, scale=_UNIT),
            color=alt.Color(
                "series:N", title=None, scale=alt.Scale(domain=_SERIES), legend=alt.Legend(orient="bottom")
            ),
            strokeDash=alt.StrokeDash("series:N", legend=None, scale=alt.Scale(domain=_SERIES, range=[[1, 0], [4, 4]])),
            order="order:Q",
        )
    )


def _rows(series: str, across: Sequence[float], up: Sequence[float]) -> list[dict[str, Any]]:
    return [
        {"series": series, "x": x, "y": y, "order": place} for place, (x, y) in enumerate(zip(across, up, strict=True))
    ]


def _roc(model: Mapping[str, Any]) -> alt.Chart:
    curve = model["roc"]
    rows = _rows("model", curve["false_positive_rate"], curve["true_positive_rate"])
    return _curve(
        [*rows, *_rows("chance", [0, 1], [0, 1])], "share of others called viral", "share of viral posts found"
    )


def _precision_recall(model: Mapping[str, Any]) -> alt.Chart:
    curve = model["precision_recall"]
    negatives, positives = (sum(row) for row in model["confusion"])
    share = positives / (positives + negatives)
    rows = _rows("model", curve["recall"], curve["precision"])
    return _curve([*rows, *_rows("chance", [0, 1], [share, share])], "recall", "precision")


def _calibration(model: Mapping[str, Any]) -> alt.Chart:
    curve = model["calibration"]
    rows = _rows("model", curve["probability"], curve["share"])
    return _curve([*rows, *_rows("chance", [0, 1], [0, 1])], "mean probability", "share that was viral")


def _confusion(model: Mapping[str, Any]) -> alt.LayerChart:
    names = ("not viral", "viral")
    rows = [
        {"was": names[was], "called": names[called], "posts": count}
        for was, row in enumerate(model["confusion"])
        for called, count in enumerate(row)
    ]
    base = alt.Chart(alt.Data(values=rows), height=_HEIGHT).encode(
        x=alt.X("called:N", title="called", axis=alt.Axis(labelAngle=0)), y=alt.Y("was:N", title="was")
    )
    shade = base.mark_rect(opacity=0.35).encode(
        opacity=alt.Opacity("posts:Q", legend=None, scale=alt.Scale(range=[0.05, 0.5]))
    )
    return alt.layer(shade, base.mark_text(fontSize=20, fill="currentColor").encode(text="posts:Q"))


def _predicted(model: Mapping[str, Any]) -> alt.LayerChart:
    scatter = model["scatter"]
    rows = [{"score": a, "predicted": b} for a, b in zip(scatter["score"], scatter["predicted"], strict=True)]
    points = (
        alt.Chart(alt.Data(values=rows), height=_HEIGHT)
        .mark_circle(opacity=0.6)
        .encode(x=alt.X("score:Q", title="score"), y=alt.Y("predicted:Q", title="predicted"))
    )
    ends = [min(*scatter["score"], *scatter["predicted"]), max(*scatter["score"], *scatter["predicted"])]
    right = alt.Chart(alt.Data(values=[{"score": end, "predicted": end} for end in ends])).mark_line(strokeDash=[4, 4])
    return alt.layer(points, right.encode(x="score:Q", y="predicted:Q"))


def _residuals(model: Mapping[str, Any]) -> alt.LayerChart:
    scatter = model["scatter"]
    rows = [{"predicted": b, "residual": a - b} for a, b in zip(scatter["score"], scatter["predicted"], strict=True)]
    points = (
        alt.Chart(alt.Data(values=rows), height=_HEIGHT)
        .mark_circle(opacity=0.6)
        .encode(x=alt.X("predicted:Q", title="predicted"), y=alt.Y("residual:Q", title="score less predicted"))
    )
    nothing = alt.Chart(alt.Data(values=[{"residual": 0}])).mark_rule(strokeDash=[4, 4]).encode(y="residual:Q")
    return alt.layer(points, nothing)
