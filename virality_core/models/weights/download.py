"""Fetches one file whole or not at all: size bounded, digest checked, moved into place in one step.

huggingface_hub says where a hub file is and which headers it takes; the bytes come through here instead of
`hf_hub_download`, which retries a dead hub for 23 s and a stalled one for a minute, reports progress once in 10 MB,
can't be cancelled, and never ends on a server that cuts each answer short and ignores ranges.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from virality_core.errors import WeightsError
from virality_core.models.weights.manifest import Entry
from virality_core.models.weights.reachability import USER_AGENT, in_words
from virality_core.types import Progress

_TIMEOUT_SECONDS = 10.0  # without one byte
_CHUNK_BYTES = 1 << 18
_MAX_BYTES = 4 << 30  # for a file whose size the manifest does not state
_LOCK_POLL_SECONDS = 0.2
_ERROR_NUMBER = re.compile(r"\[Errno -?\d+\] ")
_STALE_PART_SECONDS = 3600.0  # a part this old was left by a process that was killed


class DigestMismatch(WeightsError):  # noqa: N818  (named after what happened, as Cancelled is)
    """A file's content is not what the manifest states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Location:
    url: str
    size_bytes: int | None
    headers: Mapping[str, str] = field(default_factory=dict)


def download(entry: Entry, destination: Path, progress: Progress) -> str:
    """Fetch the entry's file to `destination` and return its sha256. Of many processes, one fetches and the rest wait.

    Raises:
        DigestMismatch: what came is not what the manifest states. WeightsError: it could not be fetched.
        Cancelled: from `progress`. In every case nothing is left behind.
    """
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with _locked(destination, entry, progress):
            if destination.is_file():  # another process fetched it meanwhile
                with destination.open("rb") as file:
                    return hashlib.file_digest(file, "sha256").hexdigest()
            _sweep(destination)
            part = destination.with_name(f"{destination.name}.{uuid.uuid4().hex}.part")
            try:
                digest = _fetch(entry, part, progress)
                os.replace(part, destination)
            finally:
                part.unlink(missing_ok=True)
            return digest
    except OSError as error:
        raise WeightsError(f"The weights {entry.id} could not be fetched: {in_words(error)}.") from error


def _fetch(entry: Entry, part: Path, progress: Progress) -> str:
    location = _hub_location(entry) if entry.source == "hub" else _Location(url=str(entry.url), size_bytes=None)
    wanted = entry.size_bytes or location.size_bytes
    if location.size_bytes not in (None, wanted):
        raise DigestMismatch(f"The weights {entry.id} should have {wanted} bytes, the hub has {location.size_bytes}.")
    limit = wanted or entry.max_bytes or _MAX_BYTES
    digest, received = hashlib.sha256(), 0
    progress(f"downloading {entry.id}", 0.0)
    with part.open("wb") as file:
        while True:
            before, failure = received, None
            try:
                with _open(location, received) as answer:
                    if answer.headers.get_content_type() == "text/html":
                        raise WeightsError(f"{urlsplit(location.url).hostname} gives a web page for {entry.id}.")
                    if received and answer.status != http.client.PARTIAL_CONTENT:  # no ranges here: start over
                        file.seek(0)
                        file.truncate()
                        digest, received = hashlib.sha256(), 0
                    whole = wanted or _announced(answer, received)
                    for chunk in iter(lambda: answer.read1(_CHUNK_BYTES), b""):
                        received += len(chunk)
                        if received > limit:
                            raise DigestMismatch(f"The weights {entry.id} are larger than the stated {limit} bytes.")
                        digest.update(chunk)
                        file.write(chunk)
                        progress(f"downloading {entry.id}", received / whole if whole else 0.0)
                if whole is None or received >= whole:
                    break
            except urllib.error.HTTPError as error:
                raise WeightsError(f"{location.url} answers with error {error.code} for {entry.id}.") from error
            except (OSError, http.client.HTTPException) as error:
                failure = error
            if received <= before:  # a cut line is resumed as long as each try brings more than the one before
                why = in_words(failure) if failure else "cut short"
                raise WeightsError(f"The download of {entry.id} broke off after {received} bytes ({why}); try again.")
        file.flush()
        os.fsync(file.fileno())
    if entry.sha256 not in (None, digest.hexdigest()):
        raise DigestMismatch(
            f"The downloaded {entry.id} has sha256 {digest.hexdigest()}, the manifest states {entry.sha256}; "
            "it was thrown away."
        )
    return digest.hexdigest()


@contextmanager
def _open(location: _Location, start: int) -> Iterator[http.client.HTTPResponse]:
    request = urllib.request.Request(location.url, headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
    for key, value in location.headers.items():
        request.add_unredirected_header(key, value)  # a token stays with the host it is for
    if start:
        request.add_header("Range", f"bytes={start}-")
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
        yield answer


def _announced(answer: http.client.HTTPResponse, start: int) -> int | None:
    length = answer.headers.get("Content-Length", "")
    return start + int(length) if length.isdigit() else None


def _hub_location(entry: Entry) -> _Location:
    import httpx2  # what huggingface_hub 2 asks with
    from huggingface_hub import get_hf_file_metadata, get_token, hf_hub_url

    assert entry.repository is not None
    url = hf_hub_url(entry.repository, entry.file, revision=entry.revision)
    ask = partial(get_hf_file_metadata, url, timeout=_TIMEOUT_SECONDS, library_name="virality-core")
    try:
        try:
            found = ask()
        except httpx2.RemoteProtocolError:  # a kept-alive connection that the hub had closed: a new one will do
            found = ask()
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, http.client.HTTPException) as error:
        said = _ERROR_NUMBER.sub("", str(error)).strip().splitlines()
        raise WeightsError(f"The hub did not give {entry.id}: {said[0] if said else type(error).__name__}") from error
    if found.commit_hash is None or found.etag is None:  # a login page, or a server that says yes to everything
        raise WeightsError(f"The hub did not give {entry.id}: {urlsplit(url).hostname} does not answer as a hub does.")
    token = get_token()
    own = urlsplit(found.location).netloc == urlsplit(url).netloc
    headers = {"Authorization": f"Bearer {token}"} if token and own else {}
    return _Location(url=found.location, size_bytes=found.size, headers=headers)


@contextmanager
def _locked(destination: Path, entry: Entry, progress: Progress) -> Iterator[None]:
    lock = FileLock(destination.with_name(f".{destination.name}.lock"))
    while True:
        try:
            lock.acquire(timeout=_LOCK_POLL_SECONDS)
            break
        except Timeout:
            progress(f"waiting for another process to fetch {entry.id}", 0.0)
    try:
        yield
    finally:
        lock.release()


def _sweep(destination: Path) -> None:
    for part in destination.parent.glob(f"{destination.name}.*.part"):
        if time.time() - part.stat().st_mtime > _STALE_PART_SECONDS:
            part.unlink(missing_ok=True)
