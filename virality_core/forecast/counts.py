"""The counts of a post, and how people and exports write them."""

from __future__ import annotations

import re

from virality_core.errors import InputError

COUNTS = ("likes", "comments", "shares", "saves", "plays")

_EMPTY = frozenset(("", "-", "n/a", "na", "nan", "none", "null"))
_GROUPED = re.compile(r"\d{1,3}(?:[,'\s]\d{3})+")  # \s also matches the no-break spaces that spreadsheets use
_NUMBER = re.compile(r"(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*([kmb]?)", re.IGNORECASE)
_SUFFIXES = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}
_MAX = 1e15


def parse_count(value: object, column: str, where: str) -> float | None:
    """A count: 1234, "1,234", "1.2M", "3K"; None for an empty cell ("", "n/a", "-").

    Args:
        value: from JSON or a CSV cell.
        column, where: for the message.

    Raises:
        InputError: anything else, and a count below 0.
    """
    if value is None:
        return None
    number: float = -1
    if isinstance(value, str):
        text = value.strip()
        if text[:8].lower() in _EMPTY:
            return None
        if _GROUPED.fullmatch(text):
            text = re.sub(r"[,'\s]", "", text)
        if match := _NUMBER.fullmatch(text):
            number = float(match[1]) * _SUFFIXES[match[2].lower()]
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = value
    if not 0 <= number < _MAX:
        shown = repr(value[:60] if isinstance(value, str) else value)[:60]
        raise InputError(f"`{column}` in {where} is {shown}; a count of 0 or more is needed, such as 1234 or 1.2M.")
    return float(number)
