"""Instagram's own data export as posts to train on: its reels with their videos and the counts of its insights.

An export is one account's. What stands in its files: `evaluation.instagram_reels`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from virality_core.errors import InputError
from virality_core.evaluation.instagram_reels import count_in, insights, listed_reels, repaired
from virality_core.training.listed import COUNTS, Listed, count_of, time_of
from virality_core.training.video_files import VideoFiles


def instagram_posts(source: Path, files: VideoFiles, load: Callable[[Path], Any]) -> Iterator[Listed | InputError]:
    """The reels of an unpacked export (a folder, or its reels.json). Raises InputError where it has none."""
    root = source if source.is_dir() else source.parent
    listings = sorted(root.rglob("reels*.json")) if source.is_dir() else [source]
    counted = insights(load(path) for path in sorted(root.rglob("*insights*/*.json")))
    came = False
    for path in listings:
        for number, media in enumerate(listed_reels(load(path)), start=1):
            came = True
            try:
                yield _post(media, f"reel {number} of {path.name}", files, counted)
            except InputError as error:
                yield error
    if not came:
        raise InputError(f"{source} holds no reels of an Instagram export in JSON (`ig_reels_media`).")


def _post(media: Mapping[str, Any], where: str, files: VideoFiles, counted: Mapping[str, Mapping[str, Any]]) -> Listed:
    stamp = str(media.get("creation_timestamp") or "")
    values = counted.get(stamp, {})
    wanted = str(media.get("uri") or "")
    counts = {ours: count_of(count_in(values, ours), ours, where) for ours in COUNTS}
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
