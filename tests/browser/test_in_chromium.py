"""The page in Chromium: upload, score, click on the timeline, that frame and the player there, download."""

from __future__ import annotations

import base64
import io
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Dialog, Locator, Page, expect

from tests.browser.conftest import GRACE_SECONDS, LOAD_MS, SCORE_MS, OpenPage
from tests.media.clips import Clip, read_barcode

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

MakeClip = Callable[..., Clip]
SCREENS = [(1440, "light"), (390, "dark")]


@pytest.fixture(scope="session")
def numbered(make_clip: MakeClip) -> Clip:
    """Four seconds whose frames carry their number, so that each frame can be recognized."""
    return make_clip(frames=120, width=180, height=320, sound=True)


def score(page: Page, path: Path, caption: str = "Wait for it") -> None:
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(path)
    page.get_by_text(path.name).first.wait_for(timeout=LOAD_MS)
    page.get_by_label("Caption", exact=True).fill(caption)
    page.get_by_role("button", name="Score this reel").click()
    page.locator(".rv-hero").wait_for(timeout=SCORE_MS)
    timeline(page).wait_for(timeout=LOAD_MS)


def timeline(page: Page) -> Locator:
    return page.locator(".stVegaLiteChart svg").first


def shown_second(page: Page) -> float:
    """The time written under the frame."""
    caption = page.locator(".st-key-moment_frame").inner_text()
    found = re.search(r"(\d+):(\d+\.\d)", caption)
    assert found is not None
    return 60 * int(found.group(1)) + float(found.group(2))


def shown_number(page: Page) -> int:
    """The number in the frame that is shown, read from its pixels."""
    data = page.evaluate(
        """async () => {
            const image = document.querySelector('.st-key-moment_frame img');
            const bytes = new Uint8Array(await (await fetch(image.src)).arrayBuffer());
            return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''));
        }"""
    )
    return read_barcode(np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")))


def click_chart(page: Page, across: float) -> None:
    """Click on the timeline at a share of its width, in the middle of its height."""
    timeline(page).scroll_into_view_if_needed()
    box = timeline(page).bounding_box()
    assert box is not None
    timeline(page).click(position={"x": across * box["width"], "y": 0.4 * box["height"]})


@pytest.mark.parametrize(("width", "theme"), SCREENS)
def test_upload_score_click_play_download(
    open_page: OpenPage, numbered: Clip, tmp_path: Path, width: int, theme: str
) -> None:
    page = open_page(width=width, theme=theme)
    score(page, numbered.path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    seconds = []
    for across in (0.35, 0.85):
        before = page.locator(".st-key-moment_frame").inner_text()
        click_chart(page, across)
        expect(page.locator(".st-key-moment_frame")).not_to_have_text(before, timeout=LOAD_MS)
        second = shown_second(page)
        seconds.append(second)
        page.wait_for_function(
            "start => { const v = document.querySelector('video');"
            " return v && v.readyState >= 2 && v.currentTime >= start && v.currentTime < start + 3 }",
            arg=int(second),
            timeout=LOAD_MS,
        )
        assert numbered.seconds[shown_number(page)] == pytest.approx(second, abs=0.051)
    assert seconds[1] - seconds[0] > 1.0

    with page.expect_download(timeout=LOAD_MS) as download:
        page.get_by_role("button", name="Download the report").click()
    report = json.loads(Path(download.value.path()).read_text())
    assert report["schema_version"] == 1
    assert f"{report['score']:.0f} of 100: {report['band']}" in page.locator(".rv-hero").inner_text()
    assert sum(c["points"] for c in report["contributions"]) == pytest.approx(report["score"], abs=1e-6)


def test_the_slider_does_what_a_click_does(open_page: OpenPage, numbered: Clip) -> None:
    page = open_page()
    score(page, numbered.path)
    before = page.locator(".st-key-moment_frame").inner_text()
    slider = page.get_by_role("slider")
    slider.focus()
    slider.press("ArrowRight")
    slider.press("ArrowRight")
    expect(page.locator(".st-key-moment_frame")).not_to_have_text(before, timeout=LOAD_MS)
    page.wait_for_function("() => !document.querySelector('video').paused", timeout=LOAD_MS)


def test_a_row_opens_with_the_keyboard(open_page: OpenPage, numbered: Clip) -> None:
    page = open_page()
    score(page, numbered.path)
    row = page.locator(".rv-rows summary").first
    row.focus()
    row.press("Enter")
    expect(page.locator(".rv-rows details[open]").get_by_text("Why it counts")).to_be_visible()


def test_the_sample_and_cancel(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_role("button", name="Try the sample reel").click()
    page.get_by_role("button", name="Cancel").click(timeout=LOAD_MS)
    page.get_by_role("button", name="Try the sample reel").wait_for(timeout=LOAD_MS)
    assert page.locator(".rv-hero").count() == 0
    page.get_by_role("button", name="Try the sample reel").click()
    page.locator(".rv-hero").wait_for(timeout=SCORE_MS)


def test_a_bad_file_gets_a_sentence_and_another_try(open_page: OpenPage, numbered: Clip, tmp_path: Path) -> None:
    page = open_page()
    text = tmp_path / "really [not](x) **a** video 🎬.mp4"
    text.write_text("This is no video.\n" * 100)
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(text)
    page.get_by_text(".mp4").first.wait_for(timeout=LOAD_MS)
    page.get_by_role("button", name="Score this reel").click()
    alert = page.locator(".rv-alert")
    alert.wait_for(timeout=SCORE_MS)
    assert "**a**" in alert.inner_text()
    assert alert.locator("a, strong").count() == 0
    assert "Traceback" not in page.locator("body").inner_text()
    score(page, numbered.path)


def test_captions_run_no_script(open_page: OpenPage, numbered: Clip) -> None:
    page = open_page()
    dialogs: list[str] = []

    def opened(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", opened)
    caption = "<script>alert(1)</script><img src=x onerror=alert(2)> **bold** مرحبا 🎬"
    score(page, numbered.path, caption)
    page.get_by_text("Technical details and your post").click()
    shown = page.locator(".rv-caption")
    expect(shown).to_be_visible()
    assert shown.inner_text() == caption
    assert shown.locator("*").count() == 0
    assert not dialogs


def test_a_codec_the_browser_lacks_is_played_from_a_copy(open_page: OpenPage, make_clip: MakeClip) -> None:
    clip = make_clip(frames=60, width=180, height=320, codec="libx265", options=(("preset", "ultrafast"),))
    page = open_page()
    score(page, clip.path)
    page.wait_for_function(
        "() => { const v = document.querySelector('video'); return v && v.readyState >= 2 && v.videoWidth > 0 }",
        timeout=SCORE_MS,
    )


def test_what_a_visitor_brought_goes_with_them(open_page: OpenPage, numbered: Clip) -> None:
    page = open_page()
    score(page, numbered.path)
    address = page.wait_for_function("() => document.querySelector('video')?.src", timeout=LOAD_MS).json_value()
    other = open_page()
    assert other.request.get(address).status == 200  # else the rest would prove nothing
    page.context.close()
    deadline = time.monotonic() + 20 + GRACE_SECONDS
    while other.request.get(address).status != 404:
        assert time.monotonic() < deadline, "the reel can still be fetched after its visitor left"
        time.sleep(0.2)


def test_the_menu_leads_to_the_models_and_back_to_the_result(open_page: OpenPage, numbered: Clip) -> None:
    page = open_page()
    score(page, numbered.path)
    page.get_by_test_id("stTopNavLink").filter(has_text="Models and limits").click()
    page.get_by_role("heading", name="How the score is weighted").wait_for(timeout=LOAD_MS)
    page.get_by_text("All model files").click()
    page.get_by_text("nima-mobilenet-ava").first.wait_for(timeout=LOAD_MS)
    page.get_by_role("link", name="Score a reel").click()
    page.locator(".rv-hero").wait_for(timeout=LOAD_MS)
