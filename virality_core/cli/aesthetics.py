"""`virality aesthetics IMAGE…`: what NIMA makes of still pictures, one JSON object a line."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, get_args

from virality_core.cli.output import complain
from virality_core.errors import InputError
from virality_core.types import Profile, to_plain


def add_parser(commands: Any) -> None:
    """Add the `aesthetics` command to an argparse subparsers object."""
    parser = commands.add_parser(
        "aesthetics",
        help="rate pictures: mean, std and the distribution over the marks 1 to 10, one JSON object a line",
    )
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="a picture file: JPEG, PNG, WebP …")
    parser.add_argument("--profile", choices=get_args(Profile), default="auto", help="which weights (default auto)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print a line for each picture; an unreadable one gets a sentence on stderr and the exit code 3 in the end."""
    from virality_core.scorers.picture.aesthetics import (  # torch loads here, not for --help
        AestheticsScorer,
        score_images,
    )

    scorer = AestheticsScorer(profile=args.profile)
    exit_code = 0
    paths = [Path(image) for image in args.images]
    for path, marks in score_images(paths, scorer):
        if isinstance(marks, InputError):
            complain(marks)
            exit_code = marks.exit_code
            continue
        line = {"path": str(path), "mean": marks.mean[0], "std": marks.spread[0], "distribution": marks.distribution[0]}
        print(json.dumps(to_plain(line)), flush=True)
    return exit_code
