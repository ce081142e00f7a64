"""`virality score PATH`: score one reel and print the report as text or JSON."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from virality_core.cli.arguments import add_platform, add_profile, count, output_file
from virality_core.cli.output import STDOUT, refuse_overwriting, write
from virality_core.errors import InputError, UsageError
from virality_core.files import printable
from virality_core.types import Post, Report


def add_parser(commands: Any) -> None:
    """Add the `score` command."""
    parser = commands.add_parser(
        "score",
        help="score one reel and explain the score",
        epilog="Platform, account, time and music change the predicted engagement, not the score.",
    )
    add = parser.add_argument
    add("path", metavar="PATH", help="the video file")
    add("--caption", default="", metavar="TEXT", help="the caption it will be posted with")
    add("--followers", type=count, metavar="N", help="followers of the account: 3000, 3k, 1.2M")
    add_platform(parser)
    add("--posted-at", type=_iso_time, metavar="ISO", help="when it will be posted: 2026-11-22T18:00+01:00")
    add("--music", metavar="TITLE", help="title of the music")
    add("--following", type=count, metavar="N", help="how many accounts the account follows")
    add("--videos", type=count, metavar="N", help="how many videos the account has")
    add("--music-uses", type=count, metavar="N", help="how many videos use the music already")
    text = "the sound is the video's own"
    add("--own-sound", dest="music_original", action="store_const", const=True, help=text)
    add("--history", metavar="FILE", type=Path, help="predict from your own posts: a file of fit-history")
    add("--fusion", metavar="FILE", type=Path, help="score with the fitted shares in a file of fit-fusion")
    add_profile(parser)
    add("--advice", action="store_true", help="also try changes on the reel, and list those that raise the score")
    add("--advice-seconds", type=float, metavar="S", help="how long to try changes (default 60)")
    text = "write a copy of the reel with the best advice applied (needs --advice)"
    add("--export-fix", metavar="FILE", type=output_file, help=text)
    add("--json", metavar="FILE", type=output_file, help="write the report as JSON to FILE, or to stdout with -")
    add("--details", action="store_true", help="also show exact values, references and reasons")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Score `args.path`. Raises ViralityError."""
    from virality_core.advice import BUDGET_SECONDS
    from virality_core.advice.trial import with_advice
    from virality_core.forecast.own_posts_fit import read_history
    from virality_core.pipeline import load_scorers, score_reel  # imports torch
    from virality_core.report.text import report_json, report_text
    from virality_core.score import read_weighting
    from virality_core.what_if import with_history

    post = Post(**{field.name: getattr(args, field.name) for field in fields(Post)})
    weighting = read_weighting(args.fusion) if args.fusion else None
    history = read_history(args.history) if args.history else None
    for option, output in (("--json", args.json), ("--export-fix", args.export_fix)):
        refuse_overwriting(option, output, [args.path, args.history, args.fusion])
    if not args.advice and (args.export_fix or args.advice_seconds is not None):
        raise UsageError(f"{'--export-fix' if args.export_fix else '--advice-seconds'} needs --advice.")
    advice_seconds = BUDGET_SECONDS if args.advice_seconds is None else args.advice_seconds
    if not 0.0 < advice_seconds <= 3600.0:
        raise UsageError(f"--advice-seconds must be over 0 and at most 3600, not {advice_seconds}.")
    scorers = load_scorers(args.profile, weighting=weighting)
    report = score_reel(args.path, post, scorers=scorers)
    if args.advice:
        report = with_advice(args.path, report, scorers, budget_seconds=advice_seconds)
    if history is not None:
        report = with_history(report, history)
    if args.json == STDOUT:
        print(report_json(report))
    else:
        print(report_text(report, printable(Path(args.path).name), details=args.details))
        if args.json:
            write(args.json, report_json(report, indent=2) + "\n")
    if args.export_fix:
        _export(Path(args.path), args.export_fix, report)


def _export(source: Path, out: Path, report: Report) -> None:
    from virality_core.advice import candidates
    from virality_core.advice.export import export

    changes = {change.id: change for change in candidates(report)}
    best = next((advice for advice in report.advice if advice.kind not in ("caption", "cover", "hashtags")), None)
    if best is None:
        raise InputError("There is nothing to export: no change that was tried raises the score.")
    export(source, out, changes[best.id])
    print(f"Wrote {out}: {best.text}", file=sys.stderr)


def _iso_time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an ISO 8601 time like 2026-11-22T18:00+01:00") from None
