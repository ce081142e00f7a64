"""Arguments that several commands have."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from virality_core.cli.output import STDOUT
from virality_core.errors import InputError
from virality_core.types import Platform, Profile


def add_profile(parser: argparse.ArgumentParser) -> None:
    """Add `--profile`."""
    text = "lite: bundled weights, no network; full: the best weights or an error; auto (default): full if downloaded"
    parser.add_argument("--profile", choices=get_args(Profile), default="auto", help=text)


def add_platform(parser: argparse.ArgumentParser) -> None:
    """Add `--platform`, which takes any case."""
    parser.add_argument("--platform", choices=get_args(Platform), type=str.lower, help="where it will be posted")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json FILE` for a command that prints JSON lines."""
    text = "write the result to FILE (default -, standard output)"
    parser.add_argument("--json", metavar="FILE", type=output_file, default=STDOUT, help=text)


def output_file(text: str) -> Path:
    """A file to write; for `--json`, `-` is standard output."""
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError("a file name is needed")
    return Path(text)


def count(text: str) -> int:
    """A whole number as people write it: 3000, 3k, 1.2M, 10,000."""
    from virality_core.forecast.counts import parse_count

    try:
        number = parse_count(text, "", "")
    except InputError:
        number = None
    if number is None or abs(number - round(number)) > 1e-6:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number like 3000, 3k, 1.2M or 10,000")
    return round(number)
