"""In Chromium: found text drawn over the frame, a fix exported and downloaded, own posts from Instagram's export."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LOAD_MS, SCORE_MS, OpenPage
from tests.browser.test_in_chromium import score
from tests.forecast.own_posts.test_data_export import instagram, zipped
from tests.media.clips import Clip
from tests.scorers import overlays
from virality_core.media import open_reel
from virality_core.types import Plan

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def _dark_with_text(number: int, width: int, height: int) -> np.ndarray:
    """A picture too dark, with a line of text where every platform covers it."""
    noise = np.random.default_rng(number).integers(0, 36, (height // 16, width // 16, 3), dtype=np.uint8)
    dark = np.kron(noise, np.ones((16, 16, 1), np.uint8))
    return overlays.draw(dark, overlays.SHORT, share=0.06, x=0.5, y=0.94).rgb


@pytest.fixture(scope="session")
def dark(make_clip: Callable[..., Clip]) -> Clip:
    return make_clip(frames=40, rate=10, width=288, height=512, draw=_dark_with_text, sound=True)


def test_text_is_drawn_a_fix_is_exported_and_own_posts_are_read(
    open_page: OpenPage, dark: Clip, tmp_path: Path
) -> None:
    page = open_page(width=390)
    score(page, dark.path)

    page.get_by_text("Show text and safe zones").click()
    drawn = page.locator(".st-key-moment_frame img")
    expect(drawn).to_have_attribute("src", re.compile("^data:image/svg"), timeout=LOAD_MS)
    assert page.evaluate("() => document.querySelector('.st-key-moment_frame img').decode().then(() => true)")
    expect(drawn).to_have_attribute("alt", re.compile("Choose a platform"))
    page.get_by_label("Safe zone for").click()
    page.get_by_role("option", name="TikTok").click()
    expect(drawn).to_have_attribute("alt", re.compile("Shaded: the top 11 %"), timeout=LOAD_MS)

    page.get_by_role("button", name="Find what helps").click()
    page.get_by_role("button", name="Export this fix").first.click(timeout=SCORE_MS)
    offered = page.get_by_role("button", name="Download the edited reel")
    offered.wait_for(timeout=SCORE_MS)
    with page.expect_download(timeout=LOAD_MS) as download:
        offered.click()
    assert download.value.suggested_filename.endswith(".mp4")
    copy = open_reel(Path(download.value.path()), Plan(stills=2), name="copy.mp4")
    assert copy.info.duration_seconds == pytest.approx(4.0, abs=1.2), "a later start is at most a second of it"

    page.get_by_text("Use your own past posts").click()
    (tmp_path / "instagram.zip").write_bytes(zipped(instagram()))
    page.get_by_test_id("stFileUploaderDropzoneInput").last.set_input_files(tmp_path / "instagram.zip")
    page.get_by_text("Your own 13 posts.").wait_for(timeout=LOAD_MS)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
