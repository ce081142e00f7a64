"""Addresses that are none, servers that speak something else, folders and tables that are not what they should be."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from tests.models.weights.conftest import COMMIT, CONTENT, REPOSITORY, Write, block, url_block
from tests.models.weights.local_hub import LocalHub
from virality_core import config
from virality_core.config import signals
from virality_core.errors import WeightsError
from virality_core.models import weights
from virality_core.models.weights import download
from virality_core.models.weights.manifest import MANIFEST
from virality_core.scorers.caption import keywords

LITE = b"small and bundled"
PLAIN = {"repository": None, "revision": None, "file": "lite.safetensors", "bytes": len(LITE)}


@pytest.fixture
def both(hub: LocalHub, write_manifest: Write, tmp_path: Path) -> None:
    """A component with a bundled lite variant and a full one on the hub."""
    hub.add_hub_file(REPOSITORY, COMMIT, "model.safetensors", CONTENT)
    digest = hashlib.sha256(LITE).hexdigest()
    write_manifest(block("some-lite", variant="lite", source="bundled", sha256=digest, **PLAIN), block())
    (tmp_path / "weights" / "lite.safetensors").write_bytes(LITE)


@pytest.fixture
def no_thread_fails(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails a test in which a thread ends with a traceback."""
    failed: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failed.append)
    yield
    assert not failed


def falls_back(said: str) -> None:
    files = weights.resolve_component("testing", "auto")
    assert files.path.read_bytes() == LITE
    assert files.fell_back
    assert said in files.reason
    assert "Errno" not in files.reason
    with pytest.raises(WeightsError) as refused:
        weights.resolve_component("testing", "full")
    assert "\n" not in str(refused.value)
    assert "Errno" not in str(refused.value)


ADDRESSES = ["hub.example", "ftp://hub.example", "file:///etc", "http://", "http://[::1", "http://a:99999", "://", "-"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_is_none(
    both: None, no_thread_fails: None, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", address)
    falls_back("is not an http or https address")


def test_a_server_that_speaks_something_else(
    both: None, no_thread_fails: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1000)
                    connection.sendall(b"SSH-2.0-OpenSSH_9\r\n")

        threading.Thread(target=greet, daemon=True).start()
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        falls_back("does not answer as a web server does")
        server.shutdown(socket.SHUT_RDWR)


def test_a_name_and_password_are_not_told(both: None, hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.stop()
    monkeypatch.setattr(constants, "ENDPOINT", hub.url.replace("http://", "http://me:secret@"))
    falls_back("refuses the connection")
    assert "secret" not in str(weights.resolve_component("testing", "auto"))


@pytest.mark.parametrize("rubbish", [b"<html>Please log in</html>", CONTENT + CONTENT, b""])
def test_a_server_that_says_yes_to_everything_is_no_hub(both: None, hub: LocalHub, rubbish: bytes) -> None:
    """Its answer is not taken for weights with a wrong digest, which no profile looks past."""
    hub.rubbish = rubbish
    falls_back("does not answer as a hub does")


def test_a_web_page_is_no_file(write_manifest: Write, hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    write_manifest(url_block(hub.add_url("/model.safetensors", CONTENT)))
    from tests.models.weights import local_hub

    plain = local_hub._Handler.end_headers

    def as_page(self: local_hub._Handler) -> None:
        self.send_header("Content-Type", "text/html; charset=utf-8")
        plain(self)

    monkeypatch.setattr(local_hub._Handler, "end_headers", as_page)
    with pytest.raises(WeightsError, match="sent a web page"):
        weights.resolve_component("testing", "full")


def test_a_weights_folder_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRALITY_WEIGHTS_DIR", "~no-such-user-at-all/x")
    with pytest.raises(WeightsError, match="VIRALITY_WEIGHTS_DIR"):
        weights.resolve_component("aesthetics", "lite")


def test_a_weights_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything, so the system's refusal is played."""
    plain = Path.is_file

    def refuse(path: Path) -> bool:
        if path.is_relative_to(tmp_path):
            raise PermissionError(13, "Permission denied")
        return plain(path)

    monkeypatch.setenv("VIRALITY_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setattr(Path, "is_file", refuse)
    with pytest.raises(WeightsError, match="VIRALITY_WEIGHTS_DIR"):
        weights.resolve_component("aesthetics", "lite")


@pytest.mark.parametrize(
    "content",
    [
        "schema = 1\nfile = 5\n",
        "schema = 1\nfile = [5]\n",
        'schema = 1\n[[file]]\nid = 1\ncomponent = "a"\nvariant = "lite"\nsource = "bundled"\nfile = 7\n'
        'licence = "x"\ncitation = "y"\n',
        "schema = 1\n[[file]\n",
    ],
)
def test_a_manifest_of_the_wrong_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    (tmp_path / MANIFEST).write_text(content)
    monkeypatch.setenv("VIRALITY_WEIGHTS_DIR", str(tmp_path))
    with pytest.raises(WeightsError, match=MANIFEST):
        weights.entries()


TABLES = {
    "not TOML": ("signals.toml", "[[[", lambda: signals.table()),
    "no signals": ("signals.toml", "bands = 3\n", lambda: signals.table()),
    "not UTF-8": ("signals.toml", b"\xff\xfe", lambda: signals.table()),
    "missing": ("signals.toml", None, lambda: signals.table()),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_damaged_table_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    name, content, use = TABLES[kind]
    if content is not None:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    monkeypatch.setattr(config, "folder", lambda: tmp_path)
    with pytest.raises(WeightsError, match=name) as refused:
        use()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", ["{", "[]", '{"name": "x"}', '{"name": "x", "quantiles": [1, 2]}', None])
def test_a_damaged_population_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None) -> None:
    (tmp_path / "populations").mkdir()
    if content is not None:
        (tmp_path / "populations" / "some.json").write_text(content)
    entry = '[signals.some]\nweight = 1\n[signals.some.desirability]\nkind = "population"\nfile = "some.json"\n'
    (tmp_path / "signals.toml").write_text('[[bands]]\nname = "a"\nfrom = 0\n' + entry)
    monkeypatch.setattr(config, "folder", lambda: tmp_path)
    with pytest.raises(WeightsError, match="populations/some"):
        signals.rate("some", 1.0)


@pytest.mark.parametrize("content", ["[[[", "name = 3\n", "[rules]\na = 5\n", "[rules.a]\nphrases = [1"])
def test_a_damaged_keywords_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    (tmp_path / "keywords").mkdir()
    (tmp_path / "keywords" / "en.toml").write_text(content)
    monkeypatch.setattr(weights, "folder", lambda: tmp_path)
    with pytest.raises(WeightsError, match="keywords/en"):
        keywords.rules("en")


@pytest.fixture(autouse=True)
def asked_anew() -> None:
    download.forget_hosts()
