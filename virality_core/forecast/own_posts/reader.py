"""A creator's own past posts, from a CSV or from Instagram's or TikTok's own data export.

CSV columns: at least one count of `likes`, `comments`, `shares`, `saves`, `plays` (or `views`); optional `posted_at`
(or `date`), `caption`, `duration_s`, `followers`, `music_title`. Exports come as JSON or ZIP (`data_export`): TikTok's
`user_data_tiktok.json` knows dates and likes; Instagram's counts are in its insights.
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
from virality_core.forecast.counts import COUNTS, parse_count
from virality_core.forecast.features import Facts, facts_from
from virality_core.forecast.own_posts.data_export import MAX_POSTS_READ, ZIP_HEAD, rows_of_json, rows_of_zip

MAX_POSTS = 2_000  # the latest are kept
MAX_BYTES = 50_000_000

_MAX_COLUMNS = 200  # of a CSV; the platforms' own have up to 60
_MAX_LINE = 1_000_000  # characters
_MEMORY_BYTES = 256_000_000  # that the subprocess may take beyond its imports
_TIMEOUT_SECONDS = 30.0
_one_at_a_time = threading.Lock()  # so that the memory is needed once, however many upload

_OTHER_NAMES = {
    "views": "plays",
    "date": "posted_at",
    "time": "posted_at",
    "description": "caption",
    "title": "caption",
}
_FEATURES = ("caption", "duration_s", "followers", "music_title", "following", "videos")
_IDENTIFYING = ("posted_at", "caption", "post", "id", "link", "url")
_READ = frozenset((*COUNTS, *_FEATURES, *_IDENTIFYING))
_NUMERIC_DATE = re.compile(r"(\d{1,2})([./])(\d{1,2})\2(\d{4})(?:[ T,]+(\d{1,2}):(\d{2})(?::\d{2})?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPosts:
    """Posts by date, counts by name (None: not known), and sentences on what was left out."""

    facts: tuple[Facts, ...]
    outcomes: Mapping[str, tuple[float | None, ...]]
    notes: tuple[str, ...]


def read_own_posts(data: bytes, name: str) -> OwnPosts:
    """The posts of a file's content.

    Raises:
        InputError: it is of neither format, a value can't be read, or it has no counts; the message names the row.
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
        raise InputError(f"{name} holds no posts; use a CSV with a header and one post per row.")
    counts = [count for count in COUNTS if any(row.get(count) not in (None, "") for row in rows)]
    if not counts:
        raise InputError(f"{name} has no column of counts; one of {', '.join(COUNTS)} is needed.")
    unique = _without_repeats(rows)
    dates = _dates([str(row.get("posted_at") or "") for row in unique], name)
    order = sorted(range(len(unique)), key=lambda index: _date_key(dates[index]))[-MAX_POSTS:]
    notes = []
    if len(unique) < len(rows):
        notes.append(f"{len(rows) - len(unique)} repeated rows were counted once.")
    if len(order) < len(unique):
        notes.append(f"Of {len(unique):,} posts the latest {MAX_POSTS:,} are read.")
    return OwnPosts(
        facts=tuple(
            facts_from(
                {key: unique[index][key] for key in _FEATURES if unique[index].get(key) not in (None, "")}, dates[index]
            )
            for index in order
        ),
        outcomes={
            count: tuple(parse_count(unique[index].get(count), count, f"row {index + 1} of {name}") for index in order)
            for count in counts
        },
        notes=tuple(notes),
    )


def read_in_subprocess(data: bytes, name: str) -> OwnPosts:
    """`read_own_posts` in a process with bounded memory and time, for a stranger's file.

    The page's other threads don't wait for the interpreter's lock meanwhile. One file at a time; a small one takes a
    few tenths of a second.

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
                command, input=data, capture_output=True, timeout=_TIMEOUT_SECONDS, env=environment, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise InputError(f"{name} takes too long to read; use a smaller file.") from error
    if done.returncode:
        raise _too_much_memory(name)
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise InputError(answer["error"])
    return OwnPosts(
        facts=tuple(Facts(**{**one, "hashtags": tuple(one["hashtags"])}) for one in answer["facts"]),
        outcomes={count: tuple(values) for count, values in answer["outcomes"].items()},
        notes=tuple(answer["notes"]),
    )


def _main(name: str) -> None:
    """The subprocess: the file on standard input, JSON on standard output."""
    data = sys.stdin.buffer.read()
    _limit_memory()
    try:
        answer: dict[str, Any] = asdict(read_own_posts(data, name))
    except InputError as error:
        answer = {"error": str(error)}
    except MemoryError:
        answer = {"error": str(_too_much_memory(name))}
    sys.stdout.write(json.dumps(answer))


def _limit_memory() -> None:
    if sys.platform != "linux":
        return  # elsewhere the limit is not enforced; the limits on counts still hold
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + _MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _too_large(name: str) -> InputError:
    return InputError(f"{name} is over {MAX_BYTES // 10**6} MB; use a smaller file.")


def _too_much_memory(name: str) -> InputError:
    return InputError(f"{name} takes too much memory to read; use a smaller file.")


def _rows(data: bytes) -> list[Mapping[str, Any]]:
    if data.startswith(ZIP_HEAD):
        return rows_of_zip(data, max_bytes=MAX_BYTES)
    if data.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"{", b"["):
        return rows_of_json(data)
    return list(_csv(io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", newline="")))


def _without_repeats(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows without repeats; rows without a date, caption or id are kept, as two posts may have the same counts."""
    kept: dict[object, Mapping[str, Any]] = {}
    for index, row in enumerate(rows):
        identified = any(row.get(name) not in (None, "") for name in _IDENTIFYING)
        kept.setdefault(json.dumps(row, sort_keys=True, default=str) if identified else index, row)
    return list(kept.values())


def _csv(text: io.TextIOWrapper) -> Iterator[Mapping[str, Any]]:
    """The rows of a CSV, only the known columns of each, so that nothing else stays in memory."""
    lines = _lines(text)
    header = next(lines, "")
    delimiter = max(",;\t", key=header.count)
    if header.count(delimiter) >= _MAX_COLUMNS:
        raise ValueError(f"it has more than {_MAX_COLUMNS} columns")
    table = csv.reader(itertools.chain([header], lines), delimiter=delimiter)
    columns = [column.strip().lower().replace(" ", "_") for column in next(table, [])]
    columns = [_OTHER_NAMES.get(column, column) for column in columns]
    for number, row in enumerate(table):
        if number >= MAX_POSTS_READ:
            raise ValueError(f"it has more than {MAX_POSTS_READ:,} rows")
        if row:
            yield {name: value for name, value in zip(columns, row, strict=False) if name in _READ}


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(_MAX_LINE + 1):
        if len(line) > _MAX_LINE:
            raise ValueError(f"one of its lines has more than {_MAX_LINE:,} characters")
        yield line


def _dates(texts: Sequence[str], name: str) -> list[datetime | None]:
    """Dates as 2025-05-31 12:00, 31.05.2025 or 05/31/2025; all of them together decide whether the day comes first."""
    matches = [_NUMERIC_DATE.fullmatch(text.strip()) for text in texts]
    slashed = [match for match in matches if match and match[2] == "/"]
    day_first = any(int(match[1]) > 12 for match in slashed)
    if day_first and any(int(match[3]) > 12 for match in slashed):
        raise InputError(f"In {name} some dates have the day first, some the month; use dates like 2025-05-31.")
    found: list[datetime | None] = []
    for number, (text, match) in enumerate(zip(texts, matches, strict=True), start=1):
        try:
            found.append(_date(text.strip(), match, day_first) if text.strip() else None)
        except ValueError as error:
            raise InputError(
                f"The date {text[:40]!r} in row {number} of {name} can't be read; 2025-05-31 12:00 works."
            ) from error
    return found


def _date(text: str, match: re.Match[str] | None, day_first: bool) -> datetime:
    if match is None:
        return datetime.fromisoformat(text.removesuffix(" UTC"))
    first, second = int(match[1]), int(match[3])
    day, month = (first, second) if match[2] == "." or day_first else (second, first)
    return datetime(int(match[4]), month, day, int(match[5] or 12), int(match[6] or 0))


def _date_key(when: datetime | None) -> tuple[int, str]:
    return (0, "") if when is None else (1, when.replace(tzinfo=None).isoformat())


if __name__ == "__main__":
    _main(sys.argv[1])
