"""How posts with a piece of music did against what their author's size predicts: the table behind the music signal.

The same estimate as for hashtags (`training.trends`), a post's one tag being its music's title. A title is a name and
not a sound: “original sound”, in any language, is thousands of them. One whose posts state very different numbers of
videos that use it is marked as shared, and nothing is said about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from virality_core.scorers.sound.music import title_key
from virality_core.training.datasets.post_table import PostRecord
from virality_core.training.trends.lifts import collections_of, table_of

SHARED_RATIO = 3.0  # within a season one sound's count grows; beyond this factor the posts are of different sounds
_ORIGINAL = re.compile(
    r"original|оригинал|nhạc nền|เสียงต้นฉบับ|原创|原聲|オリジナル|suara asli|오리지널|orijinal|الصوت الأصلي"
)


def with_music(posts: Iterable[PostRecord]) -> tuple[PostRecord, ...]:
    """The posts with their music's title as their only tag; those without music are left out."""
    kept = [(post, title_key(post.music_title or "")) for post in posts]
    return tuple(replace(post, hashtags=(key,), hashtag_count=1) for post, key in kept if key)


def is_original(title: str) -> bool:
    """Whether a title is what platforms call a sound without a name, in any of their languages."""
    return _ORIGINAL.search(title) is not None


def shared_titles(posts: Iterable[PostRecord]) -> set[str]:
    """The titles (of posts from `with_music`) that are names of many sounds."""
    uses: dict[tuple[str, str], list[float]] = {}
    for post in posts:
        counts = uses.setdefault((post.collection, post.hashtags[0]), [])
        if post.music_uses is not None:
            counts.append(post.music_uses)
    return {title for (_, title), counts in uses.items() if is_original(title) or _spread(counts)}


def without(posts: Iterable[PostRecord], shared: set[str]) -> tuple[PostRecord, ...]:
    """The posts, those with a shared title without a tag: they still say what an author's size predicts."""
    return tuple(replace(post, hashtags=()) if post.hashtags[0] in shared else post for post in posts)


def music_table(
    posts: Sequence[PostRecord], *, min_authors: int, answering: Iterable[str] | None = None
) -> dict[str, Any]:
    """The table that ships: like the hashtags', with how many videos use each title; of shared ones counts alone.

    Args:
        posts: From `with_music`.
        min_authors: A title with fewer authors in a collection is left out of it.
        answering: The collections whose lifts hold out of sample.

    Raises:
        InputError: no title is used by `min_authors` authors.
    """
    shared = shared_titles(posts)
    table = table_of(collections_of(without(posts, shared)), min_authors=min_authors, answering=answering)
    counted = table_of(collections_of(posts), min_authors=min_authors)["tags"]
    table["measure"] = table["measure"].replace("shrunk", "by title of the music, shrunk")
    table["columns"] = [*table["columns"][:-1], "shared", "uses"]
    table["shared"] = {"ratio_of_uses": SHARED_RATIO}
    uses: dict[tuple[str, str], list[float]] = {}
    for post in posts:
        if post.music_uses is not None:
            uses.setdefault((post.collection, post.hashtags[0]), []).append(post.music_uses)
    for title in shared & counted.keys():
        table["tags"][title] = {name: [*row[:2], None, None, 1] for name, row in counted[title].items()}
    for title, rows in table["tags"].items():
        for name, row in rows.items():
            counts = [] if title in shared else uses.get((name, title), [])
            row[4] = int(title in shared)
            row.append(round(float(np.median(counts))) if counts else None)
    table["tags"] = {title: table["tags"][title] for title in sorted(table["tags"])}
    return table


def _spread(counts: Sequence[float]) -> bool:
    return bool(counts) and max(counts) > SHARED_RATIO * max(1.0, min(counts))
