"""The post's music: how many videos use it, and how posts with it did compared to their authors' usual."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from virality_core.errors import WeightsError
from virality_core.models import weights
from virality_core.scorers.base import Answer, PostScorer, rated
from virality_core.scorers.caption.trend_table import TagRow, TrendTable, data_age, load_trends, reference_day
from virality_core.types import Details, Post, Skipped

MAX_CHARACTERS = 200  # of a title; TikTok's longest in the data has 170
_LARGEST_LIFT = 3.0  # ln units, as for hashtags


def title_key(title: str) -> str:
    """A title as it is looked up: NFKC, case folded, single spaces, its first MAX_CHARACTERS characters."""
    return " ".join(unicodedata.normalize("NFKC", title[: 2 * MAX_CHARACTERS]).casefold().split())[:MAX_CHARACTERS]


@dataclass(frozen=True, slots=True, kw_only=True)
class MusicDetails(Details):
    """The title's rows, the one that counts first; `uses`: how many videos used it by `uses_on`.

    `dated`: how new the posts behind it are, and that they are stale if they are; None where no date is known.
    """

    title: str
    rows: tuple[TagRow, ...]
    uses: int | None
    uses_on: str | None
    dated: str | None


class MusicScorer(PostScorer):
    """Answers `music`: the title's lift, in ln units of engagement."""

    stage = "music"
    names = ("music",)

    def __init__(self, table: Path | None = None, *, today: date | None = None) -> None:
        """Use the table at a path, or the one that ships. Raises WeightsError where it is missing.

        `today` decides how old data is where a post has no date; the real day by default.
        """
        self._path = table or weights.folder() / "trends" / "music.json"
        self._table: TrendTable = load_trends(self._path)
        self._today = today

    def read(self, post: Post) -> Answer:
        """One Signal, or Skipped where no music is named or nothing is known about it."""
        key = title_key(post.music or "")
        if not key:
            return Skipped(name="music", reason="No music was named.")
        rows = self._table.rows(key)
        day = reference_day(post, self._today)
        if self._table.is_generic(key):
            return Skipped(name="music", reason="Many different sounds have this title, so it says nothing about one.")
        row = next((row for row in rows if row.lift is not None), None)
        if row is None:
            usage = f"; it is {rows[0].usage(day)}" if rows else ""
            return Skipped(name="music", reason=f"We have no data on how posts with this music did{usage}.")
        uses = _uses(self._path)
        latest = next((other.population for other in rows if (key, other.population.name) in uses), row.population)
        return rated(
            "music",
            min(_LARGEST_LIFT, max(-_LARGEST_LIFT, float(row.lift or 0.0))),
            unit="ln engagement against what followers predict",
            native_range=(-_LARGEST_LIFT, _LARGEST_LIFT),
            details=MusicDetails(
                title=key,
                rows=(row, *(other for other in rows if other is not row)),
                uses=uses.get((key, latest.name)),
                uses_on=latest.last,
                dated=data_age([row], day),
            ),
        )


@lru_cache
def _uses(path: Path) -> dict[tuple[str, str], int]:
    """How many videos use each title, by title and population."""
    try:
        tags = json.loads(path.read_text(encoding="utf-8"))["tags"]
        return {
            (title, name): int(row[5])
            for title, rows in tags.items()
            for name, row in rows.items()
            if len(row) > 5 and row[5] is not None
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"The trend table {path} can't be read ({error}).") from error
