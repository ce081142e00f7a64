"""`virality trends build`: the hashtag and music tables from a file of posts, or from a platform's own lists."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from virality_core.cli.output import out_file, refuse_overwriting
from virality_core.errors import InputError, UsageError
from virality_core.files import printable, write_whole
from virality_core.models import weights
from virality_core.scorers.caption.entities import hashtag_key
from virality_core.scorers.caption.trend_table import load_trends
from virality_core.scorers.sound.music import title_key
from virality_core.training.datasets.post_table import PostRecord, read_posts
from virality_core.training.trends.lifts import GENERIC_SHARE, MIN_AUTHORS, collections_of, table_of
from virality_core.training.trends.music import is_original, music_table, shared_titles, with_music, without
from virality_core.training.trends.platform_list import KNOWN, read_trend_list, with_list
from virality_core.training.trends.validation import answering, check, population

_SCHEMA = (
    "Posts are a CSV with a header, or JSON lines, either also gzipped. Columns: `user` (any name of the account), "
    "`likes` and one of `hashtags` (a list, or names parted by spaces) or `caption`; where known `followers`, "
    "`comments`, `shares`, `posted_at` (2025-05-31 12:00:00) and `source` (the collection a post belongs to). Without "
    "followers a tag's posts are only counted. For the music: `music_title`, and `music_uses`, how many videos use "
    "it. A table goes in the place of trends/hashtags.json in the weights folder (music: trends/music.json), the "
    "population in that of populations/hashtags.json. A platform's list (rank, name, posts, views, trend: what TikTok "
    "Creative Center exports) is added to the table made from --data, else to that in the weights folder: it says how "
    "often a name is used and since when that is known, never what it goes with."
)
_OUTPUTS = ("out", "metrics", "music", "music_metrics", "population")


def add_parser(commands: Any) -> None:
    """Add the `trends` group to the command line."""
    group = commands.add_parser("trends", help="how posts with a hashtag did against what their author's size predicts")
    actions = group.add_subparsers(title="actions", metavar="ACTION", required=True)
    build = actions.add_parser(
        "build", help="make the hashtag and music tables from your own posts or a platform's lists", description=_SCHEMA
    )
    build.add_argument("--data", metavar="FILE", type=Path, help="posts, as CSV or JSON lines")
    build.add_argument("--list", metavar="FILE", type=Path, help="a platform's list of trending hashtags, as CSV")
    build.add_argument("--music-list", metavar="FILE", type=Path, help="a platform's list of trending songs, as CSV")
    build.add_argument("--date", metavar="DAY", type=_day, help="when the lists were taken from the platform")
    build.add_argument(
        "--column",
        metavar="WHAT=HEADER",
        type=_column,
        action="append",
        default=[],
        help=f"which column of a list holds {', '.join(KNOWN)}, where its header doesn't say so",
    )
    build.add_argument("--out", metavar="FILE", type=out_file, help="where the hashtag table goes")
    build.add_argument("--metrics", metavar="FILE", type=out_file, help="where the out-of-sample figures go")
    build.add_argument("--music", metavar="FILE", type=out_file, help="where the table of music titles goes")
    build.add_argument("--music-metrics", metavar="FILE", type=out_file, help="where its out-of-sample figures go")
    build.add_argument("--population", metavar="FILE", type=out_file, help="where what a lift is compared with goes")
    build.add_argument("--min-authors", metavar="N", type=int, default=MIN_AUTHORS, help="leave rarer tags out (5)")
    build.add_argument(
        "--generic-share",
        metavar="SHARE",
        type=float,
        default=GENERIC_SHARE,
        help="share of authors that makes a tag generic (0.02)",
    )
    build.set_defaults(run=run_build)


def run_build(args: argparse.Namespace) -> int:
    """Build the tables, check them out of sample, then write all or nothing; returns the exit code."""
    _check(args)
    for option in _OUTPUTS:
        refuse_overwriting(
            f"--{option.replace('_', '-')}", getattr(args, option), [args.data, args.list, args.music_list]
        )
    texts: dict[Path, str] = {}
    hashtags = music = None
    if args.data:
        posts = read_posts(args.data)
        hashtags = _from_posts(args, posts, texts)
        if args.music or args.music_metrics:
            music = _music_from_posts(args, posts, texts)
    if args.list:
        hashtags = _listed(hashtags, "hashtags.json", args.list, args, hashtag_key)
    if args.music_list:
        music = _listed(music, "music.json", args.music_list, args, title_key, is_original)
    if hashtags is not None:
        texts[args.out] = _lines(hashtags)
    if music is not None and args.music:
        texts[args.music] = _lines(music)
    for path, text in texts.items():
        _write(path, text)
    return 0


def _check(args: argparse.Namespace) -> None:
    if args.min_authors < 1:
        raise UsageError(f"--min-authors must be 1 or more, not {args.min_authors}.")
    if not 0.0 < args.generic_share <= 1.0:
        raise UsageError(f"--generic-share must be over 0 and at most 1, not {args.generic_share}.")
    if not (args.data or args.list or args.music_list):
        raise UsageError("There is nothing to build from; name posts with --data, or a list with --list.")
    for table, out in (("data", "out"), ("list", "out"), ("music_list", "music")):
        if getattr(args, table) and not getattr(args, out):
            raise UsageError(f"--{table.replace('_', '-')} needs --{out}, where its table goes.")
    if (args.list or args.music_list) and args.date is None:
        raise UsageError("A list needs --date, the day it was taken from the platform, such as --date 2026-05-31.")


def _from_posts(args: argparse.Namespace, posts: Sequence[PostRecord], texts: dict[Path, str]) -> dict[str, Any]:
    """The hashtag table; what goes beside it is put into `texts`."""
    collections = collections_of(posts)
    figures = check(collections, min_authors=args.min_authors)
    answers = answering(figures)
    table = table_of(collections, min_authors=args.min_authors, generic_share=args.generic_share, answering=answers)
    if args.metrics:
        texts[args.metrics] = json.dumps(figures, indent=1, ensure_ascii=False) + "\n"
    if args.population:
        compared = population(collections, answers, min_authors=args.min_authors)
        texts[args.population] = json.dumps(compared, indent=1, ensure_ascii=False) + "\n"
    for name, entry in table["collections"].items():
        state = "counts in the signal" if entry["answers"] else "is shown, does not count in the signal"
        print(f"{name}: {entry['posts']} posts, {entry['authors']} authors, {entry['tags']} tags; {state}")
    return table


def _music_from_posts(args: argparse.Namespace, posts: Sequence[PostRecord], texts: dict[Path, str]) -> dict[str, Any]:
    heard = with_music(posts)
    if not heard:
        raise InputError(f"{args.data.name} names no music: no post has a `music_title`.")
    figures = check(collections_of(without(heard, shared_titles(heard))), min_authors=args.min_authors)
    table = music_table(heard, min_authors=args.min_authors, answering=answering(figures))
    if args.music_metrics:
        texts[args.music_metrics] = json.dumps(figures, indent=1, ensure_ascii=False) + "\n"
    for name, entry in table["collections"].items():
        print(f"{name}: {entry['posts']} posts with music, {entry['tags']} titles of one sound")
    return table


def _listed(
    table: dict[str, Any] | None,
    shipped: str,
    path: Path,
    args: argparse.Namespace,
    key_of: Callable[[str], str],
    is_shared: Callable[[str], bool] = lambda _: False,
) -> dict[str, Any]:
    """The table (that in the weights folder where there is none yet) with the list at `path` in it."""
    found = read_trend_list(path, args.date, dict(args.column))
    if table is None:
        here = weights.folder() / "trends" / shipped
        load_trends(here)  # says so where it is no such table
        table = json.loads(here.read_text(encoding="utf-8"))
    made = with_list(table, found, key_of, is_shared)
    about = made["collections"][found.collection]
    print(f"{found.collection}: {about['tags']} names listed on {found.day}; shown, does not count in the signal")
    if found.unread:
        print(f"{path.name}: not read: {', '.join(printable(header) for header in found.unread)}")
    return made


def _column(typed: str) -> tuple[str, str]:
    what, sign, header = typed.partition("=")
    if not sign or what not in KNOWN:
        raise argparse.ArgumentTypeError(f"{typed!r} is not WHAT=HEADER with WHAT one of {', '.join(KNOWN)}")
    return what, header


def _day(typed: str) -> date:
    try:
        return date.fromisoformat(typed)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{typed!r} is not a day like 2026-05-31") from error


def _lines(table: dict[str, Any]) -> str:
    # One tag a line, so that a rebuilt table can be compared with the last one.
    head = {key: value for key, value in table.items() if key != "tags"}
    tags = ",\n".join(f"  {json.dumps(k, ensure_ascii=False)}: {json.dumps(v)}" for k, v in table["tags"].items())
    return json.dumps(head, indent=1, ensure_ascii=False)[:-2] + f',\n "tags": {{\n{tags}\n }}\n}}\n'


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
    except OSError as error:
        raise InputError(f"{path} can't be written ({error.strerror or error}).") from error
