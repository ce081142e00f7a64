"""The tables of weights/trends: how posts with a hashtag or a piece of music did, in which posts, counted when."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from virality_core.errors import WeightsError
from virality_core.models import weights
from virality_core.types import Post

STALE_DAYS = 90  # a season: from one half of a spring to the other, lifts kept 4/5 of their rank (metrics.json)
_MIN_STEM_LETTERS = 3  # every other word begins with a shorter one


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """The posts a row was counted in, with their dates (ISO, first and last post; None where not known).

    A platform's own list has no `posts` and `authors`; both its dates are the day it was saved. `answers` says whether
    the lifts ranked other authors' posts of the same collection better than chance; only those count in the signal.
    """

    name: str
    posts: int | None
    authors: int | None
    first: str | None
    last: str | None
    followers_known: bool
    answers: bool

    def age_days(self, on: date) -> int | None:
        """The newest post's age on a day; None where its date is not known."""
        return None if self.last is None else (on - date.fromisoformat(self.last)).days


def reference_day(post: Post, today: date | None = None) -> date:
    """The day that the data's age is counted to: the post's, else `today`, else the real day."""
    return post.posted_at.date() if post.posted_at else today or datetime.now(UTC).date()


def data_age(rows: Sequence[TagRow], on: date) -> str | None:
    """How new the newest population with an answer is, and whether it is stale; None where no date is known."""
    counted = [row.population for row in rows if row.population.answers] or [row.population for row in rows]
    ages = [age for population in counted if (age := population.age_days(on)) is not None]
    if not ages:
        return None
    newest = (
        f"the newest of these posts is from {max(str(population.last) for population in counted if population.last)}"
    )
    return newest if min(ages) <= STALE_DAYS else f"{newest}, {min(ages) // 30} months ago; trends change faster"


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRow:
    """A tag in one population.

    `lift` (ln units, shrunk towards 0) and its standard `deviation` are None where followers are not known; exp(lift)
    is a factor on the engagement that the author's size predicts. In a platform's own list, `authors` is None, `posts`
    and `views` are the platform's counts, `rank` the position in the list and `trend` up, down or same; None for what
    it doesn't say.
    """

    population: Population
    posts: int | None
    authors: int | None
    lift: float | None
    deviation: float | None
    generic: bool
    rank: int | None = None
    views: int | None = None
    trend: str | None = None

    def usage(self, on: date | None = None) -> str:
        """How often it was used by when, and whether that is stale on a day, by default today."""
        age = self.population.age_days(on or datetime.now(UTC).date())
        old = "" if age is None or age <= STALE_DAYS else f", {age // 30} months ago"
        posts = None if self.posts is None else f"{self.posts:,} post{'' if self.posts == 1 else 's'}"
        if self.authors is not None:
            by = "" if self.population.last is None else f" by {self.population.last}"
            return f"used in {posts} of {self.authors:,} author{'' if self.authors == 1 else 's'}{by}{old}"
        position = "listed" if self.rank is None else f"number {self.rank} in the list"
        trend = {"up": ", rising", "down": ", falling", "same": ", steady"}.get(self.trend or "", "")
        views = None if self.views is None else f"{self.views:,} views"
        counts = ", ".join(count for count in (posts, views) if count)
        return f"{position} of {self.population.last}{old}{trend}{f': {counts}' if counts else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendTable:
    """All populations and tags; a tag's rows start with the newest population. `stems` are the most common tags."""

    measure: str
    min_authors: int
    stems: tuple[str, ...]
    populations: Mapping[str, Population]
    tags: Mapping[str, tuple[TagRow, ...]]

    def rows(self, key: str) -> tuple[TagRow, ...]:
        """The rows of a tag, newest population first; empty for an unknown tag."""
        return self.tags.get(key, ())

    def is_generic(self, key: str) -> bool:
        """Whether the tag is generic in any population, such a tag stretched out (`fyppppp`), or begins with a stem."""
        names = (key, unstretched(key))
        return names[1].startswith(self.stems) or any(row.generic for name in names for row in self.rows(name))


def unstretched(key: str) -> str:
    """The tag with every run of three or more of one character cut to one: `xhhhhhh` → `xh`."""
    return re.sub(r"(.)\1{2,}", r"\1", key, flags=re.DOTALL)


def load_trends(path: Path | None = None) -> TrendTable:
    """Read the table that ships, or the one at `path`. Raises WeightsError where it is missing or another file."""
    return _read(path or weights.folder() / "trends" / "hashtags.json")


@lru_cache
def _read(path: Path) -> TrendTable:
    try:
        return _table(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"The trend table {path} can't be read ({error}); `virality trends build` makes one."
        ) from error


def _table(plain: dict[str, Any]) -> TrendTable:
    if plain["schema"] != 1:
        raise ValueError(f"schema {plain['schema']}, 1 is known")
    fields = ("posts", "authors", "first", "last", "followers_known", "answers")
    populations = {
        name: Population(name=name, **{field: entry[field] for field in fields})
        for name, entry in plain["collections"].items()
    }
    newest = sorted(populations, key=lambda name: (populations[name].last or "", name), reverse=True)
    tags = {
        key: tuple(_row(populations[name], rows[name]) for name in newest if name in rows)
        for key, rows in plain["tags"].items()
    }
    common = max(plain["generic"]["stem_share"], plain["generic"]["share_of_authors"])
    return TrendTable(
        measure=plain["measure"],
        min_authors=plain["min_authors"],
        populations=populations,
        tags=tags,
        stems=tuple(
            key
            for key, rows in tags.items()
            if len(key) >= _MIN_STEM_LETTERS
            and any(
                row.generic and row.authors is not None and row.authors >= common * (row.population.authors or 0)
                for row in rows
            )
        ),
    )


def _row(population: Population, values: list[Any]) -> TagRow:
    names = ("posts", "authors", "lift", "deviation", "generic", "rank", "views", "trend")
    fields = dict(zip(names, [*values[:5], *(values[6:9] or (None, None, None))], strict=True))
    return TagRow(population=population, **fields | {"generic": bool(fields["generic"])})
