"""Instagram's own data export as posts to train on: its reels with their videos and the counts of its insights.

An export is one account's. What stands in its files: `evaluation.instagram_reels`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from virality_core.errors import InputError
from virality_core.forecast.own_posts.instagram_format import count_in, insights, listed_reels, repaired
from virality_core.training.datasets.video_files import VideoFiles
from virality_core.training.datasets.video_post import COUNTS, Listed, count_of, time_of


def instagram_posts(source: Path, files: VideoFiles, load: Callable[[Path], Any]) -> Iterator[Listed | InputError]:
    """The reels of an unpacked export (a folder, or its reels.json). Raises InputError where it has none."""
    root = source if source.is_dir() else source.parent
    listings = sorted(root.rglob("reels*.json")) if source.is_dir() else [source]
    damaged: dict[Path, InputError] = {}
    counted = insights(data for _, data in _readable(sorted(root.rglob("*insights*/*.json")), load, damaged))
    came = False
    for path, data in _readable(listings, load, damaged):
        for number, media in enumerate(listed_reels(data), start=1):
            came = True
            try:
                yield _post(media, f"reel {number} of {path.name}", files, counted)
            except InputError as error:
                yield error
    if not came:
        why = next((damaged[path] for path in listings if path in damaged), None)
        raise why or InputError(f"{source} holds no reels of an Instagram export in JSON (`ig_reels_media`).")
    yield from damaged.values()


def _readable(
    paths: Sequence[Path], load: Callable[[Path], Any], damaged: dict[Path, InputError]
) -> Iterator[tuple[Path, Any]]:
    """The files that can be read; why another can't goes into `damaged`."""
    for path in paths:
        try:
            data = load(path)
        except InputError as error:
            damaged[path] = error
        else:
            yield path, data


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
