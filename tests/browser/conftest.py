"""One app and one Chromium for all browser tests; every page is watched for errors in its console."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.server import chromium, chromium_path, running_app

GRACE_SECONDS = 1.0
LOAD_MS = 90_000
SCORE_MS = 180_000  # a small clip on a machine that is busy with other tests

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def app_address() -> Iterator[str]:
    if chromium_path() is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with running_app(GRACE_SECONDS) as app:
        yield app.address


@pytest.fixture(scope="session")
def browser(app_address: str) -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def open_page(app_address: str, browser: Browser) -> Iterator[OpenPage]:
    """`open_page(width=1440, theme="light")`: the form, ready; a console error fails the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_one(width: int = 1440, theme: Literal["light", "dark"] = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, accept_downloads=True
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(app_address)
        page.get_by_test_id("stFileUploaderDropzone").wait_for(timeout=LOAD_MS)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not errors
