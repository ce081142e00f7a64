"""Parses the command line and turns every error into one sentence and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from virality_core.cli import aesthetics, caption, evaluate, quality, score, train, trends, weights
from virality_core.errors import UsageError, ViralityError
from virality_core.version import __version__

_GROUPS = (score, aesthetics, quality, caption, evaluate, train, trends, weights)
_INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence instead of a usage block."""

    def error(self, message: str) -> NoReturn:
        print(f"{message[:1].upper()}{message[1:]}; see `{self.prog} --help`.", file=sys.stderr)
        raise SystemExit(UsageError.exit_code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (argparse itself exits with 2 on bad use)."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # an emoji must not end a run in a Latin-1 terminal
    parser = _Parser(prog="virality", description="Know before you post: an explained score for a short video.")
    parser.add_argument("--version", action="version", version=f"virality {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for group in _GROUPS:
        group.add_parser(commands)
    args = parser.parse_args(argv)
    try:
        return int(args.run(args))
    except ViralityError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`… | head`): Python would complain once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # the last line of defence: a user gets a sentence, not a traceback
        if os.environ.get("VIRALITY_DEBUG"):
            raise
        print(
            f"This is a fault of the program, not of your file ({type(error).__name__}: {error}); "
            "set VIRALITY_DEBUG=1 to see where, and please report it.",
            file=sys.stderr,
        )
        return ViralityError.exit_code
