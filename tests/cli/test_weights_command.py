"""`virality weights list|pull|verify`, against a local hub."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.models.weights.conftest import COMMIT, CONTENT, REPOSITORY, Write, block, cache, hub, write_manifest
from tests.models.weights.local_hub import LocalHub
from virality_core.cli import main
from virality_core.models import weights

__all__ = ["cache", "hub", "write_manifest"]  # fixtures


@pytest.fixture(autouse=True)
def served(hub: LocalHub, write_manifest: Write) -> None:
    """A manifest whose fetched files, the shipped manifest's too, are small ones on the local hub."""
    hub.add_hub_file(REPOSITORY, COMMIT, "model.safetensors", CONTENT)
    blocks = [block()]
    for entry in weights.entries():
        if entry.source != "bundled":
            file = f"{entry.id}.safetensors"
            hub.add_hub_file(REPOSITORY, COMMIT, file, CONTENT)
            blocks.append(block(entry.id, component=entry.component, file=file))
    write_manifest(*blocks)


def _run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(["weights", *argv])
    out, err = capsys.readouterr()
    return code, out, err


def test_list_pull_verify(capsys: pytest.CaptureFixture[str], hub: LocalHub) -> None:
    code, out, err = _run(capsys, "list")
    assert (code, err) == (0, "")
    assert "nima-mobilenet-ava" in out
    assert "not on this machine" in out
    for entry in weights.entries():
        assert f"sha256   {entry.sha256}" in out or f"commit {entry.revision}" in out, "digest, or commit, is shown"
    code, out, err = _run(capsys, "list", "--json")
    assert (code, err) == (0, "")
    listed = {line["id"]: line for line in map(json.loads, out.splitlines())}
    assert set(listed) == {entry.id for entry in weights.entries()}
    assert listed["some-model"]["path"] is None
    assert listed["some-model"]["revision"] == COMMIT
    assert hub.asked == [], "listing asks no network"

    code, out, err = _run(capsys, "pull")
    assert (code, err) == (0, "")
    path = Path(next(line for line in out.splitlines() if line.startswith("some-model")).split("  ")[1])
    assert path.read_bytes() == CONTENT

    code, out, err = _run(capsys, "verify")
    assert (code, err) == (0, "")
    assert out.count("digest correct") == len(weights.entries())

    path.write_bytes(CONTENT[::-1])
    code, out, err = _run(capsys, "verify")
    assert code == 3
    assert "some-model" in err
    assert err.count("\n") == 1
    assert out.count("digest correct") == len(weights.entries()) - 1


def test_pull_by_profile(capsys: pytest.CaptureFixture[str], hub: LocalHub) -> None:
    code, out, err = _run(capsys, "pull", "--profile", "full")
    assert (code, err) == (0, "")
    assert "testing: full" in out
    assert "aesthetics: full" in out
    hub.stop()
    code, out, _ = _run(capsys, "pull", "--profile", "auto")
    assert code == 0
    assert "on this machine" in out


def test_what_can_not_be_had(capsys: pytest.CaptureFixture[str], hub: LocalHub) -> None:
    code, out, err = _run(capsys, "verify", "some-model")
    assert (code, out) == (3, "")
    assert "weights pull" in err
    hub.stop()
    code, out, err = _run(capsys, "pull")
    assert code == 3
    assert "nima-mobilenet-ava" in out, "the rest is still done"
    assert err
    assert all("can't be reached" in line for line in err.splitlines()), "one sentence a file"
    code, _, err = _run(capsys, "pull", "nonsense")
    assert code == 3
    assert "nonsense" in err


def test_bad_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["weights"])
    assert stop.value.code == 2
