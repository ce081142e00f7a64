"""Reads posts with their counts from CSV or JSON-lines files, plain or gzipped.

`read_posts` is strict: for the hashtag, music and keyword fits, where a user's typing error must not go unnoticed.
`read_outcomes` is lenient: for the forecast, which reads whatever is known of a post before it is published.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from virality_core.errors import InputError
from virality_core.files import open_regular
from virality_core.forecast.counts import COUNTS, parse_count
from virality_core.forecast.features import KNOWN, Facts, facts_from, number_or_none
from virality_core.scorers.caption.entities import find_entities, hashtag_key
from virality_core.training.datasets.reading import reading

POPULARITY = "popularity"  # of SMP-Video: a log scale already, 1.22 to 13.35 in the training part
SMP = "smp_video"
OUTCOMES = ("likes", "comments", "shares")  # what `read_posts` reads of what is known only after posting
MAX_POSTS = 1_000_000  # of a file for the forecast; they take more than a gigabyte of memory
MAX_CHARACTERS = 2_000_000_000  # of a file, once unpacked
MAX_LINE = 1_000_000  # characters; a post's line has about 1,000


@dataclass(frozen=True, slots=True, kw_only=True)
class PostRecord:
    """One post. `hashtags` are unique keys in order of first use; a count is None where the file has none."""

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
    music_uses: float | None = None  # videos that use the music


@dataclass(frozen=True, slots=True, kw_only=True)
class PostOutcome:
    """One post: its collection and author, what was known before posting, and the counts it got."""

    collection: str
    author: str
    facts: Facts
    targets: Mapping[str, float]  # those the collection has; counts, or `popularity` on its log scale


def read_posts(path: Path) -> tuple[PostRecord, ...]:
    """All posts of a file, in its order.

    `user`, `likes` and one of `hashtags`, `caption` are required; `followers`, `comments`, `shares`, `source` (the
    collection), `posted_at`, `observed_at`, `music_title` and `music_uses` are optional. Other columns are never read:
    plays and saves exist only after posting and are no part of a fit.

    Raises:
        InputError: the file can't be read, or a line breaks the schema; the message names the line.
    """
    collection = path.name.split(".")[0]
    posts = tuple(_record(row, f"line {number} of {path.name}", collection) for number, row in read_rows(path))
    if not posts:
        raise InputError(f"{path.name} holds no posts.")
    return posts


def read_outcomes(path: Path) -> tuple[PostOutcome, ...]:
    """All posts of a JSON-lines file, in its order; posts without any target are left out.

    Two schemas are known by their columns: TikTok posts (`user`, `likes`, `source` …) and the SMP-Video 2025 challenge
    (`uid`, `popularity`, `user_follower_count` …).

    Raises:
        InputError: the file can't be read, is too large, or a line is of neither schema; the message names the line.
    """
    posts = []
    for number, row in read_rows(path, max_rows=MAX_POSTS, allow_csv=False):
        post = _outcome(row, f"line {number} of {path.name}")
        if post is not None:
            posts.append(post)
    if not posts:
        raise InputError(f"{path.name} holds no posts with likes, comments, shares, saves, plays or popularity.")
    return tuple(posts)


def target_units(target: str, value: float) -> float:
    """What a model is fitted to: ln(1 + count), or the popularity as it is."""
    return value if target == POPULARITY else math.log1p(value)


def read_rows(
    path: Path, *, max_rows: int | None = None, allow_csv: bool = True
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(line number, row) of a CSV with a header (`.csv`, `.csv.gz`) or of JSON lines.

    Raises:
        InputError: the file can't be read, is too large, or a line is not a JSON object.
    """
    with ExitStack() as stack:
        stack.enter_context(reading(path, "a UTF-8 CSV or JSON-lines file"))
        file = stack.enter_context(open_regular(path))
        if path.name.endswith(".gz"):
            file = cast(BinaryIO, stack.enter_context(gzip.GzipFile(fileobj=file, mode="rb")))
        text = stack.enter_context(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""))
        lines = _lines(text, path.name, max_rows)
        if allow_csv and path.name.lower().removesuffix(".gz").endswith(".csv"):
            yield from enumerate(csv.DictReader(lines), start=2)
            return
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, _json_object(line, f"Line {number} of {path.name}")


def _lines(text: io.TextIOWrapper, name: str, max_lines: int | None) -> Iterator[str]:
    """The lines of a file that may never end, or be one endless line, once it is unpacked."""
    count = characters = 0
    while line := text.readline(MAX_LINE + 1):
        count, characters = count + 1, characters + len(line)
        if len(line) > MAX_LINE:
            raise InputError(f"{name} is too large: line {count} has more than {MAX_LINE:,} characters.")
        if characters > MAX_CHARACTERS:
            raise InputError(f"{name} is too large: it has more than {MAX_CHARACTERS:,} characters.")
        if max_lines is not None and count > max_lines:
            raise InputError(f"{name} is too large: it has more than {max_lines:,} lines.")
        yield line


def _json_object(text: str, where: str) -> Mapping[str, Any]:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError also for a number of thousands of digits
        raise InputError(f"{where} is not JSON; each line must be one JSON object.") from error
    if not isinstance(row, dict):
        raise InputError(f"{where} is not a JSON object; each line must be one.")
    return row


def _record(row: Mapping[str, Any], where: str, collection: str) -> PostRecord:
    counts = {name: parse_count(row.get(name), name, where) for name in (*OUTCOMES, "followers", "music_uses")}
    for column, missing in (("user", row.get("user") in (None, "")), ("likes", counts["likes"] is None)):
        if missing:
            raise InputError(f"There is no `{column}` in {where}; every post needs user and likes.")
    if row.get("hashtags") is None and row.get("caption") is None:
        raise InputError(f"There is neither `hashtags` nor `caption` in {where}; one of them is needed.")
    caption = _text(row.get("caption") or "")
    names = row.get("hashtags")
    if isinstance(names, str):
        names = names.replace(",", " ").split()
    if names is not None and not isinstance(names, list):
        raise InputError(f"`hashtags` in {where} must be a list, or names separated by spaces.")
    if names is None:
        keys = [tag.key for tag in find_entities(caption).hashtags]
    else:
        keys = [hashtag_key(_text(name)) for name in names]
    keys = [key for key in keys if key]
    return PostRecord(
        collection=_text(row.get("source") or collection),
        author=_text(row["user"]),
        caption=caption,
        hashtags=tuple(dict.fromkeys(keys)),
        hashtag_count=len(keys),
        followers=counts["followers"],
        likes=counts["likes"] or 0.0,
        comments=counts["comments"],
        shares=counts["shares"],
        posted_at=_time(row, "posted_at", where),
        observed_at=_time(row, "observed_at", where),
        music_title=_text(row["music_title"]) if row.get("music_title") else None,
        music_uses=counts["music_uses"],
    )


def _text(value: object) -> str:
    """As text that can be written: JSON may hold lone surrogates."""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _time(row: Mapping[str, Any], column: str, where: str) -> datetime | None:
    value = row.get(column)
    if value in (None, ""):
        return None
    try:
        return datetime.fromisoformat(_text(value))
    except ValueError as error:
        raise InputError(
            f"`{column}` in {where} is {repr(value)[:60]}; a date like 2025-05-31 12:00:00 is needed."
        ) from error


def _outcome(row: Mapping[str, Any], where: str) -> PostOutcome | None:
    smp = POPULARITY in row or "user_follower_count" in row
    author_column, time_column = ("uid", "post_time") if smp else ("user", "posted_at")
    if row.get(author_column) in (None, ""):
        raise InputError(f"There is no `{author_column}` in {where}; every post needs one.")
    counts = {name: number_or_none(row.get(name)) for name in ((POPULARITY,) if smp else COUNTS)}
    targets = {name: count for name, count in counts.items() if count is not None}
    if not targets:
        return None
    try:
        posted_at = datetime.fromisoformat(str(row.get(time_column)))
    except ValueError:
        posted_at = None
    columns = {name: value for name, value in row.items() if name in KNOWN and value is not None}
    return PostOutcome(
        collection=SMP if smp else str(row.get("source") or "unknown"),
        author=str(row[author_column]),
        facts=facts_from(columns, posted_at),
        targets=targets,
    )
