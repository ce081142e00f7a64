"""A creator's own past posts, from a CSV or from Instagram's or TikTok's own data export.

CSV columns, of which a count is needed and the rest is read where given: `likes`, `comments`, `shares`, `saves`,
`plays` (or `views`); `posted_at` (or `date`), `caption`, `duration_s`, `followers`, `music_title`. The exports come as
JSON or ZIP: TikTok's `user_data_tiktok.json` of "Download your data", which knows dates and likes, and Instagram's
"Download your information", whose counts are in its insights.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from virality_core.errors import InputError
from virality_core.forecast.features import Facts, facts_from
from virality_core.forecast.own_posts.data_export import MAX_POSTS_READ, ZIP_HEAD, rows_of_json, rows_of_zip

COUNTS = ("likes", "comments", "shares", "saves", "plays")
MAX_POSTS = 2_000  # the latest are kept
MAX_BYTES = 50_000_000

_MAX_COLUMNS = 200  # of a CSV; the platforms' own have up to 60
_MAX_LINE = 1_000_000  # characters
_SPACE_BYTES = 256_000_000  # of memory that reading apart may take beyond its imports
_TIME_SECONDS = 30.0
_one_at_a_time = threading.Lock()  # so that the memory is needed once, however many upload

_OTHER_NAMES = {
    "views": "plays",
    "date": "posted_at",
    "time": "posted_at",
    "description": "caption",
    "title": "caption",
}
_FEATURES = ("caption", "duration_s", "followers", "music_title", "following", "videos")
_TELLING = ("posted_at", "caption", "post", "id", "link", "url")
_READ = frozenset((*COUNTS, *_FEATURES, *_TELLING))
_NUMBERS_DATE = re.compile(r"(\d{1,2})([./])(\d{1,2})\2(\d{4})(?:[ T,]+(\d{1,2}):(\d{2})(?::\d{2})?)?")
_GROUPED = re.compile(r"\d{1,3}(?:[,' ]\d{3})+")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPosts:
    """Posts in the order of their dates, counts by name (None: not known), and what was left out, in sentences."""

    facts: tuple[Facts, ...]
    outcomes: Mapping[str, tuple[float | None, ...]]
    notes: tuple[str, ...]


def read_own_posts(data: bytes, name: str) -> OwnPosts:
    """The posts of a file's content.

    Raises:
        InputError: it is of neither shape, a value can't be read, or there is no count in it; the row is named.
    """
    if len(data) > MAX_BYTES:
        raise _too_large(name)
    try:
        rows = _rows(data)
    except (ValueError, csv.Error) as error:
        raise InputError(
            f"{name} can't be read as a UTF-8 CSV, or as Instagram's or TikTok's own data export ({error})."
        ) from error
    if not rows:
        raise InputError(f"{name} holds no posts; a CSV with a header and a row a post works.")
    counts = [count for count in COUNTS if any(row.get(count) not in (None, "") for row in rows)]
    if not counts:
        raise InputError(f"{name} has no column of counts; one of {', '.join(COUNTS)} is needed.")
    unique = _once(rows)
    dates = _dates([str(row.get("posted_at") or "") for row in unique], name)
    order = sorted(range(len(unique)), key=lambda place: _key(dates[place]))[-MAX_POSTS:]
    notes = []
    if len(unique) < len(rows):
        notes.append(f"{len(rows) - len(unique)} rows stood there twice and were counted once.")
    if len(order) < len(unique):
        notes.append(f"Of {len(unique):,} posts the latest {MAX_POSTS:,} are read.")
    chosen = [(unique[place], dates[place], place + 1) for place in order]
    return OwnPosts(
        facts=tuple(
            facts_from({key: row[key] for key in _FEATURES if row.get(key) not in (None, "")}, when)
            for row, when, _ in chosen
        ),
        outcomes={
            count: tuple(_count(row.get(count), count, number, name) for row, _, number in chosen) for count in counts
        },
        notes=tuple(notes),
    )


def read_own_posts_apart(data: bytes, name: str) -> OwnPosts:
    """As `read_own_posts`, in a process of its own with bounded memory and time: for a stranger's file.

    Nothing else waits meanwhile, as it would for the interpreter's lock. One file at a time; a few tenths of a second
    for a small one.

    Raises:
        InputError: as `read_own_posts`, or reading takes too much memory or time.
    """
    if len(data) > MAX_BYTES:
        raise _too_large(name)
    package = str(Path(__file__).resolve().parents[3])
    paths = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "virality_core.forecast.own_posts.reader", name]
    with _one_at_a_time:
        try:
            done = subprocess.run(
                command, input=data, capture_output=True, timeout=_TIME_SECONDS, env=environment, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise InputError(f"{name} takes too long to read; a smaller file works.") from error
    if done.returncode:
        raise InputError(f"{name} takes too much memory to read; a smaller file works.")
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise InputError(answer["error"])
    return OwnPosts(
        facts=tuple(Facts(**{**one, "hashtags": tuple(one["hashtags"])}) for one in answer["facts"]),
        outcomes={count: tuple(values) for count, values in answer["outcomes"].items()},
        notes=tuple(answer["notes"]),
    )


def _main(name: str) -> None:
    """Answers `read_own_posts_apart`: the file on standard input, JSON on standard output."""
    data = sys.stdin.buffer.read()
    _bound_memory()
    try:
        answer: dict[str, Any] = asdict(read_own_posts(data, name))
    except InputError as error:
        answer = {"error": str(error)}
    except MemoryError:
        answer = {"error": f"{name} takes too much memory to read; a smaller file works."}
    sys.stdout.write(json.dumps(answer))


def _bound_memory() -> None:
    if sys.platform != "linux":
        return  # elsewhere the limit is not kept, or there is none; the counts bound it still
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + _SPACE_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _too_large(name: str) -> InputError:
    return InputError(f"{name} is over {MAX_BYTES // 10**6} MB; a smaller file works.")


def _rows(data: bytes) -> list[Mapping[str, Any]]:
    if data.startswith(ZIP_HEAD):
        return rows_of_zip(data, max_bytes=MAX_BYTES)
    if data.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"{", b"["):
        return rows_of_json(data)
    return list(_csv(io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", newline="")))


def _once(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows without repeats; where nothing tells posts apart, rows that are alike may well be two posts."""
    kept: dict[object, Mapping[str, Any]] = {}
    for place, row in enumerate(rows):
        told = any(row.get(name) not in (None, "") for name in _TELLING)
        kept.setdefault(json.dumps(row, sort_keys=True, default=str) if told else place, row)
    return list(kept.values())


def _csv(text: io.TextIOWrapper) -> Iterator[Mapping[str, Any]]:
    """The rows of a CSV, of each the columns that are known; nothing is held that is not kept."""
    lines = _lines(text)
    head = next(lines, "")
    delimiter = max(",;\t", key=head.count)
    if head.count(delimiter) >= _MAX_COLUMNS:
        raise ValueError(f"it has more than {_MAX_COLUMNS} columns")
    table = csv.reader(itertools.chain([head], lines), delimiter=delimiter)
    columns = [_known(column) for column in next(table, [])]
    for number, row in enumerate(table):
        if number >= MAX_POSTS_READ:
            raise ValueError(f"it has more than {MAX_POSTS_READ:,} rows")
        if row:
            yield {name: value for name, value in zip(columns, row, strict=False) if name in _READ}


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(_MAX_LINE + 1):
        if len(line) > _MAX_LINE:
            raise ValueError(f"a line of it has more than {_MAX_LINE:,} characters")
        yield line


def _known(column: str) -> str:
    plain = column.strip().lower().replace(" ", "_")
    return _OTHER_NAMES.get(plain, plain)


def _dates(texts: Sequence[str], name: str) -> list[datetime | None]:
    """Dates as 2025-05-31 12:00, 31.05.2025 or 05/31/2025; whether day or month comes first, all of them decide."""
    matches = [_NUMBERS_DATE.fullmatch(text.strip()) for text in texts]
    firsts = [int(match[1]) for match in matches if match and match[2] == "/"]
    seconds = [int(match[3]) for match in matches if match and match[2] == "/"]
    day_first = any(first > 12 for first in firsts)
    if day_first and any(second > 12 for second in seconds):
        raise InputError(f"In {name} some dates have the day first, some the month; dates like 2025-05-31 work.")
    found: list[datetime | None] = []
    for number, (text, match) in enumerate(zip(texts, matches, strict=True), start=1):
        if not text.strip():
            found.append(None)
            continue
        try:
            found.append(_date(text.strip(), match, day_first))
        except ValueError as error:
            raise InputError(
                f"The date {text[:40]!r} in row {number} of {name} is none; 2025-05-31 12:00 works."
            ) from error
    return found


def _date(text: str, match: re.Match[str] | None, day_first: bool) -> datetime:
    if match is None:
        return datetime.fromisoformat(text.removesuffix(" UTC"))
    first, second = int(match[1]), int(match[3])
    day, month = (first, second) if match[2] == "." or day_first else (second, first)
    return datetime(int(match[4]), month, day, int(match[5] or 12), int(match[6] or 0))


def _key(when: datetime | None) -> tuple[int, str]:
    return (0, "") if when is None else (1, when.replace(tzinfo=None).isoformat())


def _count(value: Any, column: str, number: int, name: str) -> float | None:
    if value in (None, ""):
        return None
    text = str(value).strip()
    if _GROUPED.fullmatch(text):
        text = re.sub(r"[,' ]", "", text)
    try:
        count = float(text)
    except ValueError:
        count = -1.0
    if not 0.0 <= count < 1e15:
        raise InputError(
            f"`{column}` in row {number} of {name} is {str(value)[:40]!r}; a whole number of 0 or more is needed."
        )
    return count


if __name__ == "__main__":
    _main(sys.argv[1])
