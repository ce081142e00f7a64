"""A post as an export lists it, before its video was looked at; and how its counts and times are read."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from virality_core.errors import InputError

COUNTS = ("likes", "plays", "shares", "comments")  # what the virality score is made of
_LARGEST = 10**12  # more plays than any post has
_SUFFIXES = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9}
_SHORT = re.compile(r"(-?\d+(?:\.\d+)?)\s*([kmb]?)", re.IGNORECASE)
_GROUPED = re.compile(r"-?\d{1,3}(?:[,\s'\u00a0\u202f]\d{3})+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One post. A count that the export lacks is None, never zero. `author` is the account's id where it has one."""

    where: str  # for messages: file and place in it
    video: Path | None  # None: no file was found for it
    wanted: str  # what was looked for
    author: str
    author_name: str = ""
    caption: str = ""
    posted_at: datetime | None = None
    likes: int | None = None
    plays: int | None = None
    shares: int | None = None
    comments: int | None = None
    followers: int | None = None


def count_of(value: object, what: str, where: str) -> int | None:
    """A count: 1234, "1,234", "1.2M", "3K"; None for what is missing (null, "", "n/a", "-").

    Raises:
        InputError: a negative count, or text that is none.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str):
        text = value.strip()
        if text.lower() in {"", "-", "n/a", "na", "nan", "none", "null"}:
            return None
        if _GROUPED.fullmatch(text):
            text = re.sub(r"[,\s'\u00a0\u202f]", "", text)
        found = _SHORT.fullmatch(text)
        number: int | float = float(found[1]) * _SUFFIXES[found[2].lower()] if found else math.nan
    else:
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not 0 <= number <= _LARGEST:
        why = "negative" if number < 0 else "no count"
        raise InputError(f"`{what}` in {where} is {str(value)[:40]!r}, which is {why}; 1234, 1,234 or 1.2M works.")
    return round(number)


def time_of(value: object, where: str) -> datetime | None:
    """A time: seconds since 1970 (also as text), `20250531`, or ISO 8601 (UTC where it names no zone); None if missing.

    Raises:
        InputError: it is none of these.
    """
    if value is None or value == "" or value == 0:
        return None
    text = str(value).strip()
    try:
        if re.fullmatch(r"\d{8}", text):
            return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC)
        if re.fullmatch(r"\d{9,10}(\.\d+)?|\d{12,13}", text):
            seconds = float(text)
            return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(
            f"The time in {where} is {text[:40]!r}; seconds since 1970, 20250531 or 2025-05-31 12:00 works."
        ) from error
