"""`virality evaluate WHAT`: measure a model on labelled data of your own."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, get_args

from virality_core.cli.destination import destination, write
from virality_core.types import Profile, to_plain


def add_parser(commands: Any) -> None:
    """Add the `evaluate` group to an argparse subparsers object."""
    group = commands.add_parser("evaluate", help="measure a model on labelled data of your own")
    what = group.add_subparsers(title="models", metavar="MODEL", required=True)
    caption = what.add_parser("caption", help="the sentiment model, on a TSV with the header label<TAB>text")
    caption.add_argument(
        "--data", metavar="FILE", type=Path, required=True, help="label 0 negative, 1 neutral, 2 positive"
    )
    caption.add_argument("--profile", choices=get_args(Profile), default="auto", help="which weights (default auto)")
    caption.add_argument(
        "--json", metavar="FILE", type=destination, default="-", help="where the result goes (default -: shown)"
    )
    caption.set_defaults(run=run_caption)


def run_caption(args: argparse.Namespace) -> int:
    """Print n, macro_recall, accuracy, macro_f1, ece; returns 0. Raises InputError for a file of another shape."""
    from virality_core.evaluation.caption import evaluate  # torch loads here, not for --help

    scores, model = evaluate(args.data, args.profile)
    _write(args.json, json.dumps({**to_plain(scores), "model": to_plain(model)}))
    return 0


def _write(where: str, text: str) -> None:
    if where == "-":
        print(text)
        return
    write(where, text + "\n")
