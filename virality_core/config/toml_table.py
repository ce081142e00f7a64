"""Reads the tables and names a damaged one."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from virality_core.errors import WeightsError


def read_table(path: Path) -> dict[str, Any]:
    """A TOML or JSON file whose content is a table. Raises WeightsError where it is missing or damaged."""
    with naming(path):
        text = path.read_text(encoding="utf-8")
        data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        if not isinstance(data, dict):
            raise TypeError("not a table")
        return data


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turns an error inside, due to the file's content, into a WeightsError that names the file."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        why = ""
        if isinstance(error, OSError):
            why = f" ({error.strerror})" if error.strerror else ""
        elif isinstance(error, KeyError):
            why = f" (it lacks {error})"
        raise WeightsError(f"The file {path} is damaged or missing{why}; reinstall the project.") from error
