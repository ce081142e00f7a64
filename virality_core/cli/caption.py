"""`virality caption TEXT…`: what a caption says and how it sounds, one JSON object a line."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, get_args

from virality_core.errors import UsageError
from virality_core.types import Profile, to_plain


def add_parser(commands: Any) -> None:
    """Add the `caption` command to an argparse subparsers object."""
    parser = commands.add_parser(
        "caption", help="read captions: sentiment explained word by word, one JSON object a line"
    )
    parser.add_argument("texts", metavar="TEXT", nargs="+", help="a caption")
    parser.add_argument("--profile", choices=get_args(Profile), default="auto", help="which weights (default auto)")
    parser.add_argument("--json", metavar="FILE", default="-", help="where the lines go (default -, standard output)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read each of `args.texts`; returns 0. Raises WeightsError, or UsageError where the file can't be written."""
    from virality_core.scorers.caption import CaptionReader  # torch loads here, not for --help

    reader = CaptionReader(profile=args.profile)
    # ASCII only: a lone surrogate in a caption is escaped instead of breaking the terminal or the file.
    lines = (json.dumps(to_plain(_line(reader, text)), allow_nan=False) for text in args.texts)
    if args.json == "-":
        for line in lines:
            print(line, flush=True)
        return 0
    try:
        Path(args.json).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"Can't write to {args.json}: {error.strerror}.") from error
    return 0


def _line(reader: Any, text: str) -> dict[str, Any]:
    sentiment = reader.read(text)
    return {
        "text": text,
        "language": sentiment.language,
        "probabilities": sentiment.probabilities,
        "tokens": sentiment.tokens,
        "notes": reader.notes(sentiment),
        "read_characters": sentiment.read_characters,
        "model": reader.model,
    }
