"""Reads what training runs left behind, for who shows it: evaluations and losses by epoch. Needs no torch."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from virality_core.training.evaluation.page import NAMES

EVALUATION = Path("evaluation") / "metrics.json"
_EPOCHS = "epochs.csv"
_MAX_BYTES = 16 << 20
_PARTS: Mapping[str, tuple[str, ...]] = {
    "classification": ("figures", "undefined", "confusion", "calibration", "roc", "precision_recall"),
    "regression": ("figures", "undefined", "scatter"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """An epoch's losses, and the validation part's ROC-AUC or Spearman; None where that was not defined."""

    epoch: int
    train_loss: float
    val_loss: float
    figure: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run's folder: its evaluation (what metrics.json holds), or why there is none, and its epochs."""

    name: str
    folder: Path
    evaluation: dict[str, Any] | None
    why_not: str
    epochs: tuple[Epoch, ...]


def runs_folder() -> Path:
    """`$VIRALITY_RUNS`, else `runs` in the folder that the app was started in."""
    return Path(os.environ.get("VIRALITY_RUNS") or "runs").expanduser()


def runs(folder: Path) -> list[Run]:
    """The runs in a folder, by name: each folder in it that holds an evaluation or a log of epochs."""
    try:
        places = sorted(place for place in folder.iterdir() if place.is_dir())
    except OSError:
        return []
    return [_run(place) for place in places if (place / EVALUATION).is_file() or (place / _EPOCHS).is_file()]


def _run(folder: Path) -> Run:
    evaluation, why_not = None, ""
    try:
        evaluation = read_evaluation(folder / EVALUATION)
    except FileNotFoundError:
        why_not = "It was not evaluated yet: virality evaluate virality RUN_DIR --data DIR."
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        why_not = "Its metrics.json can't be read; evaluate it anew."
    return Run(
        name=folder.name, folder=folder, evaluation=evaluation, why_not=why_not, epochs=_epochs(folder / _EPOCHS)
    )


def read_evaluation(path: Path) -> dict[str, Any]:
    """What a metrics.json holds. Raises OSError, ValueError, KeyError or TypeError where it is none of this version."""
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError("too large")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if found["schema"] != 1 or not {"part", "videos", "authors", "frames", "data", "checkpoint"} <= set(found):
        raise ValueError("another version")
    if not set(_PARTS[found["task"]]) <= set(found["model"]):
        raise ValueError("parts are missing")
    for one in (found["model"], *found["baselines"].values()):
        for name, figure in one["figures"].items():
            if name not in NAMES or not all(_number_or_none(figure[key]) for key in ("value", "low", "high")):
                raise ValueError(name)
    for post in [*found["predictions"]["best"], *found["predictions"]["worst"]]:
        counts = ("likes", "plays", "shares", "comments")
        if not all(_number_or_none(post[key]) for key in ("answer", "truth", *counts)) or None in (
            post["answer"],
            post["truth"],
        ):
            raise ValueError("a prediction is no number")
        _ = post["thumbnail"], post["caption"]
    return found


def _epochs(path: Path) -> tuple[Epoch, ...]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return tuple(_epoch(row) for row in csv.DictReader(file))
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return ()


def _epoch(row: Mapping[str, str]) -> Epoch:
    figure = float(row["val_figure"])
    return Epoch(
        epoch=int(row["epoch"]) + 1,
        train_loss=float(row["train_loss"]),
        val_loss=float(row["val_loss"]),
        figure=None if math.isnan(figure) else figure,
    )


def _number_or_none(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and math.isfinite(value))
