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

from virality_core.cli.output import print_error
from virality_core.errors import UsageError, ViralityError
from virality_core.version import __version__

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_STOPPED = 128  # plus the signal's number: the exit code that shells use


class _Parser(argparse.ArgumentParser):
    """Reports an error in one sentence instead of a usage block."""

    def error(self, message: str) -> NoReturn:
        print_error(f"{message[:1].upper()}{message[1:]}; see `{self.prog} --help`.")
        raise SystemExit(UsageError.exit_code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (argparse itself exits with 2 for wrong arguments).

    Without `argv`, Ctrl-C or SIGTERM stops the process quietly, a second one at once.
    """
    try:
        if argv is None and threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                signal.signal(number, _interrupt)
        return _run(argv)
    except KeyboardInterrupt as stop:
        code = _STOPPED + (stop.args[0] if stop.args else signal.SIGINT)
    # Now that the error's frames are gone, the processes that decode have been told to end.
    print_error("Stopped.")
    if argv is None:  # at once: a library that was being imported may keep Python from exiting in order
        if "multiprocessing.util" in sys.modules:  # nothing else removes its temporary folder
            sys.modules["multiprocessing.util"]._exit_function()
        os._exit(code)
    return code


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, so that temporary files are removed; during an import, or if repeated, exit at once."""
    for each in _SIGNALS:
        signal.signal(each, lambda again, _: os._exit(_STOPPED + again))
    sys.unraisablehook = lambda _: None  # objects that were being created complain when they are removed
    if "multiprocessing" in sys.modules:  # a worker that is still starting would complain about removed files
        for worker in sys.modules["multiprocessing"].active_children():
            worker.kill()
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):  # numpy would turn it into another error
            os.write(2, b"Stopped.\n")
            os._exit(_STOPPED + number)
        frame = frame.f_back
    raise KeyboardInterrupt(number)


def _run(argv: Sequence[str] | None) -> int:
    from virality_core.cli import evaluate, fit, score, signals, train, trends, weights

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # an emoji must not end a run in a Latin-1 terminal
    parser = _Parser(prog="virality", description="Know before you post: an explained score for a short video.")
    parser.add_argument("--version", action="version", version=f"virality {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for group in (score, signals, evaluate, train, fit, trends, weights):
        group.add_parser(commands)
    args = parser.parse_args(argv)
    try:
        return int(args.run(args) or 0)
    except ViralityError as error:
        return print_error(error)
    except BrokenPipeError:
        # The reader has gone (`… | head`); Python would report that again when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # a user gets a sentence, not a traceback
        if os.environ.get("VIRALITY_DEBUG"):
            raise
        message = (
            f"This is a fault of the program, not of your file ({type(error).__name__}: {error}); "
            "set VIRALITY_DEBUG=1 to see where, and please report it."
        )
        return print_error(ViralityError(message))
