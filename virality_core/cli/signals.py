"""`virality aesthetics`, `quality` and `caption`: signals of pictures, videos or captions alone, as JSON lines."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from virality_core.cli.arguments import add_json, add_platform, add_profile
from virality_core.cli.output import STDOUT, print_error, refuse_overwriting, write_lines
from virality_core.errors import InputError
from virality_core.types import Signal


def add_parser(commands: Any) -> None:
    """Add the three commands."""
    text = "rate pictures: mean, standard deviation and distribution of marks 1 to 10, one JSON object per line"
    aesthetics = commands.add_parser("aesthetics", help=text)
    aesthetics.add_argument("images", metavar="IMAGE", nargs="+", help="a picture: JPEG, PNG, WebP …")
    add_profile(aesthetics)
    aesthetics.set_defaults(run=run_aesthetics)

    text = "check videos technically: quality over time, faults and where they are, one JSON object per line"
    quality = commands.add_parser("quality", help=text)
    quality.add_argument("videos", metavar="VIDEO", nargs="+", help="a video file")
    add_profile(quality)
    add_platform(quality)
    text = "rate every frame at full size, as VSFA was published (full weights; minutes on a CPU)"
    quality.add_argument("--every-frame", action="store_true", help=text)
    add_json(quality)
    quality.set_defaults(run=run_quality)

    text = "read captions: sentiment word by word, keywords, hashtags, one JSON object per line"
    caption = commands.add_parser("caption", help=text)
    caption.add_argument("texts", metavar="TEXT", nargs="+", help="a caption")
    add_profile(caption)
    add_platform(caption)
    add_json(caption)
    caption.set_defaults(run=run_caption)


def run_aesthetics(args: argparse.Namespace) -> int:
    """Print a line per picture; one that can't be read makes the exit code 3."""
    from virality_core.scorers.picture.aesthetics import AestheticsScorer, score_images  # imports torch

    exit_code = 0
    for path, marks in score_images([Path(image) for image in args.images], AestheticsScorer(profile=args.profile)):
        if isinstance(marks, InputError):
            exit_code = print_error(marks)
            continue
        line = {"path": str(path), "mean": marks.mean[0], "std": marks.spread[0], "distribution": marks.distribution[0]}
        write_lines(STDOUT, [line])
    return exit_code


def run_quality(args: argparse.Namespace) -> int:
    """Write a line per video; one that can't be read makes the exit code 3."""
    refuse_overwriting("--json", args.json, args.videos)
    from virality_core.scorers.picture.quality import QualityReader  # imports torch

    exit_code = 0

    def lines() -> Iterator[dict[str, Any]]:
        nonlocal exit_code
        desk = QualityReader(profile=args.profile)
        for video in args.videos:
            try:
                reading = desk.read(Path(video), args.platform, every_frame=args.every_frame)
            except InputError as error:
                exit_code = print_error(error)
                continue
            # The keys are always the same: without a signal its values are null and `skipped` has the reason.
            signal = reading.quality if isinstance(reading.quality, Signal) else None
            yield {
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
                "skipped": None if isinstance(reading.quality, Signal) else reading.quality.reason,
            }

    write_lines(args.json, lines())
    return exit_code


def run_caption(args: argparse.Namespace) -> None:
    """Write a line per caption."""
    from virality_core.scorers.caption.caption_report import CaptionReader  # imports torch

    desk = CaptionReader(profile=args.profile)

    def line(text: str) -> dict[str, Any]:
        reading = desk.read(text, args.platform)
        sentiment = reading.sentiment
        return {
            "text": reading.text,
            "language": reading.language,
            "probabilities": sentiment.probabilities if sentiment.tokens else None,  # of no words, none
            "tokens": sentiment.tokens,
            "keywords": reading.keywords,
            "hashtags": reading.hashtags,
            "sentiment_holds": reading.sentiment_holds,
            "notes": reading.notes,
            "read_characters": sentiment.read_characters,
            "model": reading.model,
        }

    write_lines(args.json, map(line, args.texts))
