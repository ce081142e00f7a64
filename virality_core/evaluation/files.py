"""Files that a command writes: whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from virality_core.errors import UsageError


def write_whole(path: Path, text: str) -> None:
    """Write a text beside its place and move it there, so that what stood there is whole until then.

    Raises:
        UsageError: the file can't be written.
    """
    beside = path.with_name(path.name + ".part")
    try:
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        raise UsageError(f"Can't write to {path}: {error.strerror or error}.") from error
