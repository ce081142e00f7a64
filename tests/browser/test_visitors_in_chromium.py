"""Several visitors at once, each with their own result, and pasted text that can't be used."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page

from bench.visitors import visit_together
from tests.browser.conftest import LOAD_MS, OpenPage
from tests.media.clips import Clip
from tests.soak import size

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_visitors_at_once_are_all_served_and_see_their_own(
    app_address: str, browser: Browser, make_clip: Callable[..., Clip]
) -> None:
    clips = [make_clip(frames=frames, width=180, height=320, sound=True).path for frames in (45, 60, 75)]
    row = visit_together(browser, app_address, clips, size(4, 20), patience_seconds=600)
    assert row["served"] == size(4, 20)
    assert not row["errors"]


def paste(page: Page, text: str) -> None:
    """Put a text into the caption's box at once, and leave the box; JavaScript's escapes stand for what isn't text."""
    page.get_by_label("Caption", exact=True).focus()
    page.evaluate(f"""() => {{
        const box = document.querySelector('textarea');
        Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set.call(box, {text});
        box.dispatchEvent(new Event('input', {{bubbles: true}}));
    }}""")
    page.get_by_label("Caption", exact=True).blur()


@pytest.mark.parametrize("text", [r"'I love half of \ud83d'", r"'\udc00I love it'"])
def test_half_an_emoji_does_not_cut_the_connection(open_page: OpenPage, text: str) -> None:
    page = open_page()
    paste(page, text)
    page.get_by_role("button", name="Check the caption only").click()
    page.locator(".rv-words").wait_for(timeout=LOAD_MS)
    assert "\N{REPLACEMENT CHARACTER}" in page.get_by_label("Caption", exact=True).input_value()
    assert "love" in page.locator(".rv-words").inner_text()


def test_a_caption_that_is_too_long_gets_a_message(open_page: OpenPage) -> None:
    page = open_page()
    paste(page, "'x'.repeat(50001)")
    page.get_by_role("button", name="Check the caption only").click()
    page.get_by_text("The caption has 50,001 characters. The limit is 50,000.").wait_for(timeout=LOAD_MS)
    assert len(page.get_by_label("Caption", exact=True).input_value()) == 50_001
