"""Hands a trained run to the app (`virality weights add`) or to the Hugging Face Hub (`virality push`)."""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from virality_core.errors import UsageError, WeightsError
from virality_core.models import weights
from virality_core.models.vision import r2plus1d_checkpoint
from virality_core.models.vision.r2plus1d_checkpoint import CARD, TENSORS, Card, Task
from virality_core.models.weights.download import download, hub_metadata
from virality_core.training.virality.evaluate import METRICS
from virality_core.training.virality.model_card import model_card
from virality_core.types import no_progress

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MAX_JSON_BYTES = 1 << 20
_MAX_TENSOR_BYTES = 2 << 30


def add(source: str, task: Task | None = None) -> tuple[Task, Path]:
    """Make a trained run the app's virality model for its task, in the place of any before.

    Args:
        source: a run's folder, or `owner/name` of a hub repository that `push` filled.
        task: what it must be for; None takes what it is.

    Returns:
        The task and the folder it now lies in.

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
        raise UsageError(f"There is no folder {source}, and it is no hub repository (owner/name) either.")
    with TemporaryDirectory(prefix="virality-") as fetched:
        _fetch(source, Path(fetched))
        return _add_folder(Path(fetched), source, task)


def push(run: Path, repository: str, *, public: bool = False) -> str:
    """Send a run to the hub with a filled model card; returns its address.

    Sent are the weights, their JSON, and the figures and plots of `RUN_DIR/evaluation` where it was evaluated: no
    video, no caption and no thumbnail.

    Raises:
        WeightsError: the run's checkpoint can't be used, or the hub refused. UsageError: no `owner/name`.
    """
    import httpx2
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    if not _REPOSITORY.fullmatch(repository):
        raise UsageError(f"A hub repository is called owner/name, not {repository!r}.")
    _, card = r2plus1d_checkpoint.load(run)
    figures = _figures(run / "evaluation" / METRICS)
    files: dict[str, Path | bytes] = {TENSORS: run / TENSORS, CARD: run / CARD}
    files["README.md"] = model_card(card, figures, repository).encode()
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
        said = str(error).strip().splitlines()
        raise WeightsError(f"The hub did not take {repository}: {said[0] if said else type(error).__name__}") from error
    return f"{api.endpoint}/{repository}"


def _add_folder(folder: Path, source: str, task: Task | None) -> tuple[Task, Path]:
    _, card = r2plus1d_checkpoint.load(folder)
    if task is not None and card.task != task:
        raise WeightsError(f"{source} was trained for {card.task}, not for {task}.")
    place = weights.add_model(
        f"virality-{card.task}",
        [folder / TENSORS, folder / CARD],
        licence="as its trainer states",
        citation=f"{source}: {_about(card)}",
    )
    return card.task, place


def _about(card: Card) -> str:
    parts = card.data.get("parts")
    counts = list(parts.values()) if isinstance(parts, dict) else []
    count = sum(counts) if counts and all(type(one) is int for one in counts) else "an unknown number of"
    return f"R(2+1)D trained with virality train on {count} videos"


def _fetch(repository: str, folder: Path) -> None:
    """The two files of one commit of a repository, each within its bounds and with the digest that the hub states."""
    commit = None
    for name, most in ((CARD, _MAX_JSON_BYTES), (TENSORS, _MAX_TENSOR_BYTES)):
        found = hub_metadata(repository, name, commit)
        commit = found.commit_hash
        if found.size is None or found.size > most:
            raise WeightsError(f"{name} of {repository} has {found.size} bytes; at most {most} are taken.")
        digest = found.etag if found.etag and _DIGEST.fullmatch(found.etag) else None
        if digest is None and name == TENSORS:
            raise WeightsError(f"The hub states no digest for {name} of {repository}, so it can't be checked.")
        entry = weights.Entry(
            id=f"{repository}/{name}",
            component="virality",
            variant="full",
            source="hub",
            file=PurePosixPath(name).name,
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
        raise WeightsError(f"{path} can't be read; evaluate the run anew.") from error
    return found if isinstance(found, dict) else None
