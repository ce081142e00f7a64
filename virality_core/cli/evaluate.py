"""`virality evaluate MODEL`: measure a model on labeled data of your own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from virality_core.cli.arguments import add_json, add_profile
from virality_core.cli.output import refuse_overwriting, write_lines
from virality_core.cli.train import add_run_options, check_packages
from virality_core.errors import UsageError
from virality_core.forecast.counts import COUNTS
from virality_core.types import to_plain

_POSTS = "posts: .jsonl or .jsonl.gz"


def add_parser(commands: Any) -> None:
    """Add the `evaluate` command."""
    group = commands.add_parser("evaluate", help="measure a model on labeled data of your own")
    models = group.add_subparsers(title="models", metavar="MODEL", required=True)

    caption = models.add_parser("caption", help="the sentiment model, on a TSV with the header label<TAB>text")
    text = "texts with label 0 negative, 1 neutral, 2 positive"
    caption.add_argument("--data", metavar="FILE", type=Path, required=True, help=text)
    add_profile(caption)
    add_json(caption)
    caption.set_defaults(run=run_caption)

    engagement = models.add_parser("engagement", help="predicted engagement, on posts as JSON lines")
    engagement.add_argument("--data", metavar="FILE", type=Path, required=True, help=_POSTS)
    add_json(engagement)
    text = "bootstrap samples of authors for 95 %% intervals (default 0: no intervals)"
    engagement.add_argument("--draws", metavar="N", type=int, default=0, help=text)
    engagement.set_defaults(run=run_engagement)

    history = models.add_parser("history", help="fit-history, on every author with 40 posts or more")
    history.add_argument("--data", metavar="FILE", type=Path, required=True, help=_POSTS)
    history.add_argument("--target", choices=COUNTS, default="likes", help="which count (default likes)")
    text = "posts to fit per author, 10 to 40 (default 40)"
    history.add_argument("--posts", metavar="N", type=int, nargs="+", default=[40], help=text)
    add_json(history)
    history.set_defaults(run=run_history)

    virality = models.add_parser("virality", help="a trained virality run and baselines: figures, plots and a page")
    virality.add_argument("run_dir", metavar="RUN_DIR", type=Path, help="what `virality train virality` wrote")
    add_run_options(virality, cache="where decoded clips are kept")
    virality.add_argument("--out", metavar="DIR", type=Path, help="where the results go (default RUN_DIR/evaluation)")
    virality.add_argument("--part", choices=("test", "val", "train"), default="test", help="default test")
    text = "a control: shuffled frames remove what the model knows of motion"
    orders = ("as they are", "reversed", "shuffled")
    virality.add_argument("--frames", choices=orders, default="as they are", help=text)
    virality.set_defaults(run=run_virality)


def run_caption(args: argparse.Namespace) -> None:
    """Write n, macro_recall, accuracy, macro_f1, ece. Raises InputError for a file of another format."""
    refuse_overwriting("--json", args.json, [args.data])
    from virality_core.training.evaluation.sentiment import evaluate  # imports torch

    scores, model = evaluate(args.data, args.profile)
    write_lines(args.json, [{**to_plain(scores), "model": model}])


def run_engagement(args: argparse.Namespace) -> None:
    """Write a line per collection, target and baseline. Raises InputError, UsageError."""
    refuse_overwriting("--json", args.json, [args.data])
    from virality_core.forecast.model import bundled_model
    from virality_core.training.datasets.posts import read_outcomes
    from virality_core.training.evaluation.forecast import predictions, rows

    if not 0 <= args.draws <= 10_000:
        raise UsageError(f"--draws must be 0 to 10000, not {args.draws}.")
    write_lines(args.json, rows(predictions(bundled_model(), read_outcomes(args.data)), draws=args.draws))


def run_history(args: argparse.Namespace) -> None:
    """Write a line per collection that has such authors. Raises InputError, UsageError."""
    refuse_overwriting("--json", args.json, [args.data])
    from virality_core.training.datasets.posts import read_outcomes
    from virality_core.training.forecast.validation import own_posts

    for posts in args.posts:
        if not 10 <= posts <= 40:
            raise UsageError(f"--posts must be 10 to 40, not {posts}.")
    write_lines(args.json, own_posts(read_outcomes(args.data), args.target, args.posts))


def run_virality(args: argparse.Namespace) -> None:
    """Write metrics.json, plots and index.html, and print the figures. Raises ViralityError."""
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
        cells = (figure_text(column["figures"][name])[0] for column in columns.values())
        print(f"{NAMES[name]:<12}" + "".join(f"{cell:>18}" for cell in cells))
    for sentence in result["model"]["undefined"]:
        print(sentence)
    print(f"{result['videos']} {args.part} videos. Intervals and plots: {out / 'index.html'}")
