"""Posts with their counts, from a CSV or JSON-lines file: what the keyword and hashtag fits read.

Columns (CSV header) or keys (JSON lines, also gzipped): `user`, `likes` and one of `hashtags`, `caption` are needed;
`followers`, `comments`, `shares`, `source` (collection), `posted_at`, `observed_at`, `music_title`, `music_uses`
(videos that use it) are used where given. Any other column is never read: plays, saves and the like exist only after
posting and are no part of a fit.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from virality_core.errors import InputError
from virality_core.scorers.marks import hashtag_key, read_marks

NEEDED = ("user", "likes")
OUTCOMES = ("likes", "comments", "shares")  # known only after posting: what is explained, never what explains


@dataclass(frozen=True, slots=True, kw_only=True)
class PostRecord:
    """One post. `hashtags` are unique keys in order of first use; counts are None where the file has none."""

    collection: str
    author: str
    caption: str
    hashtags: tuple[str, ...]
    hashtag_count: int
    followers: float | None
    likes: float
    comments: float | None
    shares: float | None
    posted_at: datetime | None
    observed_at: datetime | None
    music_title: str | None = None
    music_uses: float | None = None


def read_posts(path: Path) -> tuple[PostRecord, ...]:
    """All posts of a file, in its order.

    Raises:
        InputError: the file can't be read, or a line breaks the schema; the sentence names the line.
    """
    try:
        rows = list(_rows(path))
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}.") from error
    except (OSError, UnicodeDecodeError, gzip.BadGzipFile, EOFError, csv.Error) as error:
        raise InputError(f"{path.name} can't be read as a UTF-8 CSV or JSON-lines file ({error}).") from error
    if not rows:
        raise InputError(f"{path.name} holds no posts.")
    return tuple(_record(path.name, line, row, path.name.split(".")[0]) for line, row in rows)


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    open_text = gzip.open if path.name.endswith(".gz") else open
    with open_text(path, "rt", encoding="utf-8-sig", newline="") as lines:
        if path.name.lower().removesuffix(".gz").endswith(".csv"):
            yield from enumerate(csv.DictReader(lines), start=2)
            return
        for number, text in enumerate(lines, start=1):
            if text.strip():
                yield number, _object(text, f"Line {number} of {path.name}")


def _object(text: str, where: str) -> Mapping[str, Any]:
    try:
        row = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{where} is not JSON; a CSV file, or one JSON object a line, works.") from error
    if not isinstance(row, dict):
        raise InputError(f"{where} is not a JSON object; one object a line works.")
    return row


def _record(file: str, line: int, row: Mapping[str, Any], collection: str) -> PostRecord:
    where = f"line {line} of {file}"
    for column in NEEDED:
        if row.get(column) in (None, ""):
            raise InputError(f"There is no `{column}` in {where}; every post needs {' and '.join(NEEDED)}.")
    if row.get("hashtags") is None and row.get("caption") is None:
        raise InputError(f"There is neither `hashtags` nor `caption` in {where}; one of them is needed.")
    caption = str(row.get("caption") or "")
    listed = row.get("hashtags")
    if isinstance(listed, str):
        listed = listed.replace(",", " ").split()
    if listed is not None and not isinstance(listed, list):
        raise InputError(f"`hashtags` in {where} must be a list, or names parted by spaces.")
    keys = [hashtag_key(str(name)) for name in listed] if listed is not None else _typed(caption)
    keys = [key for key in keys if key]
    return PostRecord(
        collection=str(row.get("source") or collection),
        author=str(row["user"]),
        caption=caption,
        hashtags=tuple(dict.fromkeys(keys)),
        hashtag_count=len(keys),
        followers=_count(row, "followers", where),
        likes=_count(row, "likes", where) or 0.0,
        comments=_count(row, "comments", where),
        shares=_count(row, "shares", where),
        posted_at=_time(row, "posted_at", where),
        observed_at=_time(row, "observed_at", where),
        music_title=str(row["music_title"]) if row.get("music_title") else None,
        music_uses=_count(row, "music_uses", where),
    )


def _typed(caption: str) -> list[str]:
    return [tag.key for tag in read_marks(caption).hashtags]


def _count(row: Mapping[str, Any], column: str, where: str) -> float | None:
    value = row.get(column)
    if value in (None, ""):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0.0 <= number < 1e15:
        raise InputError(f"`{column}` in {where} is {value!r}; a count of 0 or more is needed.")
    return number


def _time(row: Mapping[str, Any], column: str, where: str) -> datetime | None:
    value = row.get(column)
    if value in (None, ""):
        return None
    try:
        return datetime.fromisoformat(str(value))
    except ValueError as error:
        raise InputError(f"`{column}` in {where} is {value!r}; a date like 2025-05-31 12:00:00 is needed.") from error
