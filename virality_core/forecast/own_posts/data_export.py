"""A creator's posts in Instagram's and TikTok's own data exports ("Download your information"), as JSON or as ZIP.

Read as a stream: only the lists of posts are kept, however large the rest is. Nothing is written.

Instagram's reels are in `…/media/reels.json` (`ig_reels_media`), their counts in `…/past_instagram_insights/*.json`
(`organic_insights_reels`, `organic_insights_posts`); the two are joined by their time of creation.
"""

from __future__ import annotations

import fnmatch
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import ijson

Row = Mapping[str, Any]
Lists = dict[str, list[Any]]  # by the names that the export gives them

ZIP_HEAD = b"PK\x03\x04"
MAX_POSTS_READ = 50_000

_FILES = ("*user_data*.json", "*reels*.json", "*insights*/*.json")
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what platforms use; LZMA may ask for gigabytes
_MAX_FILES = 20_000  # of a ZIP: more would be slow to list, and no export of JSON alone has them
#: JSON events (a value, a key, a bracket): of all that is read (2 s), of what is kept (100 MB), of one post.
_MAX_EVENTS, _MAX_KEPT_EVENTS, _MAX_POST_EVENTS = 4_000_000, 1_000_000, 10_000
_BUFFER_BYTES = 1 << 20  # a string that spans several buffers is copied once for each

_TIKTOK = "VideoList"  # also the name of the videos that somebody watched, which have no likes
_REELS, _REEL_INSIGHTS, _POST_INSIGHTS = "ig_reels_media", "organic_insights_reels", "organic_insights_posts"
_DEPTH = {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}
#: our count → the labels Instagram has used for it, lower case
_LABELS = {
    "likes": ("instagram likes", "likes"),
    "plays": ("instagram plays", "plays", "views", "instagram views", "impressions"),
    "shares": ("instagram shares", "shares"),
    "comments": ("instagram comments", "comments"),
    "saves": ("instagram saves", "saves"),
}


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


def rows_of_json(text: bytes) -> list[Row]:
    """The posts of one file of an export. Raises ValueError where it is not JSON, holds too much or lists none."""
    return _rows([_lists(io.BytesIO(text))])


def rows_of_zip(data: bytes, *, max_bytes: int) -> list[Row]:
    """The posts of a zipped export, of which at most `max_bytes` are unpacked.

    Raises:
        ValueError: it is damaged, encrypted, too large, or lists no posts; the message says which.
    """
    if data.count(b"PK\x01\x02") > _MAX_FILES:
        raise ValueError("the ZIP holds too many files; export your reels and insights alone")
    found: list[Lists] = []
    left = max_bytes
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                if not any(fnmatch.fnmatchcase(entry.filename.lower(), pattern) for pattern in _FILES):
                    continue
                if entry.compress_type not in _COMPRESSIONS:
                    raise NotImplementedError
                with archive.open(entry) as file:
                    limited = _Limited(file, left, max_bytes)
                    found.append(_lists(limited))
                    left = limited.left
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise ValueError("the ZIP is damaged") from error
    except (RuntimeError, NotImplementedError) as error:
        raise ValueError("the ZIP is encrypted or compressed in an unknown way") from error
    return _rows(found)


def reels_in(data: object) -> Iterator[Row]:
    """Each reel of Instagram's `reels.json`: `uri`, `creation_timestamp`, `title` where it has one."""
    for reel in _objects_in(data, _REELS):
        yield from _objects_in(reel, "media")


def insights(files: Iterable[object], *keys: str) -> dict[str, dict[str, Any]]:
    """Instagram's values of each post by label (lower case), by the post's time of creation in seconds."""
    found: dict[str, dict[str, Any]] = {}
    for data in files:
        for key in keys or (_REEL_INSIGHTS, _POST_INSIGHTS):
            for post in _objects_in(data, key):
                media = post.get("media_map_data")
                thumbnail = next(iter(media.values()), None) if isinstance(media, dict) else None
                texts = post.get("string_map_data")
                if isinstance(thumbnail, dict) and isinstance(texts, dict):
                    values = {k.lower(): v.get("value") for k, v in texts.items() if isinstance(v, dict)}
                    found[str(thumbnail.get("creation_timestamp"))] = {"title": thumbnail.get("title"), **values}
    return found


def count_in(values: Row, count: str) -> Any:
    """One of our counts among the values of a post's insights; None where Instagram has none."""
    value = next((values[label] for label in _LABELS[count] if label in values), None)
    return None if isinstance(value, str) and not value.strip("- ") else value  # "--" where it did not count


def repaired(text: str) -> str:
    """Instagram writes each byte of UTF-8 as a character of its own: decode that where it applies."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


class _Limited:
    """A file of which at most `left` bytes can be read, whatever size it states."""

    def __init__(self, file: _Readable, left: int, limit: int) -> None:
        self.left = left
        self._file, self._limit = file, limit

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise ValueError(f"its lists of posts have over {self._limit // 10**6} MB together")
        return data


def _lists(file: _Readable) -> Lists:
    """The lists of posts in a JSON file, wherever they are in it: outer names change from year to year."""
    found: Lists = {}
    key, kept = "", 0
    try:
        events = _bounded(ijson.basic_parse(file, buf_size=_BUFFER_BYTES, use_float=True))
        for event, value in events:
            if event == "start_array" and key in (_TIKTOK, _REELS, _REEL_INSIGHTS, _POST_INSIGHTS):
                posts = found.setdefault(key, [])
                for post, size in _objects(events):
                    if key == _TIKTOK and "Likes" not in post:
                        continue
                    posts.append(post)
                    kept += size
                    if len(posts) > MAX_POSTS_READ or kept > _MAX_KEPT_EVENTS:
                        raise ValueError(f"it lists more than {MAX_POSTS_READ:,} posts, or too much of each")
            key = value if event == "map_key" else ""
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise ValueError("it is damaged, or not JSON") from error
    return found


def _bounded(events: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    for number, event in enumerate(events):
        if number >= _MAX_EVENTS:
            raise ValueError("it holds too many values; export your posts alone")
        yield event


def _objects(events: Iterator[tuple[str, Any]]) -> Iterator[tuple[dict[str, Any], int]]:
    """The objects of a list whose start was read, up to its end, each with its number of events."""
    depth, size, item = 0, 0, ijson.ObjectBuilder()
    for event, value in events:
        depth, size = depth + _DEPTH.get(event, 0), size + 1
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
        if lists.get(_TIKTOK):
            columns = {"posted_at": "Date", "likes": "Likes", "caption": "Title", "link": "Link"}
            return [{ours: video.get(theirs) for ours, theirs in columns.items()} for video in lists[_TIKTOK]]
    reels = [(str(reel.get("creation_timestamp") or ""), reel) for lists in files for reel in reels_in(lists)]
    if reels:
        counts = insights(files)
    else:
        counts = insights(files, _REEL_INSIGHTS)
        reels = list(counts.items())
    if not reels:
        raise ValueError(
            "it has no VideoList (TikTok) and no ig_reels_media or organic_insights_reels (Instagram); choose JSON, "
            "not HTML, when you ask for the export"
        )
    return [
        {
            "posted_at": _time(stamp),
            "caption": repaired(str(reel.get("title") or "")),
            "id": stamp,
            **{count: count_in(counts.get(stamp, {}), count) for count in _LABELS},
        }
        for stamp, reel in reels
    ]


def _time(stamp: str) -> str:
    """Seconds since 1970 as a date in UTC; empty where they can't be one."""
    try:
        return datetime.fromtimestamp(float(stamp), UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return ""


def _objects_in(data: object, key: str) -> list[Row]:
    found = data.get(key) if isinstance(data, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
