"""Reads what people have: a scraper's JSON, a CSV, yt-dlp's .info.json files, Instagram's own data export.

Each reader gives a post, or an InputError that says what is wrong with it: one bad post never stops the others.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from virality_core.errors import InputError, UsageError
from virality_core.files import open_regular, read_regular
from virality_core.training.datasets.instagram_export import instagram_posts
from virality_core.training.datasets.video_files import VideoFiles
from virality_core.training.datasets.video_post import COUNTS, Listed, count_of, time_of

Kind = Literal["auto", "collector", "csv", "info-json", "instagram"]
Found = Listed | InputError

#: What a CSV may give, and the names its columns are looked for under when no mapping is given.
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
_MAX_BYTES = 1_000_000_000
_MAX_HEAD = 100_000  # characters of a CSV's first line, which tells what parts its columns


def read_exports(
    sources: Sequence[Path], videos: Path, *, kind: Kind = "auto", mapping: Mapping[str, str] | None = None
) -> Iterator[Found]:
    """All posts of files and folders, each with its video found under `videos`.

    Args:
        sources: JSON or CSV files, or folders (of .info.json files, or an unpacked Instagram export).
        videos: the folder, searched in depth; a video is found by a path in it, its name, or its name without suffix.
        kind: what the sources are; `auto` tells by their content.
        mapping: for CSV, our name of a column (`CSV_COLUMNS`) → the file's.

    Raises:
        InputError: a source can't be read at all. UsageError: the mapping names what there is not.
    """
    unknown = set(mapping or {}) - set(CSV_COLUMNS)
    if unknown:
        raise UsageError(f"There is no column {sorted(unknown)[0]!r} to map; there are {', '.join(CSV_COLUMNS)}.")
    files = VideoFiles(videos)
    for source in sources:
        yield from _READERS[_kind_of(source) if kind == "auto" else kind](source, files, mapping or {})


def _kind_of(source: Path) -> Kind:
    if source.is_dir():
        return "info-json" if next(source.rglob("*.info.json"), None) is not None else "instagram"
    if source.name.endswith(".info.json"):
        return "info-json"
    return "csv" if source.suffix.lower() in {".csv", ".tsv"} else "collector"


def load_json(path: Path) -> Any:
    """A JSON file. Raises InputError where it is none, or larger than 1 GB."""
    try:
        return json.loads(read_regular(path, _MAX_BYTES).decode("utf-8-sig"))
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except OSError as error:
        raise InputError(f"{path.name} can't be read ({error.strerror or error}).") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} can't be read as a text file ({error}).") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name} is no JSON file; what a scraper writes as JSON works.") from error


def _collector(source: Path, files: VideoFiles, _mapping: Mapping[str, str]) -> Iterator[Found]:
    """tiktok-scraper's JSON: a list, or an object with the list `collector` (Kaggle's file)."""
    data = load_json(source)
    posts = data.get("collector") if isinstance(data, dict) else data
    if not isinstance(posts, list):
        raise InputError(f"{source.name} has no list of posts (`collector`); is it another kind of export?")
    for number, post in enumerate(posts, start=1):
        yield _tried(_collected, post, f"post {number} of {source.name}", files)


def _collected(post: Mapping[str, Any], where: str, files: VideoFiles) -> Listed:
    meta = post.get("authorMeta")
    author: Mapping[str, Any] = meta if isinstance(meta, dict) else {}
    name = str(author.get("name") or author.get("nickName") or "")
    wanted = str(post.get("path") or post.get("id") or "")
    return Listed(
        where=where,
        video=files.find(wanted) or files.find(str(post.get("id") or "")),
        wanted=wanted,
        author=_author(author.get("id") or name, where),
        author_name=name,
        caption=str(post.get("text") or ""),
        posted_at=time_of(post.get("createTime"), where),
        likes=count_of(post.get("diggCount"), "diggCount", where),
        plays=count_of(post.get("playCount"), "playCount", where),
        shares=count_of(post.get("shareCount"), "shareCount", where),
        comments=count_of(post.get("commentCount"), "commentCount", where),
        followers=count_of(author.get("fans"), "authorMeta.fans", where),
    )


def _csv(source: Path, files: VideoFiles, mapping: Mapping[str, str]) -> Iterator[Found]:
    try:
        with open_regular(source) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as lines:
            head = lines.readline(_MAX_HEAD)
            lines.seek(0)
            delimiter = "\t" if source.suffix.lower() == ".tsv" else max(",;\t", key=head.count)
            rows = csv.DictReader(lines, delimiter=delimiter)
            columns = _columns(source.name, rows.fieldnames or (), mapping)
            for number, row in enumerate(rows, start=2):
                values = {ours: row.get(theirs) for ours, theirs in columns.items()}
                yield _tried(_of_row, values, f"line {number} of {source.name}", files)
    except FileNotFoundError:
        raise InputError(f"There is no file {source}.") from None
    except OSError as error:
        raise InputError(f"{source.name} can't be read ({error.strerror or error}).") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{source.name} can't be read as a UTF-8 CSV file ({error}).") from error


def _columns(name: str, header: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """Our name → the file's. Raises InputError where the video's or author's is missing, UsageError for a wrong map."""
    by_key = {column.strip().lower(): column for column in header}
    columns = {}
    for ours, usual in CSV_COLUMNS.items():
        if ours in mapping:
            if mapping[ours] not in header:
                raise UsageError(f"{name} has no column {mapping[ours]!r}; it has {', '.join(header)}.")
            columns[ours] = mapping[ours]
        else:
            theirs = next((by_key[key] for key in usual if key in by_key), None)
            if theirs is not None:
                columns[ours] = theirs
    for needed in ("video", "author"):
        if needed not in columns:
            raise InputError(f"{name} has no column for the {needed}; name it with --map {needed}=COLUMN.")
    return columns


def _of_row(row: Mapping[str, Any], where: str, files: VideoFiles) -> Listed:
    counts = {name: count_of(row.get(name), name, where) for name in COUNTS}
    wanted = str(row.get("video") or "")
    return Listed(
        where=where,
        video=files.find(wanted),
        wanted=wanted,
        author=_author(row.get("author"), where),
        caption=str(row.get("caption") or ""),
        posted_at=time_of(row.get("posted_at"), where),
        followers=count_of(row.get("followers"), "followers", where),
        likes=counts["likes"],
        plays=counts["plays"],
        shares=counts["shares"],
        comments=counts["comments"],
    )


def _info_json(source: Path, files: VideoFiles, _mapping: Mapping[str, str]) -> Iterator[Found]:
    """yt-dlp's `--write-info-json`: NAME.info.json beside NAME.mp4 (or .webm …)."""
    for path in sorted(source.rglob("*.info.json")) if source.is_dir() else [source]:
        try:
            data = load_json(path)
        except InputError as error:
            yield error
            continue
        yield _tried(lambda post, where, files, path=path: _of_info(post, where, files, path), data, path.name, files)


def _of_info(post: Mapping[str, Any], where: str, files: VideoFiles, path: Path) -> Listed:
    stem = path.name.removesuffix(".info.json")
    author = post.get("uploader_id") or post.get("channel_id") or post.get("uploader") or post.get("channel")
    return Listed(
        where=where,
        video=files.beside(path.parent, stem) or files.find(stem) or files.find(str(post.get("id") or "")),
        wanted=stem,
        author=_author(author, where),
        author_name=str(post.get("uploader") or ""),
        caption=str(post.get("description") or post.get("title") or ""),
        posted_at=time_of(post.get("timestamp") or post.get("upload_date"), where),
        likes=count_of(post.get("like_count"), "like_count", where),
        plays=count_of(post.get("view_count"), "view_count", where),
        shares=count_of(post.get("repost_count"), "repost_count", where),
        comments=count_of(post.get("comment_count"), "comment_count", where),
        followers=count_of(post.get("channel_follower_count"), "channel_follower_count", where),
    )


def _instagram(source: Path, files: VideoFiles, _mapping: Mapping[str, str]) -> Iterator[Found]:
    return instagram_posts(source, files, load_json)


def _tried(read: Any, post: object, where: str, files: VideoFiles) -> Found:
    if not isinstance(post, dict):
        return InputError(f"There is no object in {where}.")
    try:
        found: Listed = read(post, where, files)
    except InputError as error:
        return error
    return found


def _author(value: object, where: str) -> str:
    text = "" if value is None else str(value).strip()
    if not text:
        raise InputError(f"There is no author in {where}; without one, training and test would share accounts.")
    return text


_READERS = {"collector": _collector, "csv": _csv, "info-json": _info_json, "instagram": _instagram}
