"""Adds a trained run to the app (`virality weights add`) or sends it to the Hugging Face Hub (`virality push`)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from virality_core.errors import UsageError, WeightsError
from virality_core.models import weights
from virality_core.models.vision import r2plus1d_checkpoint
from virality_core.models.vision.r2plus1d_checkpoint import CARD, TENSORS, Card, Task
from virality_core.models.weights.download import download, hub_metadata
from virality_core.training.evaluation.page import NAMES, columns_of, figure_text
from virality_core.training.virality.evaluate import METRICS
from virality_core.types import no_progress

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MAX_JSON_BYTES = 1 << 20
_MAX_TENSOR_BYTES = 2 << 30
_ANSWERS = {
    "classification": "the probability that a post does better than the stated quantile of its training posts",
    "regression": "a post's virality score, 0 to 1",
}


def add(source: str, task: Task | None = None) -> tuple[Task, Path]:
    """Make a trained run the app's virality model for its task, replacing an earlier one.

    Args:
        source: a run's folder, or `owner/name` of a hub repository that `push` filled.
        task: what it must be for; None accepts either.

    Returns:
        The task, and the folder it was copied to.

    Raises:
        WeightsError: a pickle, another architecture or task, damaged, or out of reach. UsageError: no such source.
    """
    folder = Path(source)
    if folder.is_file():
        raise WeightsError(
            f"{folder.name} is a file; name the run's folder with {TENSORS} and {CARD} (a pickle, which could run "
            "code, is never read)."
        )
    if folder.is_dir():
        return _add_folder(folder, source, task)
    if not _REPOSITORY.fullmatch(source):
        raise UsageError(f"There is no folder {source}, and it is not a hub repository (owner/name) either.")
    with TemporaryDirectory(prefix="virality-") as downloads:
        _download(source, Path(downloads))
        return _add_folder(Path(downloads), source, task)


def push(run: Path, repository: str, *, public: bool = False) -> str:
    """Send a run to the hub with a filled model card; returns its address.

    It gets the weights, their JSON, and the figures and plots of `RUN_DIR/evaluation` if the run was evaluated: no
    video, caption or thumbnail.

    Raises:
        WeightsError: the run's checkpoint can't be used, or the hub refused. UsageError: not an `owner/name`.
    """
    import httpx2
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    if not _REPOSITORY.fullmatch(repository):
        raise UsageError(f"A hub repository is called owner/name, not {repository!r}.")
    _, card = r2plus1d_checkpoint.load(run)
    figures = _figures(run / "evaluation" / METRICS)
    files: dict[str, Path | bytes] = {TENSORS: run / TENSORS, CARD: run / CARD}
    files["README.md"] = _model_card(card, figures, repository).encode()
    if figures is not None:
        shared = {key: value for key, value in figures.items() if key != "predictions"}
        files[METRICS] = (json.dumps(shared, indent=1) + "\n").encode()
        files |= {f"plots/{plot.name}": plot for plot in sorted((run / "evaluation" / "plots").glob("*.png"))}
    operations = [CommitOperationAdd(path_in_repo=name, path_or_fileobj=content) for name, content in files.items()]
    api = HfApi()
    try:
        api.create_repo(repository, private=not public, exist_ok=True)
        api.create_commit(repository, operations, commit_message="A trained virality network")
    except (HfHubHTTPError, HFValidationError, httpx2.HTTPError, OSError, RuntimeError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise WeightsError(f"{repository} can't be uploaded to the hub: {reason}") from error
    return f"{api.endpoint}/{repository}"


def _add_folder(folder: Path, source: str, task: Task | None) -> tuple[Task, Path]:
    _, card = r2plus1d_checkpoint.load(folder)
    if task is not None and card.task != task:
        raise WeightsError(f"{source} was trained for {card.task}, not for {task}.")
    parts = card.data.get("parts")
    counts = list(parts.values()) if isinstance(parts, dict) else []
    count = sum(counts) if counts and all(type(one) is int for one in counts) else "an unknown number of"
    added = weights.add_model(
        f"virality-{card.task}",
        [folder / TENSORS, folder / CARD],
        licence="as its trainer states",
        citation=f"{source}: R(2+1)D trained with virality train on {count} videos",
    )
    return card.task, added


def _download(repository: str, folder: Path) -> None:
    """The two files of one commit of a repository, within their size limits, checked against the hub's digest."""
    commit = None
    for name, limit in ((CARD, _MAX_JSON_BYTES), (TENSORS, _MAX_TENSOR_BYTES)):
        found = hub_metadata(repository, name, commit)
        commit = found.commit_hash
        if found.size is None or found.size > limit:
            raise WeightsError(f"{name} of {repository} has {found.size} bytes; at most {limit} are allowed.")
        digest = found.etag if found.etag and _DIGEST.fullmatch(found.etag) else None
        if digest is None and name == TENSORS:
            raise WeightsError(f"The hub states no digest for {name} of {repository}, so it can't be checked.")
        entry = weights.Entry(
            id=f"{repository}/{name}",
            component="virality",
            variant="full",
            source="hub",
            file=name,
            licence="",
            citation="",
            repository=repository,
            revision=commit,
            size_bytes=found.size,
            sha256=digest,
        )
        download(entry, folder / name, no_progress)


def _figures(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WeightsError(f"{path} can't be read; evaluate the run again.") from error
    return found if isinstance(found, dict) else None


def _model_card(card: Card, figures: Mapping[str, Any] | None, repository: str) -> str:
    """README.md for the hub, with its front matter; `figures` is what metrics.json holds, if the run was evaluated."""
    data, training = card.data, card.training
    return f"""---
library_name: virality-core
pipeline_tag: video-classification
tags: [video, r2plus1d, virality]
---

# {repository.partition("/")[2]}: virality of short videos, {card.task}

R(2+1)D (width {card.architecture.width}, blocks {list(card.architecture.blocks)}). It predicts {_ANSWERS[card.task]},
as the mean over {card.clips} clips of 16 frames at 15 fps. To use it: `virality weights add {repository}`.

## Training data

- Parts (videos): {data.get("parts")}, split by {data.get("split")}; copies of a video are in one part.
- Score: weights {data.get("weights")} of the logarithm of each count, scaled on the training part; viral above
  {data.get("threshold")} (quantile {data.get("quantile")}). Missing counts: {data.get("missing_counts")}.
- {training.get("began")} Epoch {training.get("epoch")}; the settings are in model.json.
- Input: {card.input.to_dict()}; short reels: {card.padding}.

## Evaluation

{_figures_text(figures)}

## Limits

It doesn't know the account, the day, the topic's moment and luck. An account's size explains most of how far a post
goes. It repeats what did well among its training posts, whatever the reason was.
"""


def _figures_text(figures: Mapping[str, Any] | None) -> str:
    if figures is None:
        return "The run was not evaluated on its test part."
    columns = columns_of(figures)
    lines = [
        f"On {figures['videos']} {figures['part']} videos of {figures['authors']} accounts, with 95 % intervals of a "
        "bootstrap over accounts.",
        "",
        "| | " + " | ".join(columns) + " |",
        "| --- |" + " ---: |" * len(columns),
    ]
    for name in columns["model"]:
        cells = []
        for column in columns.values():
            value, interval = figure_text(column[name])
            cells.append(f"{value} ({interval})" if interval else value)
        lines.append(f"| {NAMES[name]} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *figures["model"]["undefined"]])
