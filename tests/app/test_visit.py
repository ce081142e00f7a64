"""How a visit ends: after the grace period everything is dropped, and not before."""

from __future__ import annotations

import threading
from io import BytesIO

import pytest

from ui.visit import Visit


@pytest.fixture
def visit() -> Visit:
    visit = Visit()
    visit.source = BytesIO(b"reel")
    return visit


def test_who_leaves_takes_everything_along(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRALITY_GRACE_SECONDS", "0.02")
    gone = threading.Event()
    visit.disconnect(gone.set)
    assert gone.wait(10)
    assert visit.source is None


def test_who_comes_back_in_time_finds_everything(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRALITY_GRACE_SECONDS", "0.2")
    gone = threading.Event()
    visit.disconnect(gone.set)
    visit.resume()
    assert not gone.wait(0.4)
    assert visit.source is not None


def test_only_one_clock_runs(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRALITY_GRACE_SECONDS", "60")
    for _ in range(3):
        visit.disconnect(lambda: None)
    visit.resume()
    for thread in threading.enumerate():
        if thread.name == "visitor-left":
            thread.join(5)
            assert not thread.is_alive()
