"""`virality trends build`: hashtag and music tables from a file of posts, or from a platform's own lists."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from virality_core.cli.arguments import output_file
from virality_core.cli.output import refuse_overwriting
from virality_core.errors import InputError, UsageError
from virality_core.files import printable, write_atomically
from virality_core.models import weights
from virality_core.scorers.caption.entities import hashtag_key
from virality_core.scorers.caption.trend_table import load_trends
from virality_core.scorers.sound.music import title_key
from virality_core.training.datasets.posts import PostRecord, read_posts
from virality_core.training.trends.lifts import GENERIC_SHARE, MIN_AUTHORS, collections_of, table_of
from virality_core.training.trends.music import is_original, music_table, shared_titles, with_music, without
from virality_core.training.trends.platform_list import KNOWN, read_trend_list, with_list
from virality_core.training.trends.validation import answering, check, population

_DESCRIPTION = (
    "Posts are a CSV with a header, or JSON lines, also gzipped. Columns: `user` (any name of the account), `likes`, "
    "and `hashtags` (a list, or separated by spaces) or `caption`; optionally `followers`, `comments`, `shares`, "
    "`posted_at` (2025-05-31 12:00:00) and `source` (the collection of a post). Without followers, a tag's posts are "
    "only counted. For music: `music_title` and `music_uses`, how many videos use it. A platform's list (rank, name, "
    "posts, views, trend, as TikTok Creative Center exports it) says how often a name is used, not how posts with it "
    "did; it is added to the table made from --data, or else to the one in use. To use the tables, put them in the "
    "weights folder as trends/hashtags.json and trends/music.json."
)


def add_parser(commands: Any) -> None:
    """Add the `trends` command."""
    text = "how posts with a hashtag did, compared with what the size of their accounts predicts"
    actions = commands.add_parser("trends", help=text).add_subparsers(title="actions", metavar="ACTION", required=True)
    text = "make the hashtag and music tables from your own posts or from a platform's lists"
    build = actions.add_parser("build", help=text, description=_DESCRIPTION)
    add = build.add_argument
    add("--data", metavar="FILE", type=Path, help="posts, as CSV or JSON lines")
    add("--list", metavar="FILE", type=Path, help="a platform's list of trending hashtags, as CSV")
    add("--music-list", metavar="FILE", type=Path, help="a platform's list of trending songs, as CSV")
    add("--date", metavar="DAY", type=_day, help="when the lists were downloaded from the platform")
    text = f"the column of a list for one of {', '.join(KNOWN)}, if its header has another name"
    add("--column", metavar="WHAT=HEADER", type=_column, action="append", default=[], help=text)
    add("--out", metavar="FILE", type=output_file, help="where the hashtag table goes")
    add("--metrics", metavar="FILE", type=output_file, help="where its figures on held-out posts go")
    add("--music", metavar="FILE", type=output_file, help="where the music table goes")
    add("--music-metrics", metavar="FILE", type=output_file, help="where its figures on held-out posts go")
    add("--population", metavar="FILE", type=output_file, help="where the distribution of lifts goes")
    text = f"skip tags of fewer authors (default {MIN_AUTHORS})"
    add("--min-authors", metavar="N", type=int, default=MIN_AUTHORS, help=text)
    text = f"share of authors from which a tag is generic (default {GENERIC_SHARE})"
    add("--generic-share", metavar="SHARE", type=float, default=GENERIC_SHARE, help=text)
    build.set_defaults(run=run_build)


def run_build(args: argparse.Namespace) -> None:
    """Build the tables, check them on held-out posts, then write all or nothing."""
    _check_arguments(args)
    files: dict[Path, str] = {}
    hashtags = music = None
    if args.data:
        posts = read_posts(args.data)
        hashtags = _hashtags_from_posts(args, posts, files)
        if args.music or args.music_metrics:
            music = _music_from_posts(args, posts, files)
    if args.list:
        hashtags = _add_list(hashtags, "hashtags.json", args.list, args, hashtag_key)
    if args.music_list:
        music = _add_list(music, "music.json", args.music_list, args, title_key, is_original)
    if hashtags is not None:
        files[args.out] = _table_text(hashtags)
    if music is not None and args.music:
        files[args.music] = _table_text(music)
    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, text)
        except OSError as error:
            raise InputError(f"{path} can't be written ({error.strerror or error}).") from error


def _check_arguments(args: argparse.Namespace) -> None:
    if args.min_authors < 1:
        raise UsageError(f"--min-authors must be 1 or more, not {args.min_authors}.")
    if not 0.0 < args.generic_share <= 1.0:
        raise UsageError(f"--generic-share must be over 0 and at most 1, not {args.generic_share}.")
    if not (args.data or args.list or args.music_list):
        raise UsageError("There is nothing to build from: name posts with --data, or a list with --list.")
    for table, output in (("data", "out"), ("list", "out"), ("music_list", "music")):
        if getattr(args, table) and not getattr(args, output):
            raise UsageError(f"--{table.replace('_', '-')} needs --{output}, where its table goes.")
    if (args.list or args.music_list) and args.date is None:
        raise UsageError("A list needs --date, the day it was downloaded from the platform: --date 2026-05-31.")
    for name in ("out", "metrics", "music", "music_metrics", "population"):
        inputs = (args.data, args.list, args.music_list)
        refuse_overwriting(f"--{name.replace('_', '-')}", getattr(args, name), inputs)


def _hashtags_from_posts(
    args: argparse.Namespace, posts: Sequence[PostRecord], files: dict[Path, str]
) -> dict[str, Any]:
    """The hashtag table; its metrics and population are added to `files`."""
    collections = collections_of(posts)
    figures = check(collections, min_authors=args.min_authors)
    valid = answering(figures)
    table = table_of(collections, min_authors=args.min_authors, generic_share=args.generic_share, answering=valid)
    if args.metrics:
        files[args.metrics] = _json(figures)
    if args.population:
        files[args.population] = _json(population(collections, valid, min_authors=args.min_authors))
    for name, entry in table["collections"].items():
        state = "counts in the signal" if entry["answers"] else "is shown, does not count in the signal"
        print(f"{name}: {entry['posts']} posts, {entry['authors']} authors, {entry['tags']} tags; {state}")
    return table


def _music_from_posts(args: argparse.Namespace, posts: Sequence[PostRecord], files: dict[Path, str]) -> dict[str, Any]:
    """The music table; its metrics are added to `files`."""
    titled = with_music(posts)
    if not titled:
        raise InputError(f"{args.data.name} names no music: no post has a `music_title`.")
    figures = check(collections_of(without(titled, shared_titles(titled))), min_authors=args.min_authors)
    table = music_table(titled, min_authors=args.min_authors, answering=answering(figures))
    if args.music_metrics:
        files[args.music_metrics] = _json(figures)
    for name, entry in table["collections"].items():
        print(f"{name}: {entry['posts']} posts with music, {entry['tags']} titles of one sound")
    return table


def _add_list(
    table: dict[str, Any] | None,
    bundled: str,
    path: Path,
    args: argparse.Namespace,
    key_of: Callable[[str], str],
    is_shared: Callable[[str], bool] = lambda _: False,
) -> dict[str, Any]:
    """Add the list at `path` to the table, or to the bundled one if there is none."""
    trend_list = read_trend_list(path, args.date, dict(args.column))
    if table is None:
        bundled_path = weights.folder() / "trends" / bundled
        load_trends(bundled_path)  # raises if it isn't a table
        table = json.loads(bundled_path.read_text(encoding="utf-8"))
    table = with_list(table, trend_list, key_of, is_shared)
    count = table["collections"][trend_list.collection]["tags"]
    print(f"{trend_list.collection}: {count} names listed on {trend_list.day}; shown, does not count in the signal")
    if trend_list.ignored:
        print(f"{path.name}: not read: {', '.join(printable(header) for header in trend_list.ignored)}")
    return table


def _column(text: str) -> tuple[str, str]:
    what, equals, header = text.partition("=")
    if not equals or what not in KNOWN:
        raise argparse.ArgumentTypeError(f"{text!r} is not WHAT=HEADER with WHAT one of {', '.join(KNOWN)}")
    return what, header


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day like 2026-05-31") from error


def _json(figures: object) -> str:
    return json.dumps(figures, indent=1, ensure_ascii=False) + "\n"


def _table_text(table: dict[str, Any]) -> str:
    """JSON with one tag per line, so that a new table can be compared with the last one."""
    head = {key: value for key, value in table.items() if key != "tags"}
    tags = ",\n".join(f"  {json.dumps(k, ensure_ascii=False)}: {json.dumps(v)}" for k, v in table["tags"].items())
    return json.dumps(head, indent=1, ensure_ascii=False)[:-2] + f',\n "tags": {{\n{tags}\n }}\n}}\n'
