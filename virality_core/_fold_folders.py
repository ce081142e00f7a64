"""The folders that training writes into, looked at before the work begins."""

from __future__ import annotations

import tempfile
from pathlib import Path

from virality_core.errors import UsageError


def usable(folder: Path, *names: str) -> Path:
    """The folder, made if need be, in which files of these names can be written.

    Raises:
        UsageError: it is none and can't be made, can't be written to, or holds a folder of such a name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, ValueError) as error:  # ValueError: a null in its name
        raise UsageError(f"Can't write into {folder}: {getattr(error, 'strerror', None) or error}.") from error
    taken = next((name for name in names if (folder / name).is_dir()), None)
    if taken is not None:
        raise UsageError(f"Can't write {taken} into {folder}: there is a folder of that name.")
    return folder
