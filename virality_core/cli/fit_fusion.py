"""`virality fit-fusion MANIFEST`: fit the score's weights to reels whose outcomes are known."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, get_args

from virality_core.cli.output import out_file, refuse_overwriting, write
from virality_core.types import Profile

_SCHEMA = (
    "MANIFEST is a CSV with a header, or JSON lines. Columns: `outcome` (a count of 0 or more, likes say), and one of "
    "`reel` (the video, scored now, with `caption` and `followers` where given) or `report` (the JSON that `virality "
    "score --json` wrote for it); `author` where there are several. Paths are relative to the manifest. With "
    "`followers` for every reel, what account size explains is taken out of the outcomes first."
)


def add_parser(commands: Any) -> None:
    """Add the `fit-fusion` command to an argparse subparsers object."""
    parser = commands.add_parser(
        "fit-fusion", help="fit the score's weights to reels whose outcomes you know", description=_SCHEMA
    )
    parser.add_argument("manifest", metavar="MANIFEST", type=Path, help="reels with outcomes, CSV or JSON lines")
    parser.add_argument(
        "--out", metavar="FILE", type=out_file, help="where the fitted weights go (default: where the page finds them)"
    )
    parser.add_argument("--personal", action="store_true", help="the reels are one creator's: the report says personal")
    parser.add_argument("--profile", choices=get_args(Profile), default="auto", help="which weights score the reels")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Score, fit, write, say how it went; returns 0. Raises InputError, UsageError; then nothing is written."""
    from virality_core.score import Way, fitted_file
    from virality_core.training.score.fit import as_file, fit
    from virality_core.training.score.manifest import read_manifest

    way: Way = "personal" if args.personal else "learned"
    out = args.out or fitted_file(way)
    refuse_overwriting("--out", out, [args.manifest])
    learned = fit(read_manifest(args.manifest, profile=args.profile))
    if args.out is None:
        out.parent.mkdir(parents=True, exist_ok=True)
    write(out, json.dumps(as_file(learned, way), indent=1) + "\n")
    if args.out is None:
        print(f"Written to {out}: the page offers these weights beside the stated ones.")
    print(
        f"{learned.reels} reels: {learned.verdict}. Rank correlation with the outcome, out of fold: "
        f"{learned.spearman:.3f}; of the stated weights: {learned.prior_spearman:.3f} "
        f"(95 % interval of the gain {learned.gain[0]:+.3f} to {learned.gain[1]:+.3f})."
    )
    for name, of in sorted(learned.weights.items(), key=lambda item: -item[1].weight):
        print(f"  {name:14} {of.weight:5.1%}  ({of.low:.1%} to {of.high:.1%}; stated {of.prior:.1%})")
    return 0
