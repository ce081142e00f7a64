"""A platform's own list of trending hashtags or songs, such as TikTok Creative Center exports, as rows of a table.

Such a list states how often a name is used and in which direction that goes. It has no authors and no likes, so its
rows carry counts and a date, never a lift.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from virality_core.errors import InputError, UsageError
from virality_core.files import read_regular
from virality_core.forecast.counts import parse_count
from virality_core.training.datasets.reading import reading

MAX_BYTES = 10_000_000  # some hundred thousand rows; the longest export has some hundreds
COLUMNS = ["posts", "authors", "lift", "deviation", "generic", "uses", "rank", "views", "trend"]

#: what is read → the headers it is found under, letters and digits only, lower case
KNOWN = {
    "name": ("name", "hashtag", "hashtagname", "tag", "title", "song", "songname", "songtitle", "music", "musictitle"),
    "rank": ("rank", "ranking", "no"),
    "posts": ("posts", "postcount", "numberofposts", "videos", "videocount", "publishcnt", "uses"),
    "views": ("views", "viewcount", "videoviews", "videoviewcount"),
    "trend": ("trend", "trenddirection", "direction", "rankchange", "rankdiff"),
}
_DIRECTIONS = {"up": "up", "rising": "up", "down": "down", "falling": "down", "same": "same", "stable": "same"}
_MAX_NAME = 200

ListRow = tuple[int | None, int | None, int | None, str | None]  # posts, rank, views, trend; None for unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendList:
    """A list of one day: `rows` by name as typed, and the columns that were ignored."""

    collection: str
    day: date
    rows: Mapping[str, ListRow]
    ignored: tuple[str, ...]


def read_trend_list(path: Path, day: date, columns: Mapping[str, str] | None = None) -> TrendList:
    """Read a list from a CSV with a header, separated by commas, semicolons or tabs.

    Args:
        path: its name without ending names the list.
        day: when the list was downloaded from the platform.
        columns: for keys of KNOWN the file's own header, where it is not recognized.

    Raises:
        UsageError: `columns` names what the file lacks, or the day is in the future. InputError: the file can't be
            read, or a row is wrong; the message names the line.
    """
    if day > datetime.now(UTC).date():
        raise UsageError(f"The list can't be of {day}: that day is in the future.")
    with reading(path, "a UTF-8 CSV file"):
        text = read_regular(path, MAX_BYTES).decode("utf-8-sig")
        delimiter = max(",;\t", key=text.partition("\n")[0].count)
        lines = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey="", restval="")
        headers = [header or "" for header in lines.fieldnames or ()]
        found = _columns(headers, columns or {}, path.name)
        rows: dict[str, ListRow] = {}
        for line in lines:
            where = f"line {lines.line_num} of {path.name}"
            name = line[found["name"]].strip()
            if not name or len(name) > _MAX_NAME:
                raise InputError(f"There is no name of 1 to {_MAX_NAME} characters in {where}.")
            posts, rank, views = (
                _count(line[found[what]], found[what], where) if what in found else None
                for what in ("posts", "rank", "views")
            )
            trend = _trend(line[found["trend"]], found["trend"], where) if "trend" in found else None
            rows.setdefault(name, (posts, rank, views, trend))
    if not rows:
        raise InputError(f"{path.name} lists no names.")
    ignored = tuple(header for header in headers if header and header not in found.values())
    return TrendList(collection=path.name.split(".")[0], day=day, rows=rows, ignored=ignored)


def with_list(
    table: dict[str, Any],
    trend_list: TrendList,
    key_of: Callable[[str], str],
    is_shared: Callable[[str], bool] | None = None,
) -> dict[str, Any]:
    """The table of `table_of` with the list as one more collection; one of the same name is replaced.

    Args:
        table, trend_list: what is joined.
        key_of: makes the table's key of a name (`hashtag_key`, `title_key`).
        is_shared: whether a key is the name of many sounds.

    Raises:
        InputError: no name of the list has a key.
    """
    collection = trend_list.collection
    tags: dict[str, dict[str, Any]] = {}
    for name, rows in table["tags"].items():
        if others := {other: row for other, row in rows.items() if other != collection}:
            tags[name] = others
    count = 0
    for name, (posts, rank, views, trend) in trend_list.rows.items():
        key = key_of(name)
        if key and collection not in tags.get(key, {}):  # of two names with one key, the first ranks higher
            shared = int(is_shared is not None and is_shared(key))
            tags.setdefault(key, {})[collection] = [posts, None, None, None, shared, posts, rank, views, trend]
            count += 1
    if not count:
        raise InputError(f"No name in the list {collection} can be looked up.")
    about = {
        "posts": None,
        "authors": None,
        "first": trend_list.day.isoformat(),
        "last": trend_list.day.isoformat(),
        "followers_known": False,
        "answers": False,
        "between_tag_deviation": None,
        "between_author_deviation": None,
        "tags": count,
    }
    return {
        **table,
        "columns": [*table["columns"], *COLUMNS[len(table["columns"]) :]],
        "collections": {**table["collections"], collection: about},
        "tags": {name: tags[name] for name in sorted(tags)},
    }


def _columns(headers: Sequence[str], columns: Mapping[str, str], file: str) -> dict[str, str]:
    """What is read → the file's header for it."""
    for what, header in columns.items():
        if what not in KNOWN:
            raise UsageError(f"{what!r} is not read from a list; {', '.join(KNOWN)} are.")
        if header not in headers:
            raise UsageError(f"{file} has no column {header!r}; it has {', '.join(headers)}.")
    found = dict(columns)
    by_name = {re.sub(r"[\W_]", "", header.lower()): header for header in reversed(headers)}
    for what, names in KNOWN.items():
        free = [by_name[name] for name in names if name in by_name and by_name[name] not in found.values()]
        if what not in found and free:
            found[what] = free[0]
    if "name" not in found:
        raise InputError(f"{file} has no column of names; say which it is with --column name=HEADER.")
    return found


def _count(cell: str, column: str, where: str) -> int | None:
    count = parse_count(cell, column, where)
    return None if count is None else round(count)


def _trend(cell: str, column: str, where: str) -> str | None:
    """up, down or same, from the word or from a change of rank."""
    text = cell.strip().lower()
    if text in ("", "-"):
        return None
    if text in _DIRECTIONS:
        return _DIRECTIONS[text]
    if re.fullmatch(r"[+\-−]?\d{1,9}", text):
        change = int(text.replace("−", "-"))
        return "up" if change > 0 else "down" if change < 0 else "same"
    raise InputError(f"`{column}` in {where} is {text[:30]!r}; up, down, same or a change of rank is needed.")
