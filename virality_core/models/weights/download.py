"""Downloads a weights file from the Hugging Face Hub or a plain URL: complete and verified, or not at all.

huggingface_hub locates hub files, but the bytes come through here. Its `hf_hub_download` (2.4) takes 23 s to report a
hub that answers 503, starts over when a file is cut off within a 10 MB chunk, and can only be canceled between chunks.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from virality_core.errors import WeightsError
from virality_core.models.weights.cache import sha256
from virality_core.models.weights.manifest import Entry
from virality_core.types import Progress
from virality_core.version import __version__

if TYPE_CHECKING:
    from huggingface_hub import HfFileMetadata

_TIMEOUT_SECONDS = 10.0  # without a byte
_CHUNK_BYTES = 1 << 18
_MAX_BYTES = 4 << 30  # for a file whose size the manifest does not state
_LOCK_POLL_SECONDS = 0.2
_STALE_PART_SECONDS = 3600.0  # a part this old was left by a killed process
_CONNECT_SECONDS = 2.0  # per address of the host; a slower hub counts as unreachable
_REACH_SECONDS = 3.0  # in all: looking up a name has no timeout of its own
_REMEMBER_SECONDS = 300.0  # then an unreachable host is tried again
_USER_AGENT = f"virality-core/{__version__}"
_ERROR_NUMBER = re.compile(r"\[Errno -?\d+\] ")

_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "its name can't be looked up"),
    (ConnectionRefusedError, "it refuses the connection"),
    (TimeoutError, "it did not answer in time"),
    (ssl.SSLCertVerificationError, "its certificate is not trusted"),
    (ssl.SSLError, "a secure connection can't be made"),
)

_reach_lock = threading.Lock()
_reach: dict[str, tuple[float, str | None]] = {}  # origin → (when to try again, why it is unreachable or None)


class DigestMismatch(WeightsError):  # noqa: N818  (named after what happened, as Cancelled is)
    """A file's content is not what the manifest states."""


def download(entry: Entry, destination: Path, progress: Progress) -> str:
    """Download the entry's file to `destination` and return its sha256. Of several processes, one does; others wait.

    Raises:
        DigestMismatch: the content is not what the manifest states.
        WeightsError: it can't be downloaded.
        Cancelled: from `progress`. In every case nothing is left behind.
    """
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with _locked(destination, entry, progress):
            if destination.is_file():  # another process was faster
                return sha256(destination)
            for old in destination.parent.glob(f"{destination.name}.*.part"):
                if time.time() - old.stat().st_mtime > _STALE_PART_SECONDS:
                    old.unlink(missing_ok=True)
            part = destination.with_name(f"{destination.name}.{uuid.uuid4().hex}.part")
            try:
                digest = _download(entry, part, progress)
                os.replace(part, destination)
            finally:
                part.unlink(missing_ok=True)
            return digest
    except OSError as error:
        raise WeightsError(f"{entry.id} can't be downloaded: {_reason(error)}.") from error


def _download(entry: Entry, part: Path, progress: Progress) -> str:
    url, size, headers = _locate(entry)
    if entry.size_bytes and size not in (None, entry.size_bytes):
        raise DigestMismatch(f"{entry.id} should have {entry.size_bytes} bytes, but the hub has {size}.")
    size = entry.size_bytes or size
    limit = size or entry.max_bytes or _MAX_BYTES
    digest, received = hashlib.sha256(), 0
    progress(f"downloading {entry.id}", 0.0)
    with part.open("wb") as file:
        while True:
            start, failure = received, "cut short"
            try:
                with _open(url, headers, start) as response:
                    if response.headers.get_content_type() == "text/html":
                        raise WeightsError(f"{urlsplit(url).hostname} sent a web page instead of {entry.id}.")
                    if start and response.status != http.client.PARTIAL_CONTENT:  # no ranges here: start over
                        file.seek(0)
                        file.truncate()
                        digest, received = hashlib.sha256(), 0
                    length = response.headers.get("Content-Length", "")
                    total = size or (received + int(length) if length.isdigit() else None)
                    for chunk in iter(lambda: response.read1(_CHUNK_BYTES), b""):
                        received += len(chunk)
                        if received > limit:
                            raise DigestMismatch(f"{entry.id} is larger than the stated {limit} bytes.")
                        digest.update(chunk)
                        file.write(chunk)
                        progress(f"downloading {entry.id}", received / total if total else 0.0)
                if total is None or received >= total:
                    break
            except urllib.error.HTTPError as error:
                raise WeightsError(f"{url} answers with error {error.code} for {entry.id}.") from error
            except (OSError, http.client.HTTPException) as error:
                failure = _reason(error)
            if received <= start:  # resumed only while every try gets further than the one before
                raise WeightsError(
                    f"The download of {entry.id} broke off after {received} bytes ({failure}); try again."
                )
        file.flush()
        os.fsync(file.fileno())
    if entry.sha256 not in (None, digest.hexdigest()):
        raise DigestMismatch(
            f"The downloaded {entry.id} has sha256 {digest.hexdigest()}, but the manifest states {entry.sha256}; "
            "it was deleted."
        )
    return digest.hexdigest()


def _locate(entry: Entry) -> tuple[str, int | None, dict[str, str]]:
    """URL, size in bytes where it is known, and headers for the download."""
    if entry.source != "hub":
        return str(entry.url), None, {}
    from huggingface_hub import constants, get_token

    found = hub_metadata(str(entry.repository), entry.file, entry.revision)
    token = get_token() if urlsplit(found.location).netloc == urlsplit(constants.ENDPOINT).netloc else None
    return found.location, found.size, {"Authorization": f"Bearer {token}"} if token else {}


def hub_metadata(repository: str, file: str, revision: str | None) -> HfFileMetadata:
    """Where the hub keeps a file, with its size, commit and ETag. Raises WeightsError if the hub doesn't say."""
    import httpx2  # huggingface_hub's client, whose errors it passes on
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    try:
        url = hf_hub_url(repository, file, revision=revision)
        ask = partial(get_hf_file_metadata, url, timeout=_TIMEOUT_SECONDS, library_name="virality-core")
        try:
            found = ask()
        except httpx2.RemoteProtocolError:  # the hub had closed a kept connection: a new one will do
            found = ask()
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, http.client.HTTPException) as error:
        lines = _ERROR_NUMBER.sub("", str(error)).strip().splitlines() or [type(error).__name__]
        raise WeightsError(f"The hub did not give {file} of {repository}: {lines[0]}") from error
    if found.commit_hash is None or found.etag is None:  # a login page, or a server that says yes to everything
        raise WeightsError(
            f"The hub did not give {file} of {repository}: {urlsplit(url).hostname} does not answer as a hub does."
        )
    return found


@contextmanager
def _open(url: str, headers: dict[str, str], start: int) -> Iterator[http.client.HTTPResponse]:
    request = urllib.request.Request(url, headers={"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"})
    for key, value in headers.items():
        request.add_unredirected_header(key, value)  # a token stays with the host it is for
    if start:
        request.add_header("Range", f"bytes={start}-")
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
        yield response


@contextmanager
def _locked(destination: Path, entry: Entry, progress: Progress) -> Iterator[None]:
    lock = FileLock(destination.with_name(f".{destination.name}.lock"))
    while True:
        try:
            lock.acquire(timeout=_LOCK_POLL_SECONDS)
            break
        except Timeout:
            progress(f"waiting for another process to download {entry.id}", 0.0)
    try:
        yield
    finally:
        lock.release()


def why_unreachable(entry: Entry) -> str | None:
    """Why the entry's host can't be reached, in a few words, or None if it answers. Takes at most about 3 seconds."""
    from huggingface_hub import constants  # reads HF_HUB_OFFLINE and HF_ENDPOINT at import

    if constants.is_offline_mode():
        return "HF_HUB_OFFLINE is set"
    address = constants.ENDPOINT if entry.source == "hub" else str(entry.url)
    origin = _origin(address)
    if origin is None:
        return f"{address!r} (HF_ENDPOINT) is not an http or https address"
    with _reach_lock:  # others wait, for they would only ask the same
        try_again, reason = _reach.get(origin, (0.0, None))
        if time.monotonic() >= try_again:
            answer: list[str | None] = []
            thread = threading.Thread(target=lambda: answer.append(_probe(origin)), daemon=True)
            thread.start()
            thread.join(_REACH_SECONDS)
            reason = answer[0] if answer else f"{origin} did not answer within {_REACH_SECONDS:.0f} s"
            _reach[origin] = (time.monotonic() + _REMEMBER_SECONDS, reason)
        return reason


def forget_hosts() -> None:
    """Forget which hosts answered, so that they are asked again."""
    with _reach_lock:
        _reach.clear()


def _origin(address: str) -> str | None:
    """Scheme, host and port of a web address, without a name and password; None if it is not a web address."""
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises ValueError if it is out of range
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _probe(origin: str) -> str | None:
    """Why the origin can't be reached, or None if it answers, whatever it has to say about the file."""
    request = urllib.request.Request(origin + "/", method="HEAD", headers={"User-Agent": _USER_AGENT})
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_CONNECT_SECONDS):
            return None
    except urllib.error.HTTPError as error:
        error.close()
        return f"{origin} answers with error {error.code}" if error.code >= 500 else None
    except (OSError, ValueError, TypeError, http.client.HTTPException) as error:
        return f"{origin} can't be reached: {_reason(error)}"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer, too."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


def _reason(error: BaseException) -> str:
    """Why a connection failed, in a few words without error numbers."""
    reason = getattr(error, "reason", error)
    for kind, text in _REASONS:
        if isinstance(reason, kind):
            return text
    return getattr(reason, "strerror", None) or "it does not answer as a web server does"
