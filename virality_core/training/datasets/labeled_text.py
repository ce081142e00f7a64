"""Texts with a sentiment label, read from a TSV."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from virality_core.errors import InputError
from virality_core.files import read_regular
from virality_core.training.datasets.reading import reading

_MAX_BYTES = 200_000_000  # a million texts


@dataclass(frozen=True, slots=True)
class Example:
    """A tweet with its label: 0 negative, 1 neutral, 2 positive."""

    label: int
    text: str


def read(path: Path) -> list[Example]:
    """The rows of a TSV with the header `label<TAB>text`.

    Raises:
        InputError: the file can't be read, is larger than 200 MB, or has another header or label.
    """
    with reading(path, "a text file"):
        lines = read_regular(path, _MAX_BYTES).decode("utf-8-sig", errors="replace").split("\n")
    if lines[0].rstrip("\r").split("\t") != ["label", "text"]:
        raise InputError(f"{path} must begin with the header label<TAB>text, not {lines[0][:60]!r}.")
    examples = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip("\r"):
            continue
        label, tab, text = line.rstrip("\r").partition("\t")
        if not tab or label not in {"0", "1", "2"}:
            raise InputError(f"{path}, line {number}: needs a label of 0, 1 or 2, a tab and a text, not {line[:60]!r}.")
        examples.append(Example(int(label), text))
    return examples
