"""`virality evaluate WHAT`: measure a model on labelled data of your own."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, get_args

from virality_core.cli.output import destination, refuse_overwriting, write
from virality_core.cli.train import check_packages
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
    caption.add_argument(
        "--json", metavar="FILE", type=destination, default="-", help="where the result goes (default -: shown)"
    )
    caption.set_defaults(run=run_caption)
    engagement = what.add_parser("engagement", help="predicted engagement, on JSON lines in either of two schemas")
    engagement.add_argument("--data", metavar="FILE", type=Path, required=True, help=".jsonl or .jsonl.gz")
    engagement.add_argument(
        "--json", metavar="FILE", type=destination, default="-", help="where the lines go (default -: shown)"
    )
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
    history.add_argument(
        "--json", metavar="FILE", type=destination, default="-", help="where the lines go (default -: shown)"
    )
    history.set_defaults(run=run_history)
    virality = what.add_parser("virality", help="a trained virality run, beside baselines: figures, plots, one page")
    virality.add_argument("run_dir", metavar="RUN_DIR", type=Path, help="what `virality train virality` wrote")
    virality.add_argument("--data", metavar="DIR", type=Path, required=True, help="the folder `preprocess` wrote to")
    virality.add_argument("--out", metavar="DIR", type=Path, help="where it goes (default RUN_DIR/evaluation)")
    virality.add_argument("--part", choices=("test", "val", "train"), default="test", help="default test")
    virality.add_argument(
        "--frames",
        choices=("as they are", "reversed", "shuffled"),
        default="as they are",
        help="a control: what the run knows of motion is lost when frames are shuffled",
    )
    virality.add_argument("--videos", metavar="DIR", type=Path, help="where the videos are now, if they were moved")
    virality.add_argument("--cache", metavar="DIR", type=Path, help="where decoded clips are kept")
    virality.add_argument("--device", help="cuda or cpu (default: cuda where there is one)")
    virality.set_defaults(run=run_virality)


def run_caption(args: argparse.Namespace) -> int:
    """Print n, macro_recall, accuracy, macro_f1, ece; returns 0. Raises InputError for a file of another shape."""
    refuse_overwriting("--json", args.json, [args.data])
    from virality_core.training.evaluation.sentiment import evaluate  # torch loads here, not for --help

    scores, model = evaluate(args.data, args.profile)
    _write(args.json, json.dumps({**to_plain(scores), "model": to_plain(model)}))
    return 0


def run_engagement(args: argparse.Namespace) -> int:
    """One JSON object a line for each collection, target and baseline; returns 0. Raises InputError, UsageError."""
    refuse_overwriting("--json", args.json, [args.data])
    from virality_core.forecast.model import shipped
    from virality_core.training.datasets.engagement_posts import read_outcomes
    from virality_core.training.evaluation.engagement import predictions, rows

    if not 0 <= args.draws <= 10_000:
        raise UsageError(f"--draws must be 0 to 10000, not {args.draws}.")
    found = rows(predictions(shipped(), read_outcomes(args.data)), draws=args.draws)
    _write(args.json, "\n".join(json.dumps(row) for row in found))
    return 0


def run_history(args: argparse.Namespace) -> int:
    """One JSON object a line for each collection with such authors; returns 0. Raises InputError, UsageError."""
    refuse_overwriting("--json", args.json, [args.data])
    from virality_core.training.datasets.engagement_posts import read_outcomes
    from virality_core.training.forecast.own_posts_check import check

    for each in args.posts:
        if not 10 <= each <= 40:
            raise UsageError(f"--posts must be 10 to 40, not {each}.")
    found = check(read_outcomes(args.data), args.target, args.posts)
    _write(args.json, "\n".join(json.dumps(row) for row in found))
    return 0


def run_virality(args: argparse.Namespace) -> int:
    """Write metrics.json, plots and index.html and print the figures; returns 0. Raises ViralityError."""
    check_packages()
    from virality_core.training.evaluation.page import NAMES, figure_text
    from virality_core.training.virality import manifest
    from virality_core.training.virality.evaluate import evaluate_run

    out: Path = args.out or args.run_dir / "evaluation"
    options = {"part": args.part, "order": args.frames, "cache": args.cache, "device": args.device}
    result = evaluate_run(args.run_dir, manifest.read(args.data, args.videos), out, **options)
    columns = {"model": result["model"]} | result["baselines"]
    print(f"{'':<12}" + "".join(f"{name:>18}" for name in columns))
    for name in result["model"]["figures"]:
        cells = (figure_text(one["figures"][name])[0] for one in columns.values())
        print(f"{NAMES[name]:<12}" + "".join(f"{cell:>18}" for cell in cells))
    for sentence in result["model"]["undefined"]:
        print(sentence)
    print(f"{result['videos']} {args.part} videos; with intervals and plots: {out / 'index.html'}")
    return 0


def _write(where: str, text: str) -> None:
    if where == "-":
        print(text)
        return
    write(where, text + "\n")
