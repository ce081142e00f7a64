"""`virality caption TEXT…`: what a caption says and how it sounds, one JSON object a line."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any, get_args

from virality_core.cli.output import destination, write
from virality_core.types import Platform, Profile, to_plain

if TYPE_CHECKING:
    from virality_core.scorers.caption.caption_report import CaptionReading


def add_parser(commands: Any) -> None:
    """Add the `caption` command to an argparse subparsers object."""
    parser = commands.add_parser(
        "caption", help="read captions: sentiment word by word, keywords, hashtags; one JSON object a line"
    )
    parser.add_argument("texts", metavar="TEXT", nargs="+", help="a caption")
    parser.add_argument("--profile", choices=get_args(Profile), default="auto", help="which weights (default auto)")
    parser.add_argument("--platform", choices=get_args(Platform), help="where it will be posted")
    parser.add_argument(
        "--json", metavar="FILE", type=destination, default="-", help="where the lines go (default -, standard output)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read each of `args.texts`; returns 0. Raises WeightsError, or UsageError where the file can't be written."""
    from virality_core.scorers.caption.caption_report import CaptionDesk  # torch loads here, not for --help

    desk = CaptionDesk(profile=args.profile)
    # ASCII only: a lone surrogate in a caption is escaped instead of breaking the terminal or the file.
    lines = (json.dumps(to_plain(_line(desk.read(text, args.platform))), allow_nan=False) for text in args.texts)
    if args.json == "-":
        for line in lines:
            print(line, flush=True)
        return 0
    write(args.json, "".join(line + "\n" for line in lines))
    return 0


def _line(reading: CaptionReading) -> dict[str, Any]:
    sentiment = reading.sentiment
    return {
        "text": reading.text,
        "language": reading.language,
        "probabilities": sentiment.probabilities if sentiment.tokens else None,  # no words, no reading
        "tokens": sentiment.tokens,
        "keywords": reading.keywords,
        "hashtags": reading.hashtags,
        "sentiment_holds": reading.sentiment_holds,
        "notes": reading.notes,
        "read_characters": sentiment.read_characters,
        "model": reading.model,
    }
