"""Writes results and prints errors. Imports nothing heavy, so that the program can be stopped at once."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from virality_core.errors import UsageError, ViralityError
from virality_core.files import printable, write_atomically

STDOUT = Path("-")


def refuse_overwriting(option: str, output: Path | None, inputs: Iterable[str | Path | None]) -> None:
    """Raise UsageError if an option would write over a file that is read, under this name or another."""
    if output in (None, STDOUT):
        return
    target = os.path.realpath(output)
    for path in inputs:
        if path is not None and "\0" not in str(path) and os.path.realpath(path) == target:
            raise UsageError(f"{option} would overwrite {path}, which is an input; choose another file.")


def write(path: Path, text: str) -> None:
    """Write a file. Raises UsageError if it can't be written."""
    try:
        write_atomically(path, text)
    except OSError as error:
        raise UsageError(f"Can't write to {path}: {error.strerror or error}.") from error


def write_lines(target: Path, values: Iterable[Any]) -> None:
    """Values as JSON lines: each printed as it comes for STDOUT, else all written to the file."""
    from virality_core.types import to_plain

    # ASCII only: a lone surrogate in a caption must not break the terminal or the file.
    lines = (json.dumps(to_plain(value), allow_nan=False) for value in values)
    if target == STDOUT:
        for line in lines:
            print(line, flush=True)
    else:
        write(target, "".join(line + "\n" for line in lines))


def print_error(error: ViralityError | str) -> int:
    """Print one sentence on stderr, without control characters of a file's name. Returns the exit code."""
    print(printable(error), file=sys.stderr)
    return error.exit_code if isinstance(error, ViralityError) else UsageError.exit_code
