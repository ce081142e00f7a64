"""A temporary manifest, a local hub, and a Hugging Face cache that ends with the test."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from tests.models.weights.local_hub import LocalHub
from virality_core.models import weights
from virality_core.models.weights import download

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "someone/some-model"
CONTENT = random.Random(0).randbytes(300_000)

Write = Callable[..., None]


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    with LocalHub() as running:
        yield running


@pytest.fixture
def cache(tmp_path: Path, hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty `HF_HOME` and the local hub as endpoint, as if set before huggingface_hub was imported."""
    home = tmp_path / "hf"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(constants, "HF_ASSETS_CACHE", str(home / "assets"))
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    download.forget_hosts()
    return home


@pytest.fixture
def write_manifest(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """`write_manifest({...}, …)` makes `$VIRALITY_WEIGHTS_DIR` a folder whose manifest has these blocks."""
    place = tmp_path / "weights"
    place.mkdir()
    monkeypatch.setenv("VIRALITY_WEIGHTS_DIR", str(place))

    def write(*blocks: dict[str, str | int]) -> None:
        lines = ["schema = 1"]
        for block in blocks:
            lines += ["", "[[file]]", *(f"{key} = {value!r}" for key, value in block.items())]
        (place / weights.manifest.MANIFEST).write_text("\n".join(lines) + "\n", encoding="utf-8")

    return write


def block(identifier: str = "some-model", **changes: str | int | None) -> dict[str, str | int]:
    """A manifest block for a full hub file with `CONTENT`, with changes; None takes a key out."""
    values: dict[str, str | int | None] = {
        "id": identifier,
        "component": "testing",
        "variant": "full",
        "source": "hub",
        "repository": REPOSITORY,
        "revision": COMMIT,
        "file": "model.safetensors",
        "bytes": len(CONTENT),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "licence": "Apache-2.0",
        "citation": "made for a test",
    } | changes
    return {key: value for key, value in values.items() if value is not None}


def url_block(url: str, identifier: str = "some-model", **changes: str | int | None) -> dict[str, str | int]:
    """The same for a plain URL."""
    return block(identifier, **({"source": "url", "url": url, "repository": None, "revision": None} | changes))


def files_under(folder: Path) -> list[str]:
    """Names of the files under a folder, locks and remembered digests left out."""
    return sorted(
        path.name
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".lock" and path.parent.name != "digests"
    )
