"""Where downloads are kept: hub files in the Hugging Face cache, others beside it; all under `$HF_HOME`.

huggingface_hub reads `HF_HOME`, `HF_ENDPOINT` and `HF_HUB_OFFLINE` when it is imported, so it is imported here only
when a file is looked for, after the program had its chance to set them.
"""

from __future__ import annotations

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
