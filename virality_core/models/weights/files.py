"""From an entry of the manifest to its file on this machine, with the digest the manifest states or not at all."""

from __future__ import annotations

from pathlib import Path

from virality_core.errors import WeightsError
from virality_core.models.weights import cache, manifest
from virality_core.models.weights.download import DigestMismatch, download
from virality_core.models.weights.manifest import Entry
from virality_core.models.weights.reachability import why_unreachable
from virality_core.types import Progress


def find(entry: Entry) -> Path | None:
    """The entry's file where it lies, its digest not yet checked, or None. Never touches the network."""
    for folder in manifest.search_path():
        for path in (folder / entry.file, folder / entry.name):
            if _is_there(path):
                return path
    if entry.source != "bundled":
        kept = cache.place(entry)
        if _is_there(kept):
            return kept
    return None


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # in a folder that may not be read
        return False


def resolve(identifier: str, progress: Progress | None = None) -> Path:
    """The verified local file of that id: from `$VIRALITY_WEIGHTS_DIR`, the weights folder, the Hugging Face cache, or
    downloaded, in this order.

    Args:
        identifier: An id of the manifest.
        progress: Told about the download; may raise Cancelled, which leaves nothing behind.

    Raises:
        DigestMismatch: the file is not the one the manifest states.
        WeightsError: there is no such id, or the file is neither here nor within reach.
    """
    return resolve_entry(manifest.entry(identifier), progress or _silent)


def resolve_entry(entry: Entry, progress: Progress) -> Path:
    """As `resolve`, for an entry at hand."""
    path = find(entry)
    if path is None:
        return _download(entry, progress)
    if entry.source == "bundled":  # small: hashing it is quicker than looking the digest up
        _check(entry, path, cache.sha256(path))
    else:
        _check(entry, path, cache.remembered_sha256(path, cache.digest_memory()))
    return path


def verify(entry: Entry) -> Path | None:
    """The entry's file with its digest computed anew, or None where it is not on this machine.

    Raises:
        DigestMismatch: the file is not the one the manifest states.
    """
    path = find(entry)
    if path is not None:
        _check(entry, path, cache.sha256(path))
    return path


def _download(entry: Entry, progress: Progress) -> Path:
    if entry.source == "bundled":
        raise WeightsError(
            f"The bundled file {entry.file} is missing from {manifest.folder()}; install the project anew."
        )
    reason = why_unreachable(entry)
    if reason is not None:
        raise WeightsError(f"The weights {entry.id} are not on this machine and can't be fetched: {reason}.")
    destination = cache.place(entry)
    digest = download(entry, destination, progress)
    _check(entry, destination, digest)
    cache.remember(destination, digest, cache.digest_memory())
    return destination


def _check(entry: Entry, path: Path, digest: str) -> None:
    if entry.sha256 not in (None, digest):
        raise DigestMismatch(
            f"{path} has sha256 {digest}, but the manifest states {entry.sha256} for {entry.id}; "
            "delete the file or put the right one there."
        )


def _silent(stage: str, fraction: float) -> None:
    """Progress nobody watches."""
