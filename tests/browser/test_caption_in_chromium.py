"""The caption section in Chromium: checked live, marked without relying on color, never markup, compared, rescored."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import LOAD_MS, SCORE_MS, OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

REREAD_SECONDS = 1.0  # from leaving the box to the new reading


def read_without_a_reel(page: Page, caption: str) -> None:
    page.get_by_label("Caption", exact=True).fill(caption)
    page.get_by_role("button", name="Check the caption only").click()
    page.locator(".rv-words").wait_for(timeout=LOAD_MS)


def score_the_sample(page: Page) -> None:
    page.get_by_role("button", name="Try the sample reel").click()
    page.locator(".rv-hero").wait_for(timeout=SCORE_MS)
    page.get_by_label("Caption to check").wait_for(timeout=LOAD_MS)
    page.locator(".rv-words").wait_for(timeout=LOAD_MS)


def test_a_changed_caption_is_read_within_a_second(open_page: OpenPage) -> None:
    page = open_page()
    read_without_a_reel(page, "I love this")
    box = page.get_by_label("Caption to check")
    took = []
    # The machine is shared with other tests: the best of a few tries is what the page itself needs.
    for number in range(6):
        box.fill(f"Take {number}: I hate this")
        start = time.monotonic()
        box.blur()
        expect(page.locator(".rv-words")).to_contain_text(f"Take {number}", timeout=LOAD_MS)
        took.append(time.monotonic() - start)
        if took[-1] < REREAD_SECONDS:
            break
    assert min(took) < REREAD_SECONDS, took


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_words_are_marked_with_more_than_color(open_page: OpenPage, width: int, theme: str) -> None:
    page = open_page(width=width, theme=theme)
    read_without_a_reel(page, "I love the light but I hate the rain")
    lines = {}
    for word, sign, tone in (("love", "▲", "positive"), ("hate", "▼", "negative")):
        mark = page.locator(".rv-word", has_text=word)
        assert mark.inner_text().replace("\n", "") == f"{word}{sign}"
        assert tone in (mark.get_attribute("title") or "")
        assert tone in (mark.locator("sup").get_attribute("aria-label") or "")
        lines[word] = mark.evaluate("element => getComputedStyle(element).borderBottomStyle")
    assert lines == {"love": "solid", "hate": "dashed"}
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_nothing_in_a_caption_is_markup(open_page: OpenPage) -> None:
    page = open_page()
    ran: list[str] = []
    page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    caption = "<img src=x onerror=alert(1)> **bold** <b>love</b> [a](javascript:alert(2)) follow me #<i>tag</i>"
    read_without_a_reel(page, caption)
    words = page.locator(".rv-words")
    assert words.locator("img, b, strong, i, a").count() == 0
    assert re.sub(r"[▲▼\s]", "", words.inner_text()) == re.sub(r"\s", "", caption)
    page.get_by_text("Compare other captions").click()
    others = page.get_by_label("Other captions, one per line")
    others.fill("<b>love</b> <img src=x onerror=alert(3)>")
    others.blur()
    table = page.locator(".rv-variants")
    table.wait_for(timeout=LOAD_MS)
    assert table.locator("b, img").count() == 0
    assert "<b>love</b>" in table.inner_text()
    assert not ran


def test_other_captions_show_what_changes_and_stay_open(open_page: OpenPage) -> None:
    page = open_page(width=390)
    read_without_a_reel(page, "I hate mornings")
    page.get_by_text("Compare other captions").click()
    others = page.get_by_label("Other captions, one per line")
    others.fill("I love mornings\nFollow me for mornings #sunrise")
    others.blur()
    table = page.locator(".rv-variants")
    expect(table).to_be_visible(timeout=LOAD_MS)
    rows = table.locator("tbody tr")
    assert rows.count() == 3
    assert re.search(r"▲ \+\d+ percentage points", rows.nth(1).inner_text())
    assert "+ Call to action" in rows.nth(2).inner_text()
    # On a phone the column heads stand in the cells.
    head = rows.nth(1).locator("td").first.evaluate("cell => getComputedStyle(cell, '::before').content")
    assert "Positive" in head
    page.get_by_label("Caption to check").fill("I really hate mornings")
    page.get_by_label("Caption to check").blur()
    expect(rows.first).to_contain_text("really", timeout=LOAD_MS)
    expect(table).to_be_visible()


def test_the_score_takes_a_changed_caption_over_when_asked(open_page: OpenPage) -> None:
    page = open_page()
    score_the_sample(page)
    stands = page.get_by_text("is for your original caption")
    assert stands.count() == 0
    rows = page.locator(".rv-rows summary")
    assert rows.filter(has_text="Hashtags").count() == 0, "no hashtag of the sample is in the data"
    box = page.get_by_label("Caption to check")
    box.fill("Wait for the light #fyp")
    box.blur()
    expect(stands).to_be_visible(timeout=LOAD_MS)
    page.get_by_role("button", name="Rescore with this caption").click()
    expect(rows.filter(has_text="Hashtags")).to_have_count(1, timeout=LOAD_MS)
    expect(stands).to_have_count(0)
    row = page.locator(".rv-rows details", has_text="Hashtags")
    row.locator("summary").click()
    link = row.get_by_role("link", name="Models and limits")
    assert link.get_attribute("target") == "_blank"  # in this tab it would end the visit
    with page.context.expect_page() as opened:
        link.click()
    opened.value.get_by_text("Hashtags and music").first.wait_for(timeout=LOAD_MS)
    assert page.locator(".rv-hero").count() == 1
