"""Ctrl-C and SIGTERM: quiet, exit code 130 or 143, at any moment and however often; nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def start(*argv: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "virality_core", *argv],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def imported(program: subprocess.Popen[str], library: str) -> bool:
    """Whether the program has loaded a library whose file has this in its name."""
    try:
        return library in Path(f"/proc/{program.pid}/maps").read_text()
    except OSError:
        return False


@pytest.mark.timeout(120)
@pytest.mark.parametrize("library", ["numpy", "libtorch_cpu", "libav"])
@pytest.mark.parametrize(("sent", "times"), [(signal.SIGINT, 1), (signal.SIGINT, 2), (signal.SIGTERM, 1)])
def test_stopped_quietly(drawn_clip: Path, library: str, sent: signal.Signals, times: int) -> None:
    """While a library is being loaded, and while a reel is read; once and once more."""
    program = start("score", str(drawn_clip), "--profile", "lite", "--json", "-")
    try:
        while program.poll() is None and not imported(program, library):
            time.sleep(0.005)
        for _ in range(times):
            os.kill(program.pid, sent)
            time.sleep(0.02)
        out, err = program.communicate(timeout=60)
    finally:
        program.kill()
    assert program.returncode == 128 + sent
    assert out == ""
    assert err in ("", "Stopped.\n")


_WORKING = """
import multiprocessing.util, tempfile, time
from virality_core.cli import main
def work(_):
    multiprocessing.util.get_temp_dir()
    with tempfile.NamedTemporaryFile():
        print("at work", flush=True)
        time.sleep(60)
main.__globals__["_run"] = work
main()
"""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_behind(tmp_path: Path, sent: signal.Signals) -> None:
    command = [sys.executable, "-c", _WORKING]
    with subprocess.Popen(command, cwd=ROOT, stdout=-1, stderr=-1, env={**os.environ, "TMPDIR": str(tmp_path)}) as made:
        assert made.stdout is not None
        assert made.stdout.readline() == b"at work\n"
        assert len(list(tmp_path.iterdir())) == 2
        made.send_signal(sent)
        assert made.communicate(timeout=30) == (b"", b"Stopped.\n")
    assert made.returncode == 128 + sent
    assert list(tmp_path.iterdir()) == []


def test_nothing_heavy_is_loaded_before_it_can_be_stopped() -> None:
    code = "import virality_core.cli, sys; print([m for m in ('numpy', 'av', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
