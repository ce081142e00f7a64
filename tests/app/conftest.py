"""Drives the pages with Streamlit's AppTest: a page run at a time, the real engine behind it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.components import visit
from pages.components.visit import Visit

ROOT = Path(__file__).resolve().parents[2]
WAIT_SECONDS = 120.0  # for a score on a busy machine


class Page:
    """A visitor's page under AppTest."""

    def __init__(self) -> None:
        self.app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()

    def go_to(self, script: str) -> None:
        """Open another page of the app, as its link does."""
        self.app.switch_page(script).run()

    @property
    def html(self) -> str:
        """Everything `st.html` shows, but for the stylesheet, which names every class, and the page's own script."""
        shown = (element.proto for element in self.app.get("html") if not element.proto.unsafe_allow_javascript)
        return "\n".join(body for body in (str(one.body) for one in shown) if "<style" not in body)

    @property
    def visit(self) -> Visit:
        """What the page's session holds."""
        held: Visit = self.app.session_state["visit"]
        return held

    def upload(self, name: str, data: bytes, caption: str = "") -> None:
        """Choose a file, type a caption, press the button."""
        self.app.file_uploader(key="reel_file").upload(name, data, "video/mp4")
        self.app.text_area(key="caption").set_value(caption)
        self.app.button(key="score").click().run()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Run the page again until the condition holds, as the progress fragment does in a browser."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"not in time; the page shows: {self.html[-600:]}"
            assert not self.app.exception
            time.sleep(0.05)
            self.app.run()

    def wait_for_result(self) -> None:
        self.wait_until(lambda: 'class="rv-hero"' in self.html)


@pytest.fixture
def drawn_clip_bytes(drawn_clip: Path) -> bytes:
    """Any short reel."""
    return drawn_clip.read_bytes()


@pytest.fixture(autouse=True)
def nothing_is_preloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tests score nothing, and each has an engine of its own."""
    monkeypatch.setattr(visit, "PRELOAD", None)


@pytest.fixture
def open_page() -> Iterator[Callable[..., Page]]:
    """`open_page()`: a visitor opens the app; the engine and its thread are gone after the test."""
    before = set(threading.enumerate())
    pages: list[Page] = []

    def open_one() -> Page:
        pages.append(Page())
        return pages[-1]

    yield open_one
    st.cache_resource.clear()
    for page in pages:
        page.visit.stays()  # else the clock that clearing started would run on
    ours = [
        thread for thread in set(threading.enumerate()) - before if thread.name.startswith(("inference", "visitor"))
    ]
    for thread in ours:
        thread.join(5)
    assert not [thread for thread in ours if thread.is_alive()]
