"""A creator's posts in the platforms' own data exports: Instagram's and TikTok's, as JSON or as the ZIP they come in.

Read as a stream: only the lists of posts are kept, however large the rest is. Nothing is written.
"""

from __future__ import annotations

import fnmatch
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import ijson

from virality_core.forecast.own_posts.instagram_format import LABELS, count_in, insights, listed_reels, repaired

Row = Mapping[str, Any]
Lists = dict[str, list[Any]]  # by the name that the export gives them

ZIP_HEAD = b"PK\x03\x04"
MAX_POSTS_READ = 50_000

_WANTED = ("*user_data*.json", "*reels*.json", "*insights*/*.json")
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what platforms use; LZMA may ask for gigabytes
_MAX_FILES = 20_000  # of a ZIP: more would be slow to list, and no export of JSON alone has them
#: Events of JSON (a value, a key, a bracket): of all that is read (2 s), of what is kept (100 MB), of one post.
_MAX_EVENTS, _MAX_KEPT_EVENTS, _MAX_POST_EVENTS = 4_000_000, 1_000_000, 10_000
_BUFFER_BYTES = 1 << 20  # a string that spans several is copied once for each

_VIDEOS = "VideoList"  # TikTok's; the videos that somebody watched are called so too, and have no likes
_LISTS = frozenset((_VIDEOS, "ig_reels_media", "organic_insights_reels", "organic_insights_posts"))
_STEPS = {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


def rows_of_json(text: bytes) -> list[Row]:
    """The posts of one file of an export. Raises ValueError where it is no JSON, holds too much or lists none."""
    return _rows([_lists(io.BytesIO(text))])


def rows_of_zip(packed: bytes, *, max_bytes: int) -> list[Row]:
    """The posts of a zipped export.

    Args:
        packed: the ZIP. max_bytes: of its files together, unpacked, that are read.

    Raises:
        ValueError: it is damaged, encrypted, too large, or lists no posts; the message says which.
    """
    if packed.count(b"PK\x01\x02") > _MAX_FILES:
        raise ValueError("the ZIP holds too many files; export your reels and insights alone")
    found: list[Lists] = []
    left = max_bytes
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            for entry in archive.infolist():
                name = entry.filename.lower()
                if not any(fnmatch.fnmatchcase(name, wanted) for wanted in _WANTED):
                    continue
                if entry.compress_type not in _PACKINGS:
                    raise NotImplementedError
                with archive.open(entry) as file:
                    limited = _Limited(file, left, max_bytes)
                    found.append(_lists(limited))
                    left = limited.left
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise ValueError("the ZIP is damaged") from error
    except (RuntimeError, NotImplementedError) as error:
        raise ValueError("the ZIP is encrypted or packed in a way not known here") from error
    return _rows(found)


class _Limited:
    """A file that may be read up to a number of bytes, whatever it states of itself."""

    def __init__(self, file: _Readable, left: int, most: int) -> None:
        self.left = left
        self._file, self._most = file, most

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise ValueError(f"its lists of posts have over {self._most // 10**6} MB together")
        return data


def _lists(file: _Readable) -> Lists:
    """The lists of posts in a JSON file, wherever they are in it: outer names change from year to year."""
    found: Lists = {}
    key, kept = "", 0
    try:
        events = _bounded(ijson.basic_parse(file, buf_size=_BUFFER_BYTES, use_float=True))
        for event, value in events:
            if event == "start_array" and key in _LISTS:
                posts = found.setdefault(key, [])
                for post, size in _objects(events):
                    if key == _VIDEOS and "Likes" not in post:
                        continue
                    posts.append(post)
                    kept += size
                    if len(posts) > MAX_POSTS_READ or kept > _MAX_KEPT_EVENTS:
                        raise ValueError(f"it lists more than {MAX_POSTS_READ:,} posts, or too much of each")
            key = value if event == "map_key" else ""
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise ValueError("it is damaged, or no JSON") from error
    return found


def _bounded(events: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    for number, event in enumerate(events):
        if number >= _MAX_EVENTS:
            raise ValueError("it holds too many values; export your posts alone")
        yield event


def _objects(events: Iterator[tuple[str, Any]]) -> Iterator[tuple[dict[str, Any], int]]:
    """The objects of a list whose beginning was read, up to its end, each with how many events it had."""
    depth, size, item = 0, 0, ijson.ObjectBuilder()
    for event, value in events:
        depth, size = depth + _STEPS.get(event, 0), size + 1
        if depth < 0:
            return
        if size > _MAX_POST_EVENTS:
            raise ValueError("one of its posts holds too much; export your posts alone")
        item.event(event, value)
        if depth == 0:
            if event == "end_map":
                yield item.value, size
            size, item = 0, ijson.ObjectBuilder()


def _rows(files: Sequence[Lists]) -> list[Row]:
    for lists in files:
        if lists.get(_VIDEOS):
            return [_of_tiktok(video) for video in lists[_VIDEOS]]
    reels = [reel for lists in files for reel in listed_reels(lists)]
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
