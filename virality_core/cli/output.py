"""Where a command's answer and its complaints go: standard output or a file that is written whole, and stderr."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from virality_core.errors import UsageError
from virality_core.files import printable, write_whole


def destination(text: str) -> str:
    """The value of an option `--json FILE`; `-` is standard output."""
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError("a file name, or - for standard output, is needed")
    return text


def out_file(text: str) -> Path:
    """The value of an option `--out FILE`."""
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError("a file name is needed")
    return Path(text)


def refuse_overwriting(option: str, written: str | Path | None, read: Iterable[str | Path | None]) -> None:
    """Raise UsageError where what an option writes is a file that is read, by this name or by another."""
    if written in (None, "-"):
        return
    there = os.path.realpath(written)
    for path in read:
        if path is not None and "\0" not in str(path) and os.path.realpath(path) == there:
            raise UsageError(f"{option} would overwrite {path}, which is read; name another place.")


def write(where: str | Path, text: str) -> None:
    """Write a file.

    Raises:
        UsageError: it can't be written.
    """
    try:
        write_whole(Path(where), text)
    except OSError as error:
        raise UsageError(f"Can't write to {where}: {error.strerror or error}.") from error


def complain(message: object) -> None:
    """A sentence on stderr, without the control characters that a file's name may hold."""
    print(printable(message), file=sys.stderr)
