"""Parses the command line and turns every error into one sentence and an exit code."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from virality_core.cli.output import complain
from virality_core.errors import UsageError, ViralityError
from virality_core.version import __version__

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_STOPPED = 128  # and the signal's number, as shells report it


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence instead of a usage block."""

    def error(self, message: str) -> NoReturn:
        complain(f"{message[:1].upper()}{message[1:]}; see `{self.prog} --help`.")
        raise SystemExit(UsageError.exit_code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (argparse itself exits with 2 on bad use).

    Without `argv` it is the program: Ctrl-C or SIGTERM stops it quietly, a second one at once.
    """
    try:
        if argv is None and threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                signal.signal(number, _interrupted)
        return _main(argv)
    except KeyboardInterrupt as stop:
        code = _STOPPED + (stop.args[0] if stop.args else signal.SIGINT)
    # The error is gone, and with it what its frames held: processes that decode have been told to end.
    complain("Stopped.")
    if argv is None:  # at once: a library that was being loaded may leave Python unfit for an orderly end
        if "multiprocessing.util" in sys.modules:  # its temporary folder is removed by nothing else
            sys.modules["multiprocessing.util"]._exit_function()
        os._exit(code)
    return code


def _interrupted(number: int, frame: FrameType | None) -> None:
    """Once: as Python does it, so that half-written files are cleared away. Again, or within an import: at once."""
    for each in _SIGNALS:
        signal.signal(each, lambda again, _: os._exit(_STOPPED + again))
    sys.unraisablehook = lambda _: None  # what is cleared away while it is being made would complain of it
    if "multiprocessing" in sys.modules:  # a worker that is still starting would miss what is cleared away, and say so
        for worker in sys.modules["multiprocessing"].active_children():
            worker.kill()
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):  # numpy makes another error of it there
            os.write(2, b"Stopped.\n")
            os._exit(_STOPPED + number)
        frame = frame.f_back
    raise KeyboardInterrupt(number)


def _main(argv: Sequence[str] | None) -> int:
    from virality_core.cli import (
        aesthetics,
        caption,
        evaluate,
        fit_fusion,
        fit_history,
        quality,
        score,
        train,
        trends,
        weights,
    )

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # an emoji must not end a run in a Latin-1 terminal
    parser = _Parser(prog="virality", description="Know before you post: an explained score for a short video.")
    parser.add_argument("--version", action="version", version=f"virality {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for group in (score, aesthetics, quality, caption, evaluate, train, fit_fusion, fit_history, trends, weights):
        group.add_parser(commands)
    args = parser.parse_args(argv)
    try:
        return int(args.run(args))
    except ViralityError as error:
        complain(error)
        return error.exit_code
    except BrokenPipeError:
        # The reader went away (`… | head`): Python would complain once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # the last line of defence: a user gets a sentence, not a traceback
        if os.environ.get("VIRALITY_DEBUG"):
            raise
        complain(
            f"This is a fault of the program, not of your file ({type(error).__name__}: {error}); "
            "set VIRALITY_DEBUG=1 to see where, and please report it."
        )
        return ViralityError.exit_code
