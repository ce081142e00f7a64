"""Where downloads are kept, under `$HF_HOME`: hub files in the Hugging Face cache, others and digests in its assets.

huggingface_hub reads `HF_HOME`, `HF_ENDPOINT` and `HF_HUB_OFFLINE` when it is imported, so it is only imported when a
file is needed, after the program could set them.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from pathlib import Path

from virality_core.files import write_atomically
from virality_core.models.weights.manifest import Entry

_DIGEST = re.compile(r"[0-9a-f]{64}")


def cached_path(entry: Entry) -> Path:
    """Where a hub or URL file is kept once downloaded.

    A hub file goes where huggingface_hub looks for it (`models--owner--name/snapshots/commit/file`), as a plain file,
    which its cache allows. So other programs find it, and the files of one repository share a folder.
    """
    from huggingface_hub import constants

    if entry.source == "hub":
        assert entry.repository is not None
        assert entry.revision is not None
        repository = "models--" + entry.repository.replace("/", constants.REPO_ID_SEPARATOR)
        return Path(constants.HF_HUB_CACHE) / repository / "snapshots" / entry.revision / entry.file
    return _assets() / "weights" / str(entry.sha256) / entry.name


def digests_folder() -> Path:
    """The folder of the digests that `store_sha256` keeps."""
    return _assets() / "digests"


def _assets() -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_ASSETS_CACHE) / "virality"


def sha256(path: Path) -> str:
    """The file's digest as hex, always computed from its content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cached_sha256(path: Path, folder: Path) -> str:
    """The file's digest, from `folder` if the file has not changed since it was stored there, else computed."""
    record = _record(path, folder)
    try:
        known = record.read_text(encoding="utf-8")
    except (OSError, ValueError):
        known = ""
    if _DIGEST.fullmatch(known):
        return known
    digest = sha256(path)
    if _record(path, folder) == record:  # else it changed while it was read
        store_sha256(path, digest, folder)
    return digest


def store_sha256(path: Path, digest: str, folder: Path) -> None:
    """Record that the file, as it is now, has this digest. If `folder` can't be written, nothing is recorded."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(_record(path, folder), digest)


def _record(path: Path, folder: Path) -> Path:
    # The change time, unlike the modification time, can't be set back by the program that changes the file.
    status = path.stat()
    state = [str(path.resolve()), status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
    return folder / f"{hashlib.sha256(ascii(state).encode()).hexdigest()}.txt"
