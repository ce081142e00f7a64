"""`virality trends build`: the hashtag and music tables from a file of posts."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from virality_core.disk import write_whole
from virality_core.errors import InputError, UsageError
from virality_core.training.music_trends import music_table, shared_titles, with_music, without
from virality_core.training.posts import PostRecord, read_posts
from virality_core.training.trends import GENERIC_SHARE, MIN_AUTHORS, collections_of, table_of
from virality_core.training.trends_check import answering, check, population

_SCHEMA = (
    "FILE is a CSV with a header, or JSON lines, either also gzipped. Columns: `user` (any name of the account), "
    "`likes` and one of `hashtags` (a list, or names parted by spaces) or `caption`; where known `followers`, "
    "`comments`, `shares`, `posted_at` (2025-05-31 12:00:00) and `source` (the collection a post belongs to). Without "
    "followers a tag's posts are only counted. For the music: `music_title`, and `music_uses`, how many videos use "
    "it. A table goes in the place of trends/hashtags.json in the weights folder (music: trends/music.json), the "
    "population in that of populations/hashtags.json."
)


def add_parser(commands: Any) -> None:
    """Add the `trends` group to the command line."""
    group = commands.add_parser("trends", help="how posts with a hashtag did against what their author's size predicts")
    actions = group.add_subparsers(title="actions", metavar="ACTION", required=True)
    build = actions.add_parser(
        "build", help="make the hashtag and music tables from your own posts", description=_SCHEMA
    )
    build.add_argument("--data", metavar="FILE", type=Path, required=True, help="posts, as CSV or JSON lines")
    build.add_argument("--out", metavar="FILE", type=Path, required=True, help="where the table goes")
    build.add_argument("--metrics", metavar="FILE", type=Path, help="where the out-of-sample figures go")
    build.add_argument("--music", metavar="FILE", type=Path, help="where the table of music titles goes")
    build.add_argument("--music-metrics", metavar="FILE", type=Path, help="where its out-of-sample figures go")
    build.add_argument("--population", metavar="FILE", type=Path, help="where what a lift is compared with goes")
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
    """Build the table, check it out of sample, write both; returns the exit code."""
    if args.min_authors < 1:
        raise UsageError(f"--min-authors must be 1 or more, not {args.min_authors}.")
    if not 0.0 < args.generic_share <= 1.0:
        raise UsageError(f"--generic-share must be over 0 and at most 1, not {args.generic_share}.")
    posts = read_posts(args.data)
    collections = collections_of(posts)
    figures = check(collections, min_authors=args.min_authors)
    answers = answering(figures)
    table = table_of(collections, min_authors=args.min_authors, generic_share=args.generic_share, answering=answers)
    _write(args.out, _lines(table))
    if args.metrics:
        _write(args.metrics, json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    if args.population:
        compared = population(collections, answers, min_authors=args.min_authors)
        _write(args.population, json.dumps(compared, indent=1, ensure_ascii=False) + "\n")
    for name, entry in table["collections"].items():
        state = "counts in the signal" if entry["answers"] else "is shown, does not count in the signal"
        print(f"{name}: {entry['posts']} posts, {entry['authors']} authors, {entry['tags']} tags; {state}")
    if args.music or args.music_metrics:
        _build_music(args, posts)
    return 0


def _build_music(args: argparse.Namespace, posts: Sequence[PostRecord]) -> None:
    heard = with_music(posts)
    if not heard:
        raise InputError(f"{args.data.name} names no music: no post has a `music_title`.")
    figures = check(collections_of(without(heard, shared_titles(heard))), min_authors=args.min_authors)
    table = music_table(heard, min_authors=args.min_authors, answering=answering(figures))
    if args.music:
        _write(args.music, _lines(table))
    if args.music_metrics:
        _write(args.music_metrics, json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    for name, entry in table["collections"].items():
        print(f"{name}: {entry['posts']} posts with music, {entry['tags']} titles of one sound")


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
