"""A small hub on this machine: speaks what huggingface_hub asks for a file (HEAD and GET of `resolve`), and plain URLs.

Its faults can be set: answers cut short, ranges ignored, error codes, slow answers. It counts what it was asked.
"""

from __future__ import annotations

import hashlib
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import unquote, urlsplit


@dataclass
class LocalHub:
    """Serves `add_hub_file` under /owner/name/resolve/commit/file and `add_url` under any path, while in `with`."""

    cut_after: int | None = None  # an answer ends after this many bytes though its length says more
    ignore_ranges: bool = False
    status: int | None = None  # this error code instead of any answer
    seconds_a_chunk: float = 0.0
    hang: bool = False  # accept and never answer
    rubbish: bytes | None = None  # answer everything with this, and say that all is well
    drop_first: int = 0  # this many files' questions get their connection closed without a word
    asked: list[tuple[str, str]] = field(default_factory=list)  # (method, path), in order

    def __post_init__(self) -> None:
        self._files: dict[str, tuple[bytes, dict[str, str]]] = {}
        hub = self

        class Handler(_Handler):
            owner = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def add_hub_file(self, repository: str, commit: str, file: str, content: bytes) -> None:
        headers = {"X-Repo-Commit": commit, "ETag": f'"{hashlib.sha256(content).hexdigest()}"'}
        self._files[f"/{repository}/resolve/{commit}/{file}"] = (content, headers)

    def add_url(self, path: str, content: bytes) -> str:
        self._files[path] = (content, {})
        return self.url + path

    def count(self, method: str) -> int:
        """How often a served file was asked for with this method; other questions (is the hub there?) do not count."""
        return sum(1 for asked, path in self.asked if asked == method and path in self._files)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> LocalHub:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


class _Handler(BaseHTTPRequestHandler):
    owner: LocalHub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        hub = self.owner
        path = unquote(urlsplit(self.path).path)
        hub.asked.append((self.command, path))
        self.close_connection = True
        if hub.hang:
            time.sleep(30)
            return
        if path in hub._files and hub.drop_first > 0:
            hub.drop_first -= 1
            return
        if hub.status is not None:
            self._end(hub.status)
            return
        if hub.rubbish is not None:
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            if with_body:
                self.wfile.write(hub.rubbish)
            return
        if path not in hub._files:
            self._end(200 if path == "/" else 404)
            return
        content, headers = hub._files[path]
        start = 0
        wanted = self.headers.get("Range", "")
        if wanted.startswith("bytes=") and not hub.ignore_ranges:
            start = int(wanted.removeprefix("bytes=").split("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("Connection", "close")
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if not with_body:
            return
        end = len(content) if hub.cut_after is None else min(len(content), start + hub.cut_after)
        with suppress(ConnectionError):  # the reader has had enough
            for position in range(start, end, 65536):
                self.wfile.write(content[position : min(end, position + 65536)])
                time.sleep(hub.seconds_a_chunk)

    def _end(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Connection", "close")
        self.send_header("Content-Length", "0")
        self.end_headers()
