"""Opening files of posts: every way it can fail is one InputError."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from virality_core.errors import InputError


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turn what goes wrong while `path` is read as a `kind` ("a UTF-8 CSV file") into an InputError."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}.") from error
    except OSError as error:
        raise InputError(f"{path.name} can't be read ({error.strerror or 'it is damaged'}).") from error
    except (ValueError, EOFError, RecursionError, csv.Error, zlib.error) as error:
        raise InputError(f"{path.name} can't be read as {kind} ({error}).") from error
