"""Posts with their counts, from a CSV or JSON-lines file: what the keyword and hashtag fits read.

Columns (CSV header) or keys (JSON lines, also gzipped): `user`, `likes` and one of `hashtags`, `caption` are needed;
`followers`, `comments`, `shares`, `source` (collection), `posted_at`, `observed_at`, `music_title`, `music_uses`
(videos that use it) are used where given. Any other column is never read: plays, saves and the like exist only after
posting and are no part of a fit.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from virality_core.errors import InputError
from virality_core.files import open_regular
from virality_core.scorers.caption.entities import find_entities, hashtag_key

NEEDED = ("user", "likes")
_MAX_CHARACTERS = 2_000_000_000  # some millions of posts
_MAX_LINE = 1_000_000
_SHOWN = 60  # characters of a value that is wrong
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
    collection = path.name.split(".")[0]
    try:
        posts = tuple(_record(path.name, line, row, collection) for line, row in _rows(path))
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}.") from error
    except OSError as error:
        why = error.strerror or "it is damaged"
        raise InputError(f"{path.name} can't be read as a UTF-8 CSV or JSON-lines file ({why}).") from error
    except (UnicodeDecodeError, EOFError, csv.Error, zlib.error) as error:
        raise InputError(f"{path.name} can't be read as a UTF-8 CSV or JSON-lines file ({error}).") from error
    if not posts:
        raise InputError(f"{path.name} holds no posts.")
    return posts


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with ExitStack() as stack:
        file = stack.enter_context(open_regular(path))
        if path.name.endswith(".gz"):
            file = cast(BinaryIO, stack.enter_context(gzip.GzipFile(fileobj=file, mode="rb")))
        lines = _lines(stack.enter_context(io.TextIOWrapper(file, encoding="utf-8-sig", newline="")), path.name)
        if path.name.lower().removesuffix(".gz").endswith(".csv"):
            yield from enumerate(csv.DictReader(lines), start=2)
            return
        for number, text in enumerate(lines, start=1):
            if text.strip():
                yield number, _object(text, f"Line {number} of {path.name}")


def _lines(text: io.TextIOWrapper, name: str) -> Iterator[str]:
    """The lines of a file that may be endless, or one endless line, once it is unpacked."""
    read = 0
    while line := text.readline(_MAX_LINE + 1):
        read += len(line)
        if len(line) > _MAX_LINE or read > _MAX_CHARACTERS:
            raise InputError(
                f"{name} is too large: at most {_MAX_CHARACTERS // 1_000_000:,} million characters are read, and "
                f"{_MAX_LINE // 1_000_000} million in a line."
            )
        yield line


def _object(text: str, where: str) -> Mapping[str, Any]:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits
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
    caption = _text(row.get("caption") or "")
    listed = row.get("hashtags")
    if isinstance(listed, str):
        listed = listed.replace(",", " ").split()
    if listed is not None and not isinstance(listed, list):
        raise InputError(f"`hashtags` in {where} must be a list, or names parted by spaces.")
    keys = [hashtag_key(_text(name)) for name in listed] if listed is not None else _typed(caption)
    keys = [key for key in keys if key]
    return PostRecord(
        collection=_text(row.get("source") or collection),
        author=_text(row["user"]),
        caption=caption,
        hashtags=tuple(dict.fromkeys(keys)),
        hashtag_count=len(keys),
        followers=_count(row, "followers", where),
        likes=_count(row, "likes", where) or 0.0,
        comments=_count(row, "comments", where),
        shares=_count(row, "shares", where),
        posted_at=_time(row, "posted_at", where),
        observed_at=_time(row, "observed_at", where),
        music_title=_text(row["music_title"]) if row.get("music_title") else None,
        music_uses=_count(row, "music_uses", where),
    )


def _text(value: object) -> str:
    """As text that can be written: JSON may hold half characters."""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _typed(caption: str) -> list[str]:
    return [tag.key for tag in find_entities(caption).hashtags]


def _count(row: Mapping[str, Any], column: str, where: str) -> float | None:
    value = row.get(column)
    if value in (None, ""):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = -1.0
    if not 0.0 <= number < 1e15:
        raise InputError(f"`{column}` in {where} is {_shown(value)}; a count of 0 or more is needed.")
    return number


def _shown(value: object) -> str:
    try:
        return repr(value)[:_SHOWN]
    except ValueError:  # a number of more digits than Python writes out
        return "a number of thousands of digits"


def _time(row: Mapping[str, Any], column: str, where: str) -> datetime | None:
    value = row.get(column)
    if value in (None, ""):
        return None
    try:
        return datetime.fromisoformat(_text(value))
    except ValueError as error:
        raise InputError(
            f"`{column}` in {where} is {_shown(value)}; a date like 2025-05-31 12:00:00 is needed."
        ) from error
