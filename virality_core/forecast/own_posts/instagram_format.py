"""What Instagram's own data export ("Download your information", JSON) says of an account's reels.

The reels are in `…/media/reels.json` (`ig_reels_media`), their counts in `…/past_instagram_insights/*.json`
(`organic_insights_reels`, `organic_insights_posts`); the two are joined by the time of creation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

#: our count → the labels Instagram has used for it, lower case
LABELS = {
    "likes": ("instagram likes", "likes"),
    "plays": ("instagram plays", "plays", "views", "instagram views", "impressions"),
    "shares": ("instagram shares", "shares"),
    "comments": ("instagram comments", "comments"),
    "saves": ("instagram saves", "saves"),
}


def listed_reels(data: object) -> Iterator[Mapping[str, Any]]:
    """Each reel of a `reels.json`: `uri`, `creation_timestamp`, `title` where stated."""
    for reel in _list(data, "ig_reels_media"):
        yield from _list(reel, "media")


def insights(files: Iterable[object], *keys: str) -> dict[str, dict[str, Any]]:
    """The labelled values of each post, labels in lower case, by the time of its creation in seconds."""
    found: dict[str, dict[str, Any]] = {}
    for data in files:
        for key in keys or ("organic_insights_reels", "organic_insights_posts"):
            for post in _list(data, key):
                media = post.get("media_map_data")
                thumbnail = next(iter(media.values()), None) if isinstance(media, dict) else None
                texts = post.get("string_map_data")
                if not isinstance(thumbnail, dict) or not isinstance(texts, dict):
                    continue
                values = {k.lower(): v.get("value") for k, v in texts.items() if isinstance(v, dict)}
                found[str(thumbnail.get("creation_timestamp"))] = {"title": thumbnail.get("title"), **values}
    return found


def count_in(values: Mapping[str, Any], ours: str) -> Any:
    """What Instagram states for one of our counts; None where it states nothing."""
    stated = next((values[label] for label in LABELS[ours] if label in values), None)
    return None if isinstance(stated, str) and not stated.strip("- ") else stated  # "--" where it did not count


def repaired(text: str) -> str:
    """Instagram writes each byte of UTF-8 as a character of its own: read back where that is what it is."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _list(data: object, key: str) -> list[Mapping[str, Any]]:
    found = data.get(key) if isinstance(data, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
