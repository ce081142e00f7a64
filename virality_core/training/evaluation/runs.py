"""Reads the results of training runs for display: evaluations, and losses by epoch. Needs no torch."""

from __future__ import annotations

import csv
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from virality_core.files import read_regular
from virality_core.training.evaluation.page import NAMES

EVALUATION = Path("evaluation") / "metrics.json"
_EPOCHS = "epochs.csv"
_MAX_BYTES = 16 << 20
_KEYS = {"part", "videos", "authors", "frames", "data", "checkpoint"}
_MODEL_KEYS = {
    "classification": {"figures", "undefined", "confusion", "calibration", "roc", "precision_recall"},
    "regression": {"figures", "undefined", "scatter"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """An epoch's losses, and the validation part's ROC-AUC or Spearman; None where that was undefined."""

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
    """The runs in a folder, by name: each subfolder that holds an evaluation or a log of epochs."""
    try:
        folders = sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return []
    return [_run(path) for path in folders if (path / EVALUATION).is_file() or (path / _EPOCHS).is_file()]


def read_evaluation(path: Path) -> dict[str, Any]:
    """What a metrics.json holds. Raises OSError, ValueError, KeyError or TypeError where it is not of this version."""
    found: dict[str, Any] = json.loads(read_regular(path, _MAX_BYTES))
    if found["schema"] != 1 or not set(found) >= _KEYS or not set(found["model"]) >= _MODEL_KEYS[found["task"]]:
        raise ValueError("another version")
    for one in (found["model"], *found["baselines"].values()):
        for name, figure in one["figures"].items():
            if name not in NAMES or not all(_is_number_or_none(figure[key]) for key in ("value", "low", "high")):
                raise ValueError(name)
    for post in [*found["predictions"]["best"], *found["predictions"]["worst"]]:
        numbers = [post[key] for key in ("answer", "truth", "likes", "plays", "shares", "comments")]
        if (
            None in numbers[:2]
            or not all(map(_is_number_or_none, numbers))
            or not {"thumbnail", "caption"} <= set(post)
        ):
            raise ValueError("a prediction is incomplete")
    return found


def _run(folder: Path) -> Run:
    evaluation, why_not = None, ""
    try:
        evaluation = read_evaluation(folder / EVALUATION)
    except FileNotFoundError:
        why_not = "It was not evaluated yet: virality evaluate virality RUN_DIR --data DIR."
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        why_not = "Its metrics.json can't be read; evaluate it again."
    epochs = _epochs(folder / _EPOCHS)
    return Run(name=folder.name, folder=folder, evaluation=evaluation, why_not=why_not, epochs=epochs)


def _epochs(path: Path) -> tuple[Epoch, ...]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return tuple(
                Epoch(
                    epoch=int(row["epoch"]) + 1,
                    train_loss=float(row["train_loss"]),
                    val_loss=float(row["val_loss"]),
                    figure=None if math.isnan(figure := float(row["val_figure"])) else figure,
                )
                for row in csv.DictReader(file)
            )
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return ()


def _is_number_or_none(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and math.isfinite(value))
