"""A creator's posts in the platforms' own data exports: Instagram's and TikTok's, as JSON or as the ZIP they come in.

Of a ZIP only the files that list posts are read, a bounded number of bytes of each, and nothing is written.
"""

from __future__ import annotations

import fnmatch
import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from virality_core.evaluation.instagram_reels import LABELS, count_in, insights, listed_reels, repaired

Row = Mapping[str, Any]

ZIP_HEAD = b"PK\x03\x04"

_WANTED = ("*user_data*.json", "*reels*.json", "*insights*/*.json")
_MAX_FILES = 20_000  # of a ZIP: more would be slow to list, and no export of JSON alone has them
_MAX_PARTS = 100_000  # of a JSON file that is searched


def rows_of_json(data: Any) -> list[Row]:
    """The posts of one file of an export. Raises ValueError where it lists none."""
    return _rows([data])


def rows_of_zip(packed: bytes, *, max_bytes: int) -> list[Row]:
    """The posts of a zipped export.

    Args:
        packed: the ZIP. max_bytes: of its files together, unpacked, that are read.

    Raises:
        ValueError: it is damaged, encrypted, too large, or lists no posts; the message says which.
    """
    if packed.count(b"PK\x01\x02") > _MAX_FILES:
        raise ValueError("the ZIP holds too many files; export your reels and insights alone")
    texts, left = [], max_bytes
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            for entry in archive.infolist():
                name = entry.filename.lower()
                if not any(fnmatch.fnmatchcase(name, wanted) for wanted in _WANTED):
                    continue
                with archive.open(entry) as file:
                    text = file.read(left + 1)
                left -= len(text)
                if left < 0:
                    raise ValueError(f"its lists of posts have over {max_bytes // 10**6} MB together")
                texts.append(text)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise ValueError("the ZIP is damaged") from error
    except (RuntimeError, NotImplementedError) as error:
        raise ValueError("the ZIP is encrypted or packed in a way not known here") from error
    return _rows([json.loads(text.decode("utf-8-sig")) for text in texts])


def _rows(files: Sequence[Any]) -> list[Row]:
    for data in files:
        videos = _tiktok_videos(data)
        if videos is not None:
            return [_of_tiktok(video) for video in videos]
    reels = [reel for data in files for reel in listed_reels(data)]
    counted = insights(files)
    if reels:
        return [_of_instagram(str(reel.get("creation_timestamp") or ""), reel, counted) for reel in reels]
    alone = insights(files, "organic_insights_reels")
    if alone:
        return [_of_instagram(stamp, values, alone) for stamp, values in alone.items()]
    raise ValueError(
        "it has no VideoList (TikTok) and no ig_reels_media or organic_insights_reels (Instagram); choose JSON, not "
        "HTML, when you ask for the export"
    )


def _of_instagram(stamp: str, media: Row, counted: Mapping[str, Row]) -> Row:
    values = counted.get(stamp, {})
    return {
        "posted_at": _time(stamp),
        "caption": repaired(str(media.get("title") or "")),
        "id": stamp,
        **{ours: count_in(values, ours) for ours in LABELS},
    }


def _time(stamp: str) -> str:
    """Seconds since 1970 as a date in UTC; empty where they are none."""
    try:
        return datetime.fromtimestamp(float(stamp), UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return ""


def _of_tiktok(video: Row) -> Row:
    return {
        "posted_at": video.get("Date"),
        "likes": video.get("Likes"),
        "caption": video.get("Title"),
        "link": video.get("Link"),
    }


def _tiktok_videos(data: Any) -> list[Row] | None:
    """The list of videos somewhere in TikTok's export, whose outer names change from year to year."""
    open_parts, seen = [data], 0
    while open_parts and seen < _MAX_PARTS:
        part, seen = open_parts.pop(), seen + 1
        if isinstance(part, dict):
            videos = part.get("VideoList")
            if isinstance(videos, list):
                return [video for video in videos if isinstance(video, dict)]
            open_parts += list(part.values())
        elif isinstance(part, list):
            open_parts += part
    return None
