"""`virality train engagement`: fit the engagement model on files of posts."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import Any

from virality_core.cli.output import refuse_overwriting
from virality_core.errors import InputError, UsageError


def add_parser(what: Any) -> None:
    """Add `engagement` to the models that `virality train` knows."""
    engagement = what.add_parser(
        "engagement",
        help="likes, comments, shares, saves, plays and popularity, from JSON lines in either of two schemas",
        description="Writes model.safetensors, model.json and metrics.json: the figures on authors not fitted on.",
    )
    engagement.add_argument("--data", metavar="FILE", type=Path, nargs="+", required=True, help=".jsonl or .jsonl.gz")
    engagement.add_argument("--out", metavar="FOLDER", type=Path, required=True, help="where the three files go")
    engagement.add_argument(
        "--ablation", action="store_true", help="instead: what each group of features adds, ablation.json"
    )
    engagement.add_argument(
        "--coverage",
        metavar="DRAWS",
        type=int,
        help="instead: how often intervals hold where authors are few, leaving others out DRAWS times; coverage.json",
    )
    engagement.set_defaults(run=run_engagement)


def run_engagement(args: argparse.Namespace) -> int:
    """Fit on all but the test authors, judge on these, write; returns 0. Raises InputError, UsageError."""
    from virality_core.forecast.model import EngagementModel
    from virality_core.training.forecast import train as engagement
    from virality_core.training.forecast.ablation import ablation
    from virality_core.training.forecast.coverage import coverage
    from virality_core.training.forecast.fit import Recipe

    if args.coverage is not None and args.coverage < 1:
        raise UsageError(f"--coverage is {args.coverage}; it takes how many draws, 1 or more.")
    for name in ("metrics.json", "model.json", "model.safetensors", "ablation.json", "coverage.json"):
        refuse_overwriting("--out", args.out / name, args.data)
    posts = engagement.read_all(args.data)
    kept = [post for post in posts if not engagement.is_test(post)]
    test = [post for post in posts if engagement.is_test(post)]
    try:
        if args.ablation:
            figures = ablation(kept, Recipe(), say=lambda line: print(line, flush=True))
            engagement.write(args.out / "ablation.json", engagement.as_json(figures))
            return 0
        if args.coverage is not None:
            figures = coverage(kept, Recipe(), args.coverage, say=lambda line: print(line, flush=True))
            engagement.write(args.out / "coverage.json", engagement.as_json(figures))
            return 0
        tensors, stated = engagement.fit_all(kept, Recipe(), say=lambda line: print(line, flush=True))
        metrics = engagement.judge(EngagementModel(tensors, stated), test)
        data, text = engagement.model_bytes(tensors), engagement.as_json(stated)
        engagement.write(args.out / "metrics.json", engagement.as_json(metrics))
        engagement.write(args.out / "model.json", text)
        engagement.write(args.out / "model.safetensors", data)
    except OSError as error:
        raise InputError(f"{args.out} can't be written ({error.strerror or error}).") from error
    for name, content in (("model.safetensors", data), ("model.json", text)):
        print(f"{name}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}")
    return 0
