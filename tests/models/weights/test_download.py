"""Downloads from a hub and from plain URLs: whole and right, or not at all."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.models.weights.conftest import COMMIT, CONTENT, REPOSITORY, Write, block, files_under, url_block
from tests.models.weights.local_hub import LocalHub
from virality_core.errors import Cancelled, WeightsError
from virality_core.models import weights
from virality_core.models.weights import download


@pytest.fixture(params=["hub", "url"])
def source(request: pytest.FixtureRequest, hub: LocalHub, write_manifest: Write) -> str:
    """The file served, and named in the manifest, as a hub file or as a plain URL."""
    hub.add_hub_file(REPOSITORY, COMMIT, "model.safetensors", CONTENT)
    url = hub.add_url("/files/model.safetensors", CONTENT)
    write_manifest(block() if request.param == "hub" else url_block(url))
    return str(request.param)


def test_a_file_is_fetched_once(source: str, hub: LocalHub, cache: Path) -> None:
    told: list[tuple[str, float]] = []
    path = weights.resolve("some-model", lambda stage, fraction: told.append((stage, fraction)))
    assert path.read_bytes() == CONTENT
    assert path.is_relative_to(cache)
    assert files_under(cache) == ["model.safetensors"]
    fractions = [fraction for _, fraction in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len(fractions) > 2, "progress within the file"
    hub.stop()
    assert weights.resolve("some-model") == path


def test_a_hub_file_lies_where_huggingface_hub_looks(hub: LocalHub, write_manifest: Write, cache: Path) -> None:
    from huggingface_hub import try_to_load_from_cache

    hub.add_hub_file(REPOSITORY, COMMIT, "sub/model.safetensors", CONTENT)
    write_manifest(block(file="sub/model.safetensors"))
    path = weights.resolve("some-model")
    found = try_to_load_from_cache(REPOSITORY, "sub/model.safetensors", cache_dir=cache / "hub", revision=COMMIT)
    assert found == str(path)


def test_a_hub_file_that_huggingface_hub_fetched_is_used(hub: LocalHub, write_manifest: Write, cache: Path) -> None:
    from huggingface_hub import hf_hub_download

    hub.add_hub_file(REPOSITORY, COMMIT, "model.safetensors", CONTENT)
    write_manifest(block())
    hf_hub_download(REPOSITORY, "model.safetensors", revision=COMMIT, cache_dir=cache / "hub", endpoint=hub.url)
    hub.stop()
    assert weights.resolve("some-model").read_bytes() == CONTENT


def test_another_digest_is_refused(hub: LocalHub, source: str, cache: Path) -> None:
    wrong = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    hub.add_hub_file(REPOSITORY, COMMIT, "model.safetensors", wrong)
    hub.add_url("/files/model.safetensors", wrong)
    with pytest.raises(weights.DigestMismatch, match=hashlib.sha256(wrong).hexdigest()):
        weights.resolve("some-model")
    assert files_under(cache) == []


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1000])
def test_another_size_is_refused(hub: LocalHub, source: str, cache: Path, size: int) -> None:
    other = (CONTENT + CONTENT)[:size]
    hub.add_hub_file(REPOSITORY, COMMIT, "model.safetensors", other)
    hub.add_url("/files/model.safetensors", other)
    with pytest.raises(WeightsError):
        weights.resolve("some-model")
    assert files_under(cache) == []


def test_a_cut_answer_is_resumed(hub: LocalHub, source: str) -> None:
    hub.cut_after = 100_000
    assert weights.resolve("some-model").read_bytes() == CONTENT
    assert hub.count("GET") == 3


def test_an_answer_always_cut_ends_quickly_and_leaves_nothing(hub: LocalHub, source: str, cache: Path) -> None:
    hub.cut_after, hub.ignore_ranges = 100_000, True
    start = time.monotonic()
    with pytest.raises(WeightsError, match="broke off after 100000 bytes"):
        weights.resolve("some-model")
    assert time.monotonic() - start < 5
    assert files_under(cache) == []


@pytest.mark.parametrize("status", [401, 404, 503])
def test_an_error_code_is_said(hub: LocalHub, source: str, cache: Path, status: int) -> None:
    reach_first = weights.entry("some-model")
    assert download.why_unreachable(reach_first) is None
    hub.status = status
    start = time.monotonic()
    with pytest.raises(WeightsError, match="some-model"):
        weights.resolve("some-model")
    assert time.monotonic() - start < 5
    assert files_under(cache) == []


def test_a_dead_hub_is_an_error_at_once(hub: LocalHub, source: str, cache: Path) -> None:
    hub.stop()
    start = time.monotonic()
    with pytest.raises(WeightsError, match="can't be reached"):
        weights.resolve("some-model")
    assert time.monotonic() - start < 5


def test_a_hub_that_never_answers_is_an_error_within_seconds(hub: LocalHub, source: str) -> None:
    hub.hang = True
    start = time.monotonic()
    with pytest.raises(WeightsError, match="some-model"):
        weights.resolve("some-model")
    with pytest.raises(WeightsError, match="some-model"):
        weights.resolve("some-model")  # remembered: asked once
    assert time.monotonic() - start < 5
    assert len(hub.asked) == 1


def test_cancelling_leaves_nothing(source: str, cache: Path) -> None:
    def stop(stage: str, fraction: float) -> None:
        if fraction > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        weights.resolve("some-model", stop)
    assert files_under(cache) == []
    assert weights.resolve("some-model").read_bytes() == CONTENT


def test_a_part_a_killed_process_left_is_swept(source: str, cache: Path) -> None:
    path = weights.resolve("some-model")
    path.unlink()
    left, fresh = path.with_name("model.safetensors.aa.part"), path.with_name("model.safetensors.bb.part")
    left.write_bytes(b"torn")
    fresh.write_bytes(b"another process is writing this")
    os.utime(left, (1.0, 1.0))
    assert weights.resolve("some-model").read_bytes() == CONTENT
    assert files_under(cache) == ["model.safetensors", "model.safetensors.bb.part"]


_FETCH = """
import sys
from virality_core.models import weights
path = weights.resolve("some-model")
assert path.stat().st_size == int(sys.argv[1]), "torn"
"""


def _environment(tmp_path: Path, hub: LocalHub) -> dict[str, str]:
    return {
        **os.environ,
        "HF_HOME": str(tmp_path / "other home"),
        "HF_ENDPOINT": hub.url,
        "VIRALITY_WEIGHTS_DIR": str(tmp_path / "weights"),
        "HF_HUB_OFFLINE": "",
    }


def test_two_processes_fetch_once(source: str, hub: LocalHub, tmp_path: Path) -> None:
    """Two at once: both get the whole file, one fetches; and HF_HOME and HF_ENDPOINT are honoured from outside."""
    hub.seconds_a_chunk = 0.3
    command = [sys.executable, "-c", _FETCH, str(len(CONTENT))]
    environment = _environment(tmp_path, hub)
    running = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) for _ in range(2)]
    for process in running:
        _, error = process.communicate(timeout=60)
        assert process.returncode == 0, error.decode()
    assert hub.count("GET") == 1
    assert files_under(tmp_path / "other home") == ["model.safetensors"]


def test_a_killed_process_leaves_no_torn_file(source: str, hub: LocalHub, tmp_path: Path) -> None:
    """Killed in the middle, nothing under the final name; the next process is not held up by its lock."""
    hub.seconds_a_chunk = 0.5
    command = [sys.executable, "-c", _FETCH, str(len(CONTENT))]
    environment = _environment(tmp_path, hub)
    process = subprocess.Popen(command, env=environment)
    deadline = time.monotonic() + 30
    while not list((tmp_path / "other home").rglob("*.part")):
        assert time.monotonic() < deadline, "never began to download"
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert "model.safetensors" not in files_under(tmp_path / "other home")
    hub.seconds_a_chunk = 0.0
    subprocess.run(command, env=environment, check=True, timeout=60)


def test_a_connection_closed_without_a_word_is_asked_again(hub: LocalHub, write_manifest: Write) -> None:
    hub.add_hub_file(REPOSITORY, COMMIT, "model.safetensors", CONTENT)
    write_manifest(block())
    hub.drop_first = 1
    assert weights.resolve("some-model").read_bytes() == CONTENT


def test_a_body_without_end_is_not_read_to_its_end(hub: LocalHub, write_manifest: Write, cache: Path) -> None:
    """More than the manifest states is not taken, whatever the answer says of its length."""
    write_manifest(url_block(hub.add_url("/files/model.safetensors", CONTENT * 100)))
    hub.seconds_a_chunk = 0.05
    told: list[float] = []
    with pytest.raises(weights.DigestMismatch, match="larger than the stated"):
        weights.resolve("some-model", lambda _stage, fraction: told.append(fraction))
    assert max(told) <= 1.0
    assert files_under(cache) == []


def test_xet_is_not_needed(hub: LocalHub, write_manifest: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hf_xet", None)
    hub.add_hub_file(REPOSITORY, COMMIT, "model.safetensors", CONTENT)
    write_manifest(block())
    assert weights.resolve("some-model").read_bytes() == CONTENT
