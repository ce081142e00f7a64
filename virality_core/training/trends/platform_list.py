"""A platform's own list of trending hashtags or songs, such as TikTok Creative Center exports, as rows of a table.

Such a list says how often a name is used and which way that goes. It names no author and no likes, so it says nothing
of what a name goes with: its rows carry counts and a date, never a lift.
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
_FACTORS = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}
_COUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([kmb]?)", re.IGNORECASE)
_WORDS = {"up": "up", "rising": "up", "down": "down", "falling": "down", "same": "same", "stable": "same"}
_MAX_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendList:
    """A list of one day: `rows` by name as typed, each [posts, rank, views, trend]; None for what it does not say."""

    collection: str
    day: date
    rows: Mapping[str, tuple[int | None, int | None, int | None, str | None]]
    unread: tuple[str, ...]  # columns that were not read


def read_trend_list(path: Path, day: date, columns: Mapping[str, str] | None = None) -> TrendList:
    """Read a list from a CSV with a header.

    Args:
        path: UTF-8; commas, semicolons or tabs part the columns. Its name without ending names the list.
        day: when the list was taken from the platform.
        columns: for keys of KNOWN the file's own header, where it is not found by itself.

    Raises:
        UsageError: `columns` names what the file lacks, or the day is yet to come. InputError: the file can't be read,
            or a row is wrong; the sentence names the line.
    """
    if day > datetime.now(UTC).date():
        raise UsageError(f"The list can't be of {day}: that day is yet to come.")
    text = _text(path)
    first = text.partition("\n")[0]
    parting = max(",;\t", key=first.count)
    try:
        lines = csv.DictReader(io.StringIO(text, newline=""), delimiter=parting, restkey="", restval="")
        headers = [header or "" for header in lines.fieldnames or ()]
        places = _places(headers, columns or {}, path.name)
        rows = _rows(lines, places, path.name)
    except csv.Error as error:
        raise InputError(f"{path.name} can't be read as a CSV file ({error}).") from error
    if not rows:
        raise InputError(f"{path.name} lists no names.")
    unread = tuple(header for header in headers if header and header not in places.values())
    return TrendList(collection=path.name.split(".")[0], day=day, rows=rows, unread=unread)


def with_list(
    table: dict[str, Any],
    found: TrendList,
    key_of: Callable[[str], str],
    is_shared: Callable[[str], bool] = lambda _: False,
) -> dict[str, Any]:
    """The table with the list as one more collection; one of the same name is replaced.

    Args:
        table: as `training.trends.table_of` makes it, or as it was read from a file.
        found: the list.
        key_of: how the table looks a name up (`hashtag_key`, `title_key`).
        is_shared: whether a key is a name of many sounds, of which nothing is said.

    Raises:
        InputError: no name of the list can be looked up.
    """
    tags = {
        name: kept
        for name, rows in table["tags"].items()
        if (kept := {collection: row for collection, row in rows.items() if collection != found.collection})
    }
    listed = 0
    for name, (posts, rank, views, trend) in found.rows.items():
        key = key_of(name)
        if key and found.collection not in tags.get(key, {}):  # the first of two names of one key is the higher one
            row = [posts, None, None, None, int(is_shared(key)), posts, rank, views, trend]
            tags[key] = {**tags.get(key, {}), found.collection: row}
            listed += 1
    if not listed:
        raise InputError(f"No name in the list {found.collection} is one that could be looked up.")
    about = {
        "posts": None,
        "authors": None,
        "first": found.day.isoformat(),
        "last": found.day.isoformat(),
        "followers_known": False,
        "answers": False,
        "between_tag_deviation": None,
        "between_author_deviation": None,
        "tags": listed,
    }
    return {
        **table,
        "columns": [*table["columns"], *COLUMNS[len(table["columns"]) :]],
        "collections": {**table["collections"], found.collection: about},
        "tags": {name: tags[name] for name in sorted(tags)},
    }


def _text(path: Path) -> str:
    try:
        data = read_regular(path, MAX_BYTES)
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}.") from error
    except OSError as error:
        raise InputError(f"{path.name} can't be read ({error.strerror or error}).") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not UTF-8 text ({error.reason}); save it as “CSV UTF-8”.") from error


def _places(headers: Sequence[str], columns: Mapping[str, str], file: str) -> dict[str, str]:
    """Which header holds what."""
    places = {}
    for what, own in columns.items():
        if what not in KNOWN:
            raise UsageError(f"{what!r} is nothing that is read from a list; {', '.join(KNOWN)} are.")
        if own not in headers:
            raise UsageError(f"{file} has no column {own!r}; it has {', '.join(headers)}.")
        places[what] = own
    for what, names in KNOWN.items():
        by_name = {re.sub(r"[\W_]", "", header.lower()): header for header in reversed(headers)}
        free = [by_name[name] for name in names if name in by_name and by_name[name] not in places.values()]
        if what not in places and free:
            places[what] = free[0]
    if "name" not in places:
        raise InputError(f"{file} has no column of names; say which it is with --column name=HEADER.")
    return places


def _rows(
    lines: csv.DictReader[str], places: Mapping[str, str], file: str
) -> dict[str, tuple[int | None, int | None, int | None, str | None]]:
    rows: dict[str, tuple[int | None, int | None, int | None, str | None]] = {}
    for line in lines:
        where = f"line {lines.line_num} of {file}"
        name = line[places["name"]].strip()
        if not name or len(name) > _MAX_NAME:
            raise InputError(f"There is no name of 1 to {_MAX_NAME} characters in {where}.")
        posts, rank, views = (_count(line, places, what, where) for what in ("posts", "rank", "views"))
        rows.setdefault(name, (posts, rank, views, _trend(line, places, where)))
    return rows


def _count(line: Mapping[str, str], places: Mapping[str, str], what: str, where: str) -> int | None:
    """1,234,567 and 1.2M alike; None where nothing is said."""
    typed = line[places[what]].strip() if what in places else ""
    if typed in ("", "-"):
        return None
    matched = _COUNT.fullmatch(re.sub(r"(?<=\d)[, ](?=\d{3}\b)", "", typed)[:30])
    if matched is None or len(typed) > 30:
        raise InputError(f"`{places[what]}` in {where} is {typed[:30]!r}; a count such as 1200000 or 1.2M is needed.")
    return round(float(matched[1]) * _FACTORS[matched[2].lower()])


def _trend(line: Mapping[str, str], places: Mapping[str, str], where: str) -> str | None:
    """up, down or same: from the word, or from the sign of a change of rank."""
    typed = line[places["trend"]].strip().lower() if "trend" in places else ""
    if typed in ("", "-"):
        return None
    if typed in _WORDS:
        return _WORDS[typed]
    if re.fullmatch(r"[+\-−]?\d{1,9}", typed):
        change = int(typed.replace("−", "-"))
        return "up" if change > 0 else "down" if change < 0 else "same"
    raise InputError(f"`{places['trend']}` in {where} is {typed[:30]!r}; up, down, same or a change of rank is needed.")
