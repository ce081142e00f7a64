"""The page as a visitor meets it: form, progress, result, cancel, bad files, hostile captions."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pages.components import text
from pages.components.upload import MAX_UPLOAD_MB, SAMPLE, SAMPLE_CAPTION
from tests.app.conftest import Page
from tests.media.clips import Clip
from virality_core.media import DEFAULT_LIMITS


@pytest.fixture
def clip(drawn_clip: Path) -> bytes:
    return drawn_clip.read_bytes()


def test_the_form_states_the_limits(open_page: Callable[..., Page]) -> None:
    page = open_page()
    limits = DEFAULT_LIMITS
    assert f"Up to {MAX_UPLOAD_MB} MB, {limits.max_seconds / 60:.0f} minutes" in page.html
    assert page.app.file_uploader(key="reel_file").proto.max_upload_size_mb == MAX_UPLOAD_MB
    assert MAX_UPLOAD_MB * 2**20 <= limits.max_bytes < (MAX_UPLOAD_MB + 1) * 2**20


def test_upload_and_score(open_page: Callable[..., Page], clip: bytes) -> None:
    page = open_page()
    page.upload("my reel.mp4", clip, "Watch this")
    page.wait_for_result()
    assert "my reel.mp4" in page.html
    assert "Watch this" in page.html
    report = page.visit.report
    assert report is not None
    assert f"{report.score:.0f} of 100: {report.band}" in page.html
    assert [button.proto.label for button in page.app.get("download_button")] == ["Report as JSON"]


def test_the_bars_add_up_to_the_score(open_page: Callable[..., Page], clip: bytes) -> None:
    page = open_page()
    page.upload("a.mp4", clip)
    page.wait_for_result()
    report = page.visit.report
    assert report is not None
    stack = re.search(r'class="rv-stack".*?</div>', page.html, re.DOTALL)
    assert stack is not None
    widths = [float(width) for width in re.findall(r"width:calc\(([\d.]+)%", stack.group())]
    assert sum(widths) == pytest.approx(report.score, abs=0.001 * len(widths))
    rows = re.findall(r"<summary>.*?</summary>", page.html)
    assert len(rows) == len(report.contributions)
    shown = [
        float(points)
        for points in re.findall(r'rv-points">([\d.]+) <small>of [\d.]+</small></span></summary>', page.html)
    ]
    assert shown == [round(c.points, 1) for c in report.contributions]
    assert f"{report.score:.1f} <small>of 100" in page.html


def test_the_largest_costs_are_named_in_words(open_page: Callable[..., Page], clip: bytes) -> None:
    page = open_page()
    page.upload("a.mp4", clip)
    page.wait_for_result()
    report = page.visit.report
    assert report is not None
    costs = sorted((100 * c.weight - c.points for c in report.contributions), reverse=True)[:3]
    assert [float(cost) for cost in re.findall(r'rv-minus">−([\d.]+)', page.html)] == [
        round(c, 1) for c in costs if c >= 0.5
    ]


def test_every_signal_has_value_reference_and_reason(open_page: Callable[..., Page], clip: bytes) -> None:
    page = open_page()
    page.upload("a.mp4", clip)
    page.wait_for_result()
    report = page.visit.report
    assert report is not None
    details = re.findall(r"<details>.*?</details>", page.html, re.DOTALL)
    assert len(details) == len(report.contributions)
    for shown in details:
        for label in ("In words", "Measured", "Worth", "Compared with", "Why it counts", "Model"):
            assert f"<dt>{label}</dt>" in shown
    assert {skip.name for skip in report.skipped} >= {"sentiment", "keywords", "hashtags"}
    for skipped in report.skipped:
        assert skipped.reason.replace("'", "&#x27;") in page.html


def test_the_sample_takes_one_click(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.app.button(key="try_sample").click().run()
    page.wait_for_result()
    assert SAMPLE.name in page.html
    assert SAMPLE_CAPTION.split("#")[0].strip()[:20] in page.html
    assert SAMPLE.stat().st_size < 1_000_000


def test_score_another_reel_drops_everything(open_page: Callable[..., Page], clip: bytes) -> None:
    page = open_page()
    page.upload("a.mp4", clip, "secret words")
    page.wait_for_result()
    page.app.button(key="again").click().run()
    visit = page.visit
    assert (visit.source, visit.report, visit.job, visit.playable) == (None, None, None, None)
    assert "secret words" not in page.html
    assert page.app.text_area(key="caption").value == "secret words", "what was typed stays in the form"
    assert page.app.file_uploader(key="reel_file").value is None


def test_progress_shows_the_stage_and_cancel_cancels(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.app.button(key="try_sample").click().run()
    job = page.visit.job
    assert job is not None
    assert page.app.status[0].label in ("Scoring your reel", "In line")
    assert page.app.status[0].state == "running"
    assert len(page.app.get("progress")) == 1
    page.app.button(key="cancel").click().run()
    assert job.state == "cancelled"
    assert page.visit.job is None
    assert page.app.file_uploader(key="reel_file") is not None
    assert "rv-alert" not in page.html


BAD = {
    "empty.mp4": b"",
    "text.mp4": b"This is no video at all.\n" * 40,
    "picture.mp4": b"\x89PNG\r\n\x1a\n" + b"\0" * 200,
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_gets_one_sentence(open_page: Callable[..., Page], name: str) -> None:
    page = open_page()
    page.upload(name, BAD[name])
    page.wait_until(lambda: "rv-alert" in page.html)
    alert = re.search(r'class="rv-alert[^>]*>(.*?)</div>', page.html, re.DOTALL)
    assert alert is not None
    assert alert.group(1).strip().endswith(".")
    assert "Traceback" not in page.html
    assert "File &quot;" not in page.html
    assert page.visit.source is None
    assert page.app.button(key="score") is not None  # the form is there for the next try


def test_a_damaged_file_is_said_at_the_score(open_page: Callable[..., Page], make_clip: Callable[..., Clip]) -> None:
    page = open_page()
    index_first = (("movflags", "faststart"),)
    data = make_clip(frames=60, width=180, height=320, container_options=index_first).path.read_bytes()
    page.upload("cut.mp4", data[: int(0.6 * len(data))])
    page.wait_for_result()
    hero = page.html[page.html.index('class="rv-hero"') : page.html.index('class="rv-stack"')]
    assert 'class="rv-notes"' in hero
    assert "ends early or is damaged" in hero


def test_nothing_chosen_is_said(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.app.button(key="score").click().run()
    assert "Choose a video file first" in page.html


HOSTILE = {
    "markup": "<script>alert(1)</script> <img src=x onerror=alert(2)> **bold** [a](javascript:alert(3)) $x^2$ :red[x]"
    + "👩‍👩‍👧‍👦🏳️‍🌈" * 300,
    "rtl": "مرحبا \u202e txt.exe \u202d שלום #مرحبا" + "x" * 49_900,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_captions_are_never_markup(open_page: Callable[..., Page], clip: bytes, kind: str) -> None:
    page = open_page()
    caption = HOSTILE[kind]
    page.upload("a.mp4", clip, caption)
    page.wait_for_result()
    assert not page.app.exception
    assert "<script" not in page.html.lower()
    assert "<img src=x" not in page.html.lower()
    assert text.safe(caption[:200])[:150] in page.html
    for element in page.app.markdown:
        assert "bold" not in element.value


def test_file_names_are_never_markup(open_page: Callable[..., Page], clip: bytes) -> None:
    page = open_page()
    page.upload("../../etc/<b>pass</b> **x** 🎬.mp4", clip)
    page.wait_for_result()
    assert "<b>pass" not in page.html
    assert "&lt;b&gt;pass" in page.html


def test_a_name_that_turns_text_around_is_cleaned(open_page: Callable[..., Page], clip: bytes) -> None:
    page = open_page()
    page.upload("holiday\u202egpj.mp4", clip)
    page.wait_for_result()
    assert "\u202e" not in page.html
    assert "holiday\N{REPLACEMENT CHARACTER}gpj.mp4" in page.html


@pytest.mark.parametrize("button", ["score", "read_caption"])
def test_a_caption_that_is_too_long_is_said_and_stays(open_page: Callable[..., Page], clip: bytes, button: str) -> None:
    page = open_page()
    page.app.file_uploader(key="reel_file").upload("a.mp4", clip, "video/mp4")
    page.app.text_area(key="caption").set_value("x" * 50_001)
    page.app.button(key=button).click().run()
    assert "The caption has 50,001 characters; up to 50,000 work." in page.html
    assert page.visit.job is None
    assert len(page.app.text_area(key="caption").value or "") == 50_001


def test_two_visitors_share_the_engine_and_see_nothing_of_each_other(
    open_page: Callable[..., Page], clip: bytes
) -> None:
    one, other = open_page(), open_page()
    one.upload("one.mp4", clip, "caption of one")
    other.upload("other.mp4", clip, "caption of the other")
    one.wait_for_result()
    other.wait_for_result()
    assert "caption of one" not in other.html
    assert "caption of the other" not in one.html


def test_who_waits_sees_their_place_in_the_queue(open_page: Callable[..., Page]) -> None:
    pages = [open_page() for _ in range(3)]
    for page in pages:
        page.app.button(key="try_sample").click().run()
    assert [page.app.status[0].label for page in pages[1:]] == ["In line"] * 2
    assert [page.app.get("progress")[0].proto.text for page in pages[1:]] == ["You are next", "2 ahead of you"]
    for page in pages:
        page.app.button(key="cancel").click().run()


def test_the_words_survive_a_refused_file(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.app.selectbox(key="platform").set_value("TikTok")
    page.app.number_input(key="followers").set_value(1234)
    page.upload("text.mp4", BAD["text.mp4"], "typed with care")
    page.wait_until(lambda: "rv-alert" in page.html)
    assert page.app.text_area(key="caption").value == "typed with care"
    assert page.app.selectbox(key="platform").value == "TikTok"
    assert page.app.number_input(key="followers").value == 1234


@pytest.mark.parametrize("frames", [1, 6])
def test_the_shortest_reels_have_a_result(
    open_page: Callable[..., Page], make_clip: Callable[..., Clip], frames: int
) -> None:
    page = open_page()
    page.upload("short.mp4", make_clip(frames=frames).path.read_bytes())
    page.wait_for_result()
    assert not page.app.exception
    assert "<dt>Measured</dt>" in page.html


def test_models_and_limits(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.go_to("pages/4_Models_and_limits.py")
    assert not page.app.exception
    for words in ("nima-mobilenet-ava", "Apache-2.0", "sha256", "not a forecast", "CPU", "Aesthetics", "50,000"):
        assert words in page.html
