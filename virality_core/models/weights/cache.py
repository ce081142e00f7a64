"""Where downloads are kept: hub files in the Hugging Face cache, others beside it; all under `$HF_HOME`.

huggingface_hub reads `HF_HOME`, `HF_ENDPOINT` and `HF_HUB_OFFLINE` when it is imported, so it is imported here only
when a file is looked for, after the program had its chance to set them.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

from virality_core.models.weights.manifest import Entry


def place(entry: Entry) -> Path:
    """Where a download of this hub or URL entry is kept.

    A hub file goes where huggingface_hub keeps a commit's files (`models--owner--name/snapshots/commit/file`), as a
    plain file, which its cache allows: other programs find it there, and files of one repository lie side by side.
    """
    from huggingface_hub import constants

    if entry.source == "hub":
        assert entry.repository is not None
        assert entry.revision is not None
        repository = "models--" + entry.repository.replace("/", constants.REPO_ID_SEPARATOR)
        return Path(constants.HF_HUB_CACHE) / repository / "snapshots" / entry.revision / entry.file
    return _assets() / "weights" / str(entry.sha256) / entry.name


def digest_memory() -> Path:
    """The folder that remembers digests already computed."""
    return _assets() / "digests"


def _assets() -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_ASSETS_CACHE) / "virality"


def sha256(path: Path) -> str:
    """The file's digest as hex, always computed from its content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remembered_sha256(path: Path, memory: Path) -> str:
    """The file's digest, from the folder `memory` if the file has not changed since it was computed, else computed."""
    note = _note(path, memory)
    before = _stamp(path)
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = None
    if isinstance(known, dict) and known.get("stamp") == before and isinstance(known.get("sha256"), str):
        return str(known["sha256"])
    digest = sha256(path)
    if _stamp(path) == before:  # else it changed while it was read
        remember(path, digest, memory)
    return digest


def remember(path: Path, digest: str, memory: Path) -> None:
    """Note that the file, as it is now, has this digest. A folder that can't be written is no harm: only slower."""
    note = _note(path, memory)
    content = json.dumps({"stamp": _stamp(path), "sha256": digest})
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=note.parent, suffix=".part", delete=False) as file:
            file.write(content)
        os.replace(file.name, note)
    except OSError:
        return


def _note(path: Path, memory: Path) -> Path:
    return memory / f"{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()}.json"


def _stamp(path: Path) -> list[int | str]:
    # The change time, unlike the modification time, can't be set back by the program that changes the file.
    status = path.stat()
    return [str(path.resolve()), status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
