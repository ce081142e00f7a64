"""Peak memory is bounded by the plan, not by the reel's length; freed memory goes back to the system."""

from __future__ import annotations

import gc
import json
import re
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.media.clips import Clip
from tests.soak import size
from virality_core import heap

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
_ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.timeout(size(300, 1800))
def test_the_peak_does_not_grow_with_the_length(make_clip: Callable[..., Clip]) -> None:
    peaks = []
    for seconds in (10, size(34, 300)):
        clip = make_clip(frames=30 * seconds, width=360, height=640, sound=True)
        command = [sys.executable, "-m", "bench.measure", "memory", str(clip.path)]
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True, timeout=size(280, 900))
        peaks.append(json.loads(done.stdout)["peak_mb"])
    assert peaks[1] - peaks[0] < 40
    assert max(peaks) < 900


def test_freed_memory_goes_back() -> None:
    heap.give_back()
    before = _resident_mb()
    pieces = [bytearray(100_000) for _ in range(2000)]  # small enough for the heap
    last = bytearray(100_000)  # and what stays on top of them
    del pieces
    held = _resident_mb()
    heap.give_back()
    assert _resident_mb() - before < 30, f"{held:.0f} MB were held"
    assert last


def _resident_mb() -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found.group(1)) / 1000


class _Held:
    """Something in a circle, as a visitor's session is."""

    def __init__(self) -> None:
        self.circle = self


def test_what_lived_when_memory_was_settled_is_freed_by_the_next_time() -> None:
    held = _Held()
    watched = weakref.ref(held)
    heap.settle()
    del held
    gc.collect()
    assert watched() is not None, "an ordinary collection passes over it"
    heap.settle()
    assert watched() is None
