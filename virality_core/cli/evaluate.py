"""`virality evaluate WHAT`: measure a model on labelled data of your own."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, get_args

from virality_core.errors import UsageError
from virality_core.types import Profile, to_plain

COUNTS = ("likes", "comments", "shares", "saves", "plays")


def add_parser(commands: Any) -> None:
    """Add the `evaluate` group to an argparse subparsers object."""
    group = commands.add_parser("evaluate", help="measure a model on labelled data of your own")
    what = group.add_subparsers(title="models", metavar="MODEL", required=True)
    caption = what.add_parser("caption", help="the sentiment model, on a TSV with the header label<TAB>text")
    caption.add_argument(
        "--data", metavar="FILE", type=Path, required=True, help="label 0 negative, 1 neutral, 2 positive"
    )
    caption.add_argument("--profile", choices=get_args(Profile), default="auto", help="which weights (default auto)")
    caption.add_argument("--json", metavar="FILE", default="-", help="where the result goes (default -: shown)")
    caption.set_defaults(run=run_caption)
    engagement = what.add_parser("engagement", help="predicted engagement, on JSON lines in either of two schemas")
    engagement.add_argument("--data", metavar="FILE", type=Path, required=True, help=".jsonl or .jsonl.gz")
    engagement.add_argument("--json", metavar="FILE", default="-", help="where the lines go (default -: shown)")
    engagement.add_argument(
        "--draws", metavar="N", type=int, default=0, help="bootstrap samples of authors for 95 %% intervals (default 0)"
    )
    engagement.set_defaults(run=run_engagement)
    history = what.add_parser("history", help="fit-history, on every author of a file with 40 posts or more")
    history.add_argument("--data", metavar="FILE", type=Path, required=True, help=".jsonl or .jsonl.gz")
    history.add_argument("--target", choices=COUNTS, default="likes", help="which count (default likes)")
    history.add_argument(
        "--posts", metavar="N", type=int, nargs="+", default=[40], help="posts of each author, 10 to 40 (default 40)"
    )
    history.add_argument("--json", metavar="FILE", default="-", help="where the lines go (default -: shown)")
    history.set_defaults(run=run_history)


def run_caption(args: argparse.Namespace) -> int:
    """Print n, macro_recall, accuracy, macro_f1, ece; returns 0. Raises InputError for a file of another shape."""
    from virality_core.evaluation.caption import evaluate  # torch loads here, not for --help

    scores, model = evaluate(args.data, args.profile)
    _write(args.json, json.dumps({**to_plain(scores), "model": to_plain(model)}))
    return 0


def run_engagement(args: argparse.Namespace) -> int:
    """One JSON object a line for each collection, target and baseline; returns 0. Raises InputError, UsageError."""
    from virality_core.engagement.model import shipped
    from virality_core.evaluation.engagement import predictions, rows
    from virality_core.evaluation.engagement_posts import read_outcomes

    if not 0 <= args.draws <= 10_000:
        raise UsageError(f"--draws must be 0 to 10000, not {args.draws}.")
    found = rows(predictions(shipped(), read_outcomes(args.data)), draws=args.draws)
    _write(args.json, "\n".join(json.dumps(row) for row in found))
    return 0


def run_history(args: argparse.Namespace) -> int:
    """One JSON object a line for each collection with such authors; returns 0. Raises InputError, UsageError."""
    from virality_core.evaluation.engagement_posts import read_outcomes
    from virality_core.training.history_check import check

    for each in args.posts:
        if not 10 <= each <= 40:
            raise UsageError(f"--posts must be 10 to 40, not {each}.")
    found = check(read_outcomes(args.data), args.target, args.posts)
    _write(args.json, "\n".join(json.dumps(row) for row in found))
    return 0


def _write(destination: str, text: str) -> None:
    if destination == "-":
        print(text)
        return
    try:
        Path(destination).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"Can't write to {destination}: {error.strerror}.") from error
