"""Instagram's own data export ("Download your information", JSON): reels, with the counts of its insights.

The reels are in `…/media/reels.json` (`ig_reels_media`), the counts in `…/past_instagram_insights/*.json`
(`organic_insights_reels`, `organic_insights_posts`) and are joined by the time of creation. An export is one account's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from virality_core.errors import InputError
from virality_core.training.listed import Listed, count_of, time_of
from virality_core.training.video_files import VideoFiles

#: our count → the labels Instagram has used for it, lower case
_LABELS = {
    "likes": ("instagram likes", "likes"),
    "plays": ("instagram plays", "plays", "views", "instagram views", "impressions"),
    "shares": ("instagram shares", "shares"),
    "comments": ("instagram comments", "comments"),
}


def instagram_posts(source: Path, files: VideoFiles, load: Callable[[Path], Any]) -> Iterator[Listed | InputError]:
    """The reels of an unpacked export (a folder, or its reels.json). Raises InputError where it has none."""
    root = source if source.is_dir() else source.parent
    listings = sorted(root.rglob("reels*.json")) if source.is_dir() else [source]
    insights = _insights(sorted(root.rglob("*insights*/*.json")), load)
    came = False
    for path in listings:
        data = load(path)
        for number, reel in enumerate(_list(data, "ig_reels_media"), start=1):
            for media in _list(reel, "media"):
                came = True
                where = f"reel {number} of {path.name}"
                try:
                    yield _post(media, where, files, insights)
                except InputError as error:
                    yield error
    if not came:
        raise InputError(f"{source} holds no reels of an Instagram export in JSON (`ig_reels_media`).")


def _post(media: Mapping[str, Any], where: str, files: VideoFiles, insights: Mapping[str, Mapping[str, Any]]) -> Listed:
    stamp = str(media.get("creation_timestamp") or "")
    values = insights.get(stamp, {})
    wanted = str(media.get("uri") or "")
    counts = {
        ours: count_of(next((values[label] for label in labels if label in values), None), ours, where)
        for ours, labels in _LABELS.items()
    }
    return Listed(
        where=where,
        video=files.find(wanted),
        wanted=wanted,
        author="the export's account",
        caption=repaired(str(media.get("title") or "")),
        posted_at=time_of(stamp, where),
        likes=counts["likes"],
        plays=counts["plays"],
        shares=counts["shares"],
        comments=counts["comments"],
    )


def _insights(paths: list[Path], load: Callable[[Path], Any]) -> dict[str, dict[str, Any]]:
    """The labelled values of each post, by the time of its creation in seconds."""
    found: dict[str, dict[str, Any]] = {}
    for path in paths:
        data = load(path)
        for key in ("organic_insights_reels", "organic_insights_posts"):
            for post in _list(data, key):
                media = post.get("media_map_data")
                thumbnail = next(iter(media.values()), None) if isinstance(media, dict) else None
                texts = post.get("string_map_data")
                if not isinstance(thumbnail, dict) or not isinstance(texts, dict):
                    continue
                values = {k.lower(): v.get("value") for k, v in texts.items() if isinstance(v, dict)}
                found[str(thumbnail.get("creation_timestamp"))] = values
    return found


def repaired(text: str) -> str:
    """Instagram writes each byte of UTF-8 as a character of its own: read back where that is what it is."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _list(data: object, key: str) -> list[Mapping[str, Any]]:
    found = data.get(key) if isinstance(data, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
