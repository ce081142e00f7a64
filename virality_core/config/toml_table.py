"""Reads the tables that lie beside the weights; one that is damaged is named."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from virality_core.errors import WeightsError


def read_table(path: Path) -> dict[str, Any]:
    """A TOML or JSON file whose content is a table.

    Raises:
        WeightsError: it is missing or damaged.
    """
    with naming(path):
        text = path.read_text(encoding="utf-8")
        data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        if not isinstance(data, dict):
            raise TypeError("it is no table")
        return data


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """What goes wrong inside because of the file's content becomes a WeightsError that names it."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        why = (
            error.strerror if isinstance(error, OSError) else f"it lacks {error}" if isinstance(error, KeyError) else ""
        )
        raise WeightsError(
            f"The file {path} is damaged or missing{f' ({why})' if why else ''}; install the project anew."
        ) from error
