"""Reads exports of posts with their videos: a scraper's JSON, a CSV, yt-dlp's .info.json files, Instagram's own export.

Each reader yields a post, or an InputError that says what is wrong with it: one bad post never stops the others.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from virality_core.errors import InputError, UsageError
from virality_core.files import open_regular, read_regular
from virality_core.forecast.counts import parse_count
from virality_core.forecast.own_posts.data_export import count_in, insights, reels_in, repaired
from virality_core.training.datasets.reading import reading

Kind = Literal["auto", "collector", "csv", "info-json", "instagram"]

COUNTS = ("likes", "plays", "shares", "comments")  # what the virality score is made of

#: What a CSV may have, and the names its columns are looked for under when no mapping is given.
CSV_COLUMNS: dict[str, tuple[str, ...]] = {
    "video": ("video", "path", "file", "filename", "video_path", "id", "video_id"),
    "author": ("author", "author_id", "user", "user_id", "username", "account"),
    "caption": ("caption", "text", "description", "title"),
    "posted_at": ("posted_at", "createtime", "create_time", "timestamp", "date", "upload_date"),
    "likes": ("likes", "diggcount", "like_count", "digg_count"),
    "plays": ("plays", "playcount", "play_count", "views", "view_count"),
    "shares": ("shares", "sharecount", "share_count", "repost_count"),
    "comments": ("comments", "commentcount", "comment_count"),
    "followers": ("followers", "fans", "follower_count", "channel_follower_count"),
}
SUFFIXES = (".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi", ".3gp", ".gif", ".ts", ".flv")
_MAX_BYTES = 1_000_000_000
_MAX_HEADER = 100_000  # characters of a CSV's first line, which shows the delimiter


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedPost:
    """One post, its video not opened yet. A count that the export lacks is None, never zero."""

    where: str  # file and place in it, for messages
    video: Path | None  # None: no file was found for it
    video_name: str  # what was looked for
    author: str  # the account's id where it has one
    author_name: str = ""
    caption: str = ""
    posted_at: datetime | None = None
    likes: int | None = None
    plays: int | None = None
    shares: int | None = None
    comments: int | None = None
    followers: int | None = None


class VideoFiles:
    """The video files under a folder, by path, name and stem. A name that two files share finds neither."""

    def __init__(self, folder: Path) -> None:
        """Walk the folder once. Raises InputError where there is none."""
        if not folder.is_dir():
            raise InputError(f"There is no folder {folder} with videos.")
        self.folder = folder.resolve()
        paths = (path for path in self.folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        found = sorted(path for path in paths if is_file_inside(self.folder, path))
        names, stems = Counter(path.name for path in found), Counter(path.stem for path in found)
        self._by_path = {path.relative_to(self.folder).as_posix(): path for path in found}
        self._by_name = {path.name: path for path in found if names[path.name] == 1}
        self._by_stem = {path.stem: path for path in found if stems[path.stem] == 1}

    def find(self, name: str) -> Path | None:
        """The file that an export calls so (a path, a name, an id), or None."""
        text = name.replace("\\", "/").strip()
        last = text.rpartition("/")[2]
        return (self._by_path.get(text) or self._by_name.get(last) or self._by_stem.get(last)) if last else None

    def next_to(self, path: Path, stem: str) -> Path | None:
        """The file of that stem in the folder of `path`, or None."""
        try:
            folder = path.parent.resolve().relative_to(self.folder)
        except ValueError:
            return None
        names = ((folder / f"{stem}{suffix}").as_posix() for suffix in SUFFIXES)
        return next((self._by_path[name] for name in names if name in self._by_path), None)


def is_file_inside(folder: Path, path: Path) -> bool:
    """Whether it is a file in a folder (resolved), and not a link that leads out of it."""
    return path.resolve().is_relative_to(folder) and path.is_file()


Result = ExportedPost | InputError
Reader = Callable[[Path, VideoFiles, Mapping[str, str]], Iterator[Result]]


def read_exports(
    sources: Sequence[Path], videos: Path, *, kind: Kind = "auto", mapping: Mapping[str, str] | None = None
) -> Iterator[Result]:
    """All posts of files and folders, each with its video found under `videos`.

    Args:
        sources: JSON or CSV files, or folders (of .info.json files, or an unpacked Instagram export).
        videos: the folder, searched recursively; a video is found by its path in it, its name, or its stem.
        kind: what the sources are; `auto` decides by their names.
        mapping: for CSV, our name of a column (`CSV_COLUMNS`) → the file's.

    Raises:
        InputError: a source can't be read at all. UsageError: the mapping names an unknown column.
    """
    unknown = set(mapping or {}) - set(CSV_COLUMNS)
    if unknown:
        raise UsageError(f"There is no column {sorted(unknown)[0]!r} to map; there are {', '.join(CSV_COLUMNS)}.")
    files = VideoFiles(videos)
    for source in sources:
        yield from _READERS[_kind_of(source) if kind == "auto" else kind](source, files, mapping or {})


def count_of(value: object, column: str, where: str) -> int | None:
    """A count as exports write it; None where it is missing. Raises InputError."""
    if isinstance(value, float) and math.isnan(value):
        return None
    count = parse_count(value, column, where)
    return None if count is None else round(count)


def time_of(value: object, where: str) -> datetime | None:
    """A time: seconds since 1970 (also as text), `20250531`, or ISO 8601 (UTC where it names no zone); None if missing.

    Raises:
        InputError: anything else.
    """
    if value is None or value == "" or value == 0:
        return None
    text = str(value).strip()
    try:
        if re.fullmatch(r"\d{8}", text):
            return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC)
        if re.fullmatch(r"\d{9,10}(\.\d+)?|\d{12,13}", text):
            seconds = float(text)
            return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(
            f"The time in {where} is {text[:40]!r}; seconds since 1970, 20250531 or 2025-05-31 12:00 works."
        ) from error


def _kind_of(source: Path) -> Kind:
    if source.is_dir():
        return "info-json" if next(source.rglob("*.info.json"), None) is not None else "instagram"
    if source.name.endswith(".info.json"):
        return "info-json"
    return "csv" if source.suffix.lower() in {".csv", ".tsv"} else "collector"


def _load_json(path: Path) -> Any:
    with reading(path, "JSON"):
        return json.loads(read_regular(path, _MAX_BYTES).decode("utf-8-sig"))


def _post(columns: Mapping[str, Any], *, where: str, video: Path | None, video_name: str, name: str = "") -> Result:
    """A post from columns by our names, or what is wrong with it."""
    try:
        author = "" if columns.get("author") is None else str(columns["author"]).strip()
        if not author:
            raise InputError(f"There is no author in {where}; without one, training and test would share accounts.")
        return ExportedPost(
            where=where,
            video=video,
            video_name=video_name,
            author=author,
            author_name=name,
            caption=str(columns.get("caption") or ""),
            posted_at=time_of(columns.get("posted_at"), where),
            **{count: count_of(columns.get(count), count, where) for count in (*COUNTS, "followers")},
        )
    except InputError as error:
        return error


def _collector(source: Path, files: VideoFiles, _mapping: Mapping[str, str]) -> Iterator[Result]:
    """tiktok-scraper's JSON: a list, or an object with the list `collector` (Kaggle's file)."""
    data = _load_json(source)
    posts = data.get("collector") if isinstance(data, dict) else data
    if not isinstance(posts, list):
        raise InputError(f"{source.name} has no list of posts (`collector`); is it another kind of export?")
    for number, post in enumerate(posts, start=1):
        where = f"post {number} of {source.name}"
        if not isinstance(post, dict):
            yield InputError(f"There is no object in {where}.")
            continue
        author = post["authorMeta"] if isinstance(post.get("authorMeta"), dict) else {}
        name = str(author.get("name") or author.get("nickName") or "")
        video_name, post_id = str(post.get("path") or post.get("id") or ""), str(post.get("id") or "")
        columns = {
            "author": author.get("id") or name,
            "caption": post.get("text"),
            "posted_at": post.get("createTime"),
            "likes": post.get("diggCount"),
            "plays": post.get("playCount"),
            "shares": post.get("shareCount"),
            "comments": post.get("commentCount"),
            "followers": author.get("fans"),
        }
        video = files.find(video_name) or files.find(post_id)
        yield _post(columns, where=where, video=video, video_name=video_name, name=name)


def _csv(source: Path, files: VideoFiles, mapping: Mapping[str, str]) -> Iterator[Result]:
    with (
        reading(source, "a UTF-8 CSV file"),
        open_regular(source) as file,
        io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as lines,
    ):
        header = lines.readline(_MAX_HEADER)
        lines.seek(0)
        delimiter = "\t" if source.suffix.lower() == ".tsv" else max(",;\t", key=header.count)
        rows = csv.DictReader(lines, delimiter=delimiter)
        names = _columns(source.name, rows.fieldnames or (), mapping)
        for number, row in enumerate(rows, start=2):
            columns = {ours: row.get(theirs) for ours, theirs in names.items()}
            name = columns["video"] or ""
            yield _post(columns, where=f"line {number} of {source.name}", video=files.find(name), video_name=name)


def _columns(name: str, header: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """Our name → the file's. Raises InputError where the video's or author's is missing, UsageError for a wrong map."""
    by_key = {column.strip().lower(): column for column in header}
    columns = {ours: by_key[key] for ours, usual in CSV_COLUMNS.items() for key in reversed(usual) if key in by_key}
    for ours, theirs in mapping.items():
        if theirs not in header:
            raise UsageError(f"{name} has no column {theirs!r}; it has {', '.join(header)}.")
        columns[ours] = theirs
    for needed in ("video", "author"):
        if needed not in columns:
            raise InputError(f"{name} has no column for the {needed}; name it with --map {needed}=COLUMN.")
    return columns


def _info_json(source: Path, files: VideoFiles, _mapping: Mapping[str, str]) -> Iterator[Result]:
    """yt-dlp's `--write-info-json`: NAME.info.json next to NAME.mp4 (or .webm …)."""
    for path in sorted(source.rglob("*.info.json")) if source.is_dir() else [source]:
        try:
            post = _load_json(path)
        except InputError as error:
            yield error
            continue
        if not isinstance(post, dict):
            yield InputError(f"There is no object in {path.name}.")
            continue
        stem = path.name.removesuffix(".info.json")
        authors = (post.get(key) for key in ("uploader_id", "channel_id", "uploader", "channel"))
        columns = {
            "author": next(filter(None, authors), None),
            "caption": post.get("description") or post.get("title"),
            "posted_at": post.get("timestamp") or post.get("upload_date"),
            "likes": post.get("like_count"),
            "plays": post.get("view_count"),
            "shares": post.get("repost_count"),
            "comments": post.get("comment_count"),
            "followers": post.get("channel_follower_count"),
        }
        video = files.next_to(path, stem) or files.find(stem) or files.find(str(post.get("id") or ""))
        yield _post(columns, where=path.name, video=video, video_name=stem, name=str(post.get("uploader") or ""))


def _instagram(source: Path, files: VideoFiles, _mapping: Mapping[str, str]) -> Iterator[Result]:
    """The reels of one account's unpacked export (a folder, or its reels.json), with the counts of its insights."""
    root = source if source.is_dir() else source.parent
    listings = sorted(root.rglob("reels*.json")) if source.is_dir() else [source]
    damaged: dict[Path, InputError] = {}

    def loaded(paths: Sequence[Path]) -> Iterator[tuple[Path, Any]]:
        for path in paths:
            try:
                data = _load_json(path)
            except InputError as error:
                damaged[path] = error
            else:
                yield path, data

    counts = insights(data for _, data in loaded(sorted(root.rglob("*insights*/*.json"))))
    empty = True
    for path, data in loaded(listings):
        for number, media in enumerate(reels_in(data), start=1):
            empty = False
            stamp, video_name = str(media.get("creation_timestamp") or ""), str(media.get("uri") or "")
            columns = {
                "author": "the export's account",
                "caption": repaired(str(media.get("title") or "")),
                "posted_at": stamp,
                **{name: count_in(counts.get(stamp, {}), name) for name in COUNTS},
            }
            where = f"reel {number} of {path.name}"
            yield _post(columns, where=where, video=files.find(video_name), video_name=video_name)
    if empty:
        reason = next((damaged[path] for path in listings if path in damaged), None)
        raise reason or InputError(f"{source} holds no reels of an Instagram export in JSON (`ig_reels_media`).")
    yield from damaged.values()


_READERS: dict[str, Reader] = {"collector": _collector, "csv": _csv, "info-json": _info_json, "instagram": _instagram}
