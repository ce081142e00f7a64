"""`virality quality VIDEO…`: how good each video is technically, and what is wrong where, one JSON object a line."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from virality_core.cli.output import complain, destination, refuse_overwriting, write
from virality_core.errors import InputError
from virality_core.types import Platform, Profile, Signal, to_plain

if TYPE_CHECKING:
    from virality_core.scorers.picture.quality_report import QualityReading


def add_parser(commands: Any) -> None:
    """Add the `quality` command to an argparse subparsers object."""
    parser = commands.add_parser(
        "quality", help="judge videos technically: quality over time, and what is wrong where; one JSON object a line"
    )
    parser.add_argument("videos", metavar="VIDEO", nargs="+", help="a video file")
    parser.add_argument("--profile", choices=get_args(Profile), default="auto", help="which weights (default auto)")
    parser.add_argument("--platform", choices=get_args(Platform), help="where it will be posted")
    parser.add_argument(
        "--every-frame",
        action="store_true",
        help="judge every frame at native size as VSFA was published (full weights; minutes on a CPU), not stills",
    )
    parser.add_argument(
        "--json", metavar="FILE", type=destination, default="-", help="where the lines go (default -, standard output)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """A line for each video; an unreadable one gets a sentence on stderr and the exit code 3 in the end."""
    refuse_overwriting("--json", args.json, args.videos)
    failures: list[InputError] = []
    lines = _lines(args, failures)
    if args.json == "-":
        for line in lines:
            print(line, flush=True)
    else:
        write(args.json, "".join(line + "\n" for line in lines))
    return failures[-1].exit_code if failures else 0


def _lines(args: argparse.Namespace, failures: list[InputError]) -> Iterator[str]:
    from virality_core.scorers.picture.quality_report import QualityDesk  # torch loads here, not for --help

    desk = QualityDesk(profile=args.profile)
    for video in args.videos:
        try:
            reading = desk.read(Path(video), args.platform, every_frame=args.every_frame)
        except InputError as error:
            complain(error)
            failures.append(error)
            continue
        yield json.dumps(to_plain(_line(video, reading)), allow_nan=False)


def _line(video: str, reading: QualityReading) -> dict[str, Any]:
    """The keys are always the same: without a model `value` and its like are null and `skipped` says why."""
    quality = reading.quality
    signal = quality if isinstance(quality, Signal) else None
    return {
        "path": video,
        "value": signal and signal.value,
        "native_range": signal and signal.native_range,
        "desirability": signal and signal.desirability,
        "percentile": signal and signal.percentile,
        "variant": signal and signal.model and signal.model.variant,
        "timeline": signal and signal.timeline,
        "findings": reading.findings,
        "model": signal and signal.model,
        "details": signal and signal.details,
        "skipped": None if isinstance(quality, Signal) else quality.reason,
    }
