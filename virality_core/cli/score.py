"""`virality score PATH`: score one reel and print the report, as text or as JSON."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from virality_core.cli.output import destination, refuse_overwriting, write
from virality_core.errors import InputError, UsageError
from virality_core.files import printable
from virality_core.types import Platform, Post, Profile, Report


def add_parser(commands: Any) -> None:
    """Add the `score` command to an argparse subparsers object."""
    parser = commands.add_parser(
        "score",
        help="score one reel and explain it",
        epilog="Account, time and music are read by the predicted engagement; they move no points of the score.",
    )
    parser.add_argument("path", metavar="PATH", help="the video file")
    parser.add_argument("--caption", default="", metavar="TEXT", help="the caption it will be posted with")
    parser.add_argument("--followers", type=int, metavar="N", help="followers of the account")
    parser.add_argument("--platform", choices=get_args(Platform), help="where it will be posted; moves no points")
    parser.add_argument("--posted-at", type=_iso_time, metavar="ISO", help="when: 2026-11-22T18:00+01:00")
    parser.add_argument("--music", metavar="TITLE", help="title of the music it uses")
    parser.add_argument("--following", type=int, metavar="N", help="how many accounts the account follows")
    parser.add_argument("--videos", type=int, metavar="N", help="how many videos the account has")
    parser.add_argument("--music-uses", type=int, metavar="N", help="how many videos use the music already")
    parser.add_argument("--own-sound", action="store_const", const=True, help="the sound is the video's own")
    parser.add_argument(
        "--history", metavar="FILE", type=Path, help="read the ranges from your own posts (fit-history)"
    )
    parser.add_argument("--fusion", metavar="FILE", type=Path, help="weights fitted by fit-fusion or fit-history")
    parser.add_argument(
        "--profile",
        choices=get_args(Profile),
        default="auto",
        help="lite: bundled weights, no network; full: best weights or an error; auto (default): full where at hand",
    )
    parser.add_argument(
        "--advice", action="store_true", help="also try changes on the reel and say which win points of this score"
    )
    parser.add_argument("--advice-seconds", type=float, metavar="S", help="how long to try changes (default: 60)")
    parser.add_argument(
        "--export-fix",
        metavar="FILE",
        type=destination,
        help="write the reel with the best advice applied (needs --advice)",
    )
    parser.add_argument(
        "--json", metavar="FILE", type=destination, help="write the report as JSON to FILE, or to stdout with -"
    )
    parser.add_argument("--details", action="store_true", help="also show exact values, references and reasons")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Score `args.path`; returns 0. Raises ViralityError for what can't be scored."""
    from virality_core.advice import BUDGET_SECONDS
    from virality_core.advice.trial import with_advice
    from virality_core.forecast.own_posts_fit import read_history
    from virality_core.pipeline import load_scorers, score_reel  # torch loads here, not for --help
    from virality_core.report.text import report_json, report_text
    from virality_core.score import read_weighting
    from virality_core.what_if import with_history

    post = Post(
        caption=args.caption,
        platform=args.platform,
        followers=args.followers,
        posted_at=args.posted_at,
        music=args.music,
        following=args.following,
        videos=args.videos,
        music_uses=args.music_uses,
        music_original=args.own_sound,
    )
    weighting = read_weighting(args.fusion) if args.fusion else None
    history = read_history(args.history) if args.history else None
    for option, out in (("--json", args.json), ("--export-fix", args.export_fix)):
        refuse_overwriting(option, out, [args.path, args.history, args.fusion])
    if args.export_fix and not args.advice:
        raise UsageError("--export-fix writes the best advice; add --advice.")
    if args.advice_seconds is not None and not args.advice:
        raise UsageError("--advice-seconds is the time for trying changes; add --advice.")
    advice_seconds = BUDGET_SECONDS if args.advice_seconds is None else args.advice_seconds
    if not 0.0 < advice_seconds <= 3600.0:
        raise UsageError(f"--advice-seconds must be over 0 and at most 3600, not {advice_seconds}.")
    scorers = load_scorers(args.profile, weighting=weighting)
    report = score_reel(args.path, post, scorers=scorers, profile=args.profile)
    if args.advice:
        report = with_advice(args.path, report, scorers, budget_seconds=advice_seconds)
    if history is not None:
        report = with_history(report, history)
    if args.json == "-":
        print(report_json(report))
    else:
        print(report_text(report, printable(Path(args.path).name), details=args.details))
    if args.json and args.json != "-":
        write(args.json, report_json(report, indent=2) + "\n")
    if args.export_fix:
        _export(Path(args.path), Path(args.export_fix), report)
    return 0


def _export(source: Path, out: Path, report: Report) -> None:
    from virality_core.advice import candidates
    from virality_core.advice.export import export

    tried = {change.id: change for change in candidates(report)}
    best = next((advice for advice in report.advice if advice.kind not in ("caption", "cover", "hashtags")), None)
    if best is None:
        raise InputError("There is nothing to export: no change that was tried wins points.")
    export(source, out, tried[best.id])
    print(f"Wrote {out}: {best.text}", file=sys.stderr)


def _iso_time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an ISO 8601 time like 2026-11-22T18:00+01:00") from None
