"""Posts with what they got, from a JSON-lines file in either schema: TikTok posts, or the SMP-Video 2025 challenge.

The two are told apart by their columns: `popularity` with `user_follower_count`, or `likes` with `source`. What is
known before posting goes through `facts_from`, which refuses anything else; what was counted after goes to `targets`.
"""

from __future__ import annotations

import gzip
import io
import json
import math
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from virality_core.errors import InputError
from virality_core.files import open_regular
from virality_core.forecast.features import KNOWN, Facts, count_of, facts_from

COUNTS = ("likes", "comments", "shares", "saves", "plays")
POPULARITY = "popularity"  # of SMP-Video: a log scale already, 1.22 to 13.35 in the training part
SMP = "smp_video"
MAX_POSTS = 1_000_000  # lines of a file; their posts take more than a gigabyte of memory
MAX_CHARACTERS = 2_000_000_000  # of a file, once unpacked
MAX_LINE = 1_000_000  # characters: a post's line has about 1,000


@dataclass(frozen=True, slots=True, kw_only=True)
class PostOutcome:
    """One post: the collection and author it is from, what was known before posting, and what it got."""

    collection: str
    author: str
    facts: Facts
    targets: Mapping[str, float]  # only those the collection has; counts, or `popularity` on its log scale


def read_outcomes(path: Path) -> tuple[PostOutcome, ...]:
    """All posts of a file (.jsonl or .jsonl.gz), in its order; a post without any target is left out.

    Raises:
        InputError: the file can't be read, has more than `MAX_POSTS` lines or `MAX_CHARACTERS`, or a line is of neither
            schema; the sentence names the line.
    """
    try:
        posts = [post for number, row in _rows(path) if (post := _outcome(path.name, number, row)) is not None]
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}.") from error
    except OSError as error:
        raise InputError(f"{path.name} can't be read ({error.strerror or error}).") from error
    except (UnicodeDecodeError, EOFError, zlib.error) as error:
        raise InputError(f"{path.name} can't be read as UTF-8 JSON lines, plain or gzipped ({error}).") from error
    if not posts:
        raise InputError(f"{path.name} holds no posts with likes, comments, shares, saves, plays or popularity.")
    return tuple(posts)


def target_units(target: str, value: float) -> float:
    """What a model is fitted to: ln(1 + count), or the popularity as it is."""
    return value if target == POPULARITY else math.log1p(value)


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with ExitStack() as stack:
        file = stack.enter_context(open_regular(path))
        if path.name.endswith(".gz"):
            file = cast(BinaryIO, stack.enter_context(gzip.GzipFile(fileobj=file, mode="rb")))
        lines = stack.enter_context(io.TextIOWrapper(file, encoding="utf-8-sig"))
        number = read = 0
        while line := lines.readline(MAX_LINE):
            number, read = number + 1, read + len(line)
            if number > MAX_POSTS or read > MAX_CHARACTERS:
                raise InputError(
                    f"{path.name} is too large: at most {MAX_POSTS:,} lines or {MAX_CHARACTERS:,} characters are read."
                )
            if len(line) == MAX_LINE:
                raise InputError(f"Line {number} of {path.name} is longer than {MAX_LINE:,} characters.")
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise InputError(f"Line {number} of {path.name} is not JSON; one JSON object a line works.") from error
            if not isinstance(row, dict):
                raise InputError(f"Line {number} of {path.name} is not a JSON object; one object a line works.")
            yield number, row


def _outcome(file: str, number: int, row: Mapping[str, Any]) -> PostOutcome | None:
    smp = POPULARITY in row or "user_follower_count" in row
    author = row.get("uid" if smp else "user")
    if author in (None, ""):
        raise InputError(f"There is no `{'uid' if smp else 'user'}` in line {number} of {file}; every post needs one.")
    names = (POPULARITY,) if smp else COUNTS
    found = {name: count_of(row.get(name)) for name in names}
    targets = {name: value for name, value in found.items() if value is not None}
    if not targets:
        return None
    columns = {name: value for name, value in row.items() if name in KNOWN and value is not None}
    return PostOutcome(
        collection=SMP if smp else str(row.get("source") or "unknown"),
        author=str(author),
        facts=facts_from(columns, _time(row.get("post_time" if smp else "posted_at"))),
        targets=targets,
    )


def _time(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None
