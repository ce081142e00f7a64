"""A caption's hashtags: generic or specific, how many the platform allows, how posts with them did."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from virality_core.config.platforms import PlatformRules, rules_of
from virality_core.models.language.text_normalizer import MAX_CHARACTERS
from virality_core.scorers.base import Answer, PostScorer, rated
from virality_core.scorers.caption.entities import Hashtag, find_entities
from virality_core.scorers.caption.trend_table import TagRow, TrendTable, data_age, load_trends, reference_day
from virality_core.types import Details, Platform, Post, Skipped

#: generic: so common that it says nothing about the video (#fyp); specific: in the table and not generic; unknown: used
#: by too few authors of any population, which is not the same as average.
Kind = Literal["generic", "specific", "unknown"]

_LARGEST_LIFT = 3.0  # ln units, a factor of 20; the widest in the table that ships is 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TagReading:
    """One hashtag as typed, its kind, and its rows in the table, newest population first."""

    tag: Hashtag
    kind: Kind
    rows: tuple[TagRow, ...]

    @property
    def counted(self) -> TagRow | None:
        """The row that counts in the signal: of the newest population whose lifts hold out of sample."""
        return next((row for row in self.rows if row.population.answers and row.lift is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashtags(Details):
    """All hashtags of a caption. `over_limit` is how many more than the platform allows; None without a platform.

    `lift` is the mean lift of the tags that count, in ln units, and `known` their number; None where none is known.
    """

    tags: tuple[TagReading, ...]
    platform: PlatformRules | None
    over_limit: int | None
    repeated: tuple[str, ...]  # tags typed more than once
    lift: float | None
    known: int
    dated: str | None = None  # how new the data is, and that it is stale if it is; None where no date is known


def read_hashtags(caption: str, platform: Platform | None, table: TrendTable) -> Hashtags:
    """Look up a caption's hashtags (in its first MAX_CHARACTERS characters) in the table."""
    found = find_entities(caption[:MAX_CHARACTERS]).hashtags
    readings = []
    for tag in found:
        rows = table.rows(tag.key)
        kind: Kind = "generic" if table.is_generic(tag.key) else "specific" if rows else "unknown"
        readings.append(TagReading(tag=tag, kind=kind, rows=rows))
    counted = {reading.tag.key: reading.counted for reading in readings}
    lifts = [row.lift for row in counted.values() if row is not None and row.lift is not None]
    rules = rules_of(platform) if platform else None
    keys = [tag.key for tag in found]
    return Hashtags(
        tags=tuple(readings),
        platform=rules,
        over_limit=max(0, len(found) - rules.hashtag_limit) if rules else None,
        repeated=tuple(key for key in dict.fromkeys(keys) if keys.count(key) > 1),
        lift=math.fsum(lifts) / len(lifts) if lifts else None,
        known=len(lifts),
    )


class HashtagScorer(PostScorer):
    """Answers `hashtags`: the mean lift of the caption's known hashtags, in ln units of engagement."""

    stage = "hashtag"
    names = ("hashtags",)

    def __init__(self, table: TrendTable | None = None, *, today: date | None = None) -> None:
        """Use `table`, or the one that ships. Raises WeightsError where that is missing.

        `today` decides how old data is where a post has no date; the real day by default.
        """
        self._table = table if table is not None else load_trends()
        self._today = today

    def read(self, post: Post) -> Answer:
        """One Signal, or Skipped where there is no hashtag or none is known."""
        reading = read_hashtags(post.caption, post.platform, self._table)
        if not reading.tags:
            return Skipped(name="hashtags", reason="There are no hashtags in the caption.")
        if reading.lift is None:
            count = len({tag.tag.key for tag in reading.tags})
            which = f"these {count} hashtags" if count > 1 else "this hashtag"
            return Skipped(name="hashtags", reason=f"We have no data on how posts with {which} did.")
        counted = [row for tag in reading.tags if (row := tag.counted) is not None]
        return rated(
            "hashtags",
            min(_LARGEST_LIFT, max(-_LARGEST_LIFT, reading.lift)),
            unit="ln engagement against what followers predict",
            native_range=(-_LARGEST_LIFT, _LARGEST_LIFT),
            details=replace(reading, dated=data_age(counted, reference_day(post, self._today))),
        )
