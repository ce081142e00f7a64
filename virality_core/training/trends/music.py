"""How posts with a piece of music did against what their author's size predicts: the table behind the music signal.

The estimate is that of hashtags (`lifts`), with the title of a post's music as its only tag. A title is not a sound:
“original sound”, in any language, is thousands of them. A title whose posts state very different numbers of videos that
use it is marked as shared, and only its counts are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from virality_core.scorers.sound.music import title_key
from virality_core.training.datasets.posts import PostRecord
from virality_core.training.trends.lifts import collections_of, table_of

SHARED_RATIO = 3.0  # one sound's count grows within a season; beyond this factor the posts are of different sounds
_ORIGINAL = re.compile(
    r"original|оригинал|nhạc nền|เสียงต้นฉบับ|原创|原聲|オリジナル|suara asli|오리지널|orijinal|الصوت الأصلي"
)


def with_music(posts: Iterable[PostRecord]) -> tuple[PostRecord, ...]:
    """The posts that have music, with its title as their only tag."""
    keys = ((post, title_key(post.music_title or "")) for post in posts)
    return tuple(replace(post, hashtags=(key,), hashtag_count=1) for post, key in keys if key)


def is_original(title: str) -> bool:
    """Whether a title is what platforms call a sound without a name, in any of their languages."""
    return _ORIGINAL.search(title) is not None


def shared_titles(posts: Iterable[PostRecord]) -> set[str]:
    """The titles (of posts from `with_music`) that are names of many sounds."""
    return {
        title
        for (_, title), counts in _uses(posts).items()
        if is_original(title) or (counts and max(counts) > SHARED_RATIO * max(1.0, min(counts)))
    }


def without(posts: Iterable[PostRecord], shared: set[str]) -> tuple[PostRecord, ...]:
    """The posts without shared titles as tags; they still show what an author's size predicts."""
    return tuple(replace(post, hashtags=()) if post.hashtags[0] in shared else post for post in posts)


def music_table(
    posts: Sequence[PostRecord], *, min_authors: int, answering: Iterable[str] | None = None
) -> dict[str, Any]:
    """The bundled table, from posts of `with_music`: like that of hashtags, with how many videos use each title.

    Shared titles get only counts. See `lifts.table_of`.
    """
    shared, uses = shared_titles(posts), _uses(posts)
    table = table_of(collections_of(without(posts, shared)), min_authors=min_authors, answering=answering)
    counted = table_of(collections_of(posts), min_authors=min_authors)["tags"]
    table["measure"] = table["measure"].replace("shrunk", "by title of the music, shrunk")
    table["columns"] = [*table["columns"][:-1], "shared", "uses"]
    table["shared"] = {"ratio_of_uses": SHARED_RATIO}
    for title in shared & counted.keys():
        table["tags"][title] = {name: [*row[:2], None, None, 1] for name, row in counted[title].items()}
    for title, rows in table["tags"].items():
        for name, row in rows.items():
            counts = [] if title in shared else uses.get((name, title), [])
            row[4] = int(title in shared)
            row.append(round(float(np.median(counts))) if counts else None)
    table["tags"] = {title: table["tags"][title] for title in sorted(table["tags"])}
    return table


def _uses(posts: Iterable[PostRecord]) -> dict[tuple[str, str], list[float]]:
    """(collection, title) → how many videos use it, as each of its posts states."""
    uses: dict[tuple[str, str], list[float]] = {}
    for post in posts:
        counts = uses.setdefault((post.collection, post.hashtags[0]), [])
        if post.music_uses is not None:
            counts.append(post.music_uses)
    return uses
