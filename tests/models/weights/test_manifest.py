"""The manifest: what it may state, where files are looked for, and that the shipped one is true."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests.models.weights.conftest import COMMIT, CONTENT, REPOSITORY, Write, block, url_block
from tests.models.weights.local_hub import LocalHub
from virality_core.errors import WeightsError
from virality_core.models import weights
from virality_core.models.weights import cache


def test_the_shipped_manifest_is_true() -> None:
    """Each bundled file is there, with the size and digest stated."""
    bundled = [entry for entry in weights.entries() if entry.source == "bundled"]
    assert bundled
    for entry in bundled:
        path = weights.folder() / entry.file
        assert path.stat().st_size == entry.size_bytes
        assert weights.verify(entry) == path
        assert weights.resolve(entry.id) == path
        if entry.measured and entry.measured.endswith(".json"):
            assert (weights.folder() / entry.measured).is_file()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sha256": "abc"}, "sha256 must be 64 hex digits"),
        ({"sha256": None}, "sha256 must be stated"),
        ({"revision": "main"}, "revision must be a commit"),
        ({"repository": None}, "repository must be stated"),
        ({"file": "../model.safetensors"}, "file must be a relative path"),
        ({"file": "/model.safetensors"}, "file must be a relative path"),
        ({"file": "model.pkl"}, "file must be one of"),
        ({"variant": "huge"}, "variant must be lite or full"),
        ({"source": "ftp"}, "source must be bundled, hub or url"),
        ({"bytes": 0}, "bytes must be a positive number"),
        ({"licence": None}, "lacks licence"),
        ({"colour": "red"}, "unknown keys colour"),
        ({"source": "url", "url": "file:///etc/passwd"}, "url must be an http or https address"),
        ({"source": "url", "url": "https://example.org/x", "bytes": None}, "bytes must be stated"),
    ],
)
def test_what_a_manifest_may_not_state(write_manifest: Write, changes: dict[str, str], said: str) -> None:
    write_manifest(block(**changes))
    with pytest.raises(WeightsError, match=said):
        weights.entries()


def test_a_broken_manifest_is_one_sentence(write_manifest: Write, tmp_path: Path) -> None:
    for text, said in (("schema = ", "can't be read"), ("schema = 7\n", "schema 7")):
        (tmp_path / "weights" / "manifest.toml").write_text(text)
        with pytest.raises(WeightsError, match=said) as caught:
            weights.entries()
        assert "\n" not in str(caught.value)
    write_manifest(block(), block())
    with pytest.raises(WeightsError, match="twice"):
        weights.entries()


def test_a_changed_manifest_is_read_again(write_manifest: Write) -> None:
    write_manifest(block("one"))
    assert weights.entry("one")
    write_manifest(block("two-of-them"))
    assert weights.entry("two-of-them")
    with pytest.raises(WeightsError, match="no weights 'one'"):
        weights.entry("one")


@pytest.mark.parametrize("place", ["model.safetensors", "sub/model.safetensors"])
def test_the_override_folder_comes_first(write_manifest: Write, hub: LocalHub, tmp_path: Path, place: str) -> None:
    """A hub file put by hand into `$VIRALITY_WEIGHTS_DIR`, with or without its folders, is used, network or not."""
    write_manifest(block(file="sub/model.safetensors"))
    path = tmp_path / "weights" / place
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(CONTENT)
    assert weights.resolve("some-model") == path
    assert hub.asked == []


def test_the_override_folder_need_not_have_the_reference_tables(write_manifest: Write) -> None:
    write_manifest(block())
    assert (weights.folder() / "trends").is_dir()
    assert weights.entry("nima-mobilenet-ava")


def test_a_file_that_is_not_the_stated_one_is_refused(write_manifest: Write, tmp_path: Path) -> None:
    write_manifest(block())
    (tmp_path / "weights" / "model.safetensors").write_bytes(CONTENT + b"!")
    with pytest.raises(weights.DigestMismatch, match="the manifest states"):
        weights.resolve("some-model")
    with pytest.raises(weights.DigestMismatch):
        weights.verify(weights.entry("some-model"))


def test_a_missing_bundled_file_is_said(write_manifest: Write) -> None:
    write_manifest(block("gone", source="bundled", repository=None, revision=None, file="gone.safetensors"))
    with pytest.raises(WeightsError, match=r"bundled file gone\.safetensors is missing"):
        weights.resolve("gone")


def test_digests_are_remembered_only_while_the_file_is_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, memory = tmp_path / "file.safetensors", tmp_path / "memory"
    path.write_bytes(b"one")
    computed = []
    really = cache.sha256
    monkeypatch.setattr(cache, "sha256", lambda path: computed.append(path) or really(path))
    first = cache.cached_sha256(path, memory)
    assert cache.cached_sha256(path, memory) == first
    assert len(computed) == 1
    before = path.stat()
    path.write_bytes(b"two")  # the same size, and the modification time set back
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert cache.cached_sha256(path, memory) == hashlib.sha256(b"two").hexdigest()


def test_a_memory_that_is_garbage_or_out_of_reach_does_no_harm(tmp_path: Path) -> None:
    path, memory = tmp_path / "file.safetensors", tmp_path / "memory"
    path.write_bytes(b"one")
    right = hashlib.sha256(b"one").hexdigest()
    assert cache.cached_sha256(path, memory) == right
    (note,) = memory.iterdir()
    for garbage in ("", "[]", "{", '{"stamp": [], "sha256": "0"}'):
        note.write_text(garbage)
        assert cache.cached_sha256(path, memory) == right
    in_the_way = tmp_path / "a file"
    in_the_way.write_bytes(b"")
    assert cache.cached_sha256(path, in_the_way) == right


def test_verify_always_computes(write_manifest: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_manifest(url_block("https://example.org/model.safetensors"))
    (tmp_path / "weights" / "model.safetensors").write_bytes(CONTENT)
    weights.resolve("some-model")
    wrong = hashlib.sha256(b"").hexdigest()
    monkeypatch.setattr(cache, "sha256", lambda _path: wrong)
    weights.resolve("some-model")  # from memory
    with pytest.raises(weights.DigestMismatch, match=wrong):
        weights.verify(weights.entry("some-model"))


def test_text_of_a_commit_needs_no_digest(write_manifest: Write, hub: LocalHub) -> None:
    hub.add_hub_file(REPOSITORY, COMMIT, "config.json", b"{}")
    write_manifest(block("config", file="config.json", bytes=None, sha256=None))
    assert weights.resolve("config").read_bytes() == b"{}"
