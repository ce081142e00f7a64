"""The sections on what would help and on the platforms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import Page
from ui import advice as section
from ui.progress import CHANGES, stage_label
from virality_core.advice import Change, edits
from virality_core.types import Advice, AdviceKind, FrameBatch, Report


@pytest.fixture
def report(drawn_report: Report) -> Report:
    return drawn_report


def test_changes_are_tried_when_asked(open_page: Callable[..., Page], drawn_clip_bytes: bytes) -> None:
    page = open_page()
    page.upload("my reel.mp4", drawn_clip_bytes)
    page.wait_for_result()
    before = page.visit.report
    assert before is not None
    assert before.advice == ()
    page.app.button(key="advise").click().run()
    page.wait_until(lambda: page.visit.advised)
    after = page.visit.report
    assert after is not None
    assert (after.score, page.visit.advice_error) == (before.score, "")
    page.app.run()
    assert "advise" not in [button.key for button in page.app.button], "tried once is enough"
    shown = page.html + " ".join(element.value for element in page.app.markdown)
    for found in after.advice:
        assert (f"+{found.points:.1f} points" if found.points else "No points") in shown
    if not after.advice:
        assert "No change added" in shown or "Nothing to try" in shown


def _page(report: Report, component: str) -> AppTest:
    def script(report, component):  # type: ignore[no-untyped-def]
        import importlib

        from ui.visit import Visit

        module = importlib.import_module(f"ui.{component}")
        module.show(report, Visit()) if component == "advice" else module.show(report)

    return AppTest.from_function(script, args=(report, component), default_timeout=60).run()


def _shown(page: AppTest) -> str:
    assert not page.exception
    return "\n".join(str(element.proto.body) for element in page.get("html"))


def test_found_advice_is_shown_with_its_points(report: Report) -> None:
    text = "Flat <b>: raise the contrast by 40 %."
    found = Advice(kind="contrast", start=0.0, end=2.0, text=text, points=4.2, before=50.0, after=54.2)
    shown = _shown(_page(replace(report, advice=(found,)), "advice"))
    assert "+4.2 points" in shown
    assert "50.0 to 54.2" in shown
    assert "Flat &lt;b&gt;" in shown


def test_without_advice_the_summary_lists_what_was_tried(report: Report) -> None:
    kinds = ("loudness", "leading_silence", "leading_silence")
    tried = [Change(kind=kind, start=0.0, end=1.0, text="x", promise=0.0) for kind in kinds]  # type: ignore[arg-type]
    assert section._summary(report, tried).endswith(": volume, removing the silence at the start.")
    assert section._summary(report, []).startswith("Nothing to try")


def test_other_changes_are_in_the_summary(report: Report) -> None:
    tried = section.candidates(report)
    assert tried, "the drawn clip has faults that are worth trying"
    given = Advice(kind=tried[0].kind, start=0.0, end=2.0, text="x", points=4.2, before=50.0, after=54.2)
    summary = section._summary(replace(report, advice=(given,)), tried)
    assert CHANGES[given.kind] not in summary
    assert all(CHANGES[one.kind] in summary for one in tried if one.kind != given.kind)
    all_given = tuple(replace(given, kind=change.kind) for change in tried)
    assert section._summary(replace(report, advice=all_given), tried) == ""


def test_every_kind_of_change_has_a_name() -> None:
    assert set(CHANGES) == set(get_args(AdviceKind))
    assert stage_label("trying: crop bars") == "Trying cropping the black bars"
    assert stage_label("trying") == "Trying changes"
    assert stage_label("some_other_stage") == "Measuring"


def test_the_frame_after_is_the_frame_with_the_change() -> None:
    frames = FrameBatch(rgb=np.full((3, 8, 6, 3), 64, np.uint8), seconds=np.arange(3.0))
    brighter = Change(kind="exposure", start=0.0, end=3.0, text="x", promise=1.0, edit=edits.gamma(0.5))
    made = section.edited(frames, 1, brighter)
    assert made.seconds.tolist() == [1.0]
    assert int(made.rgb.min()) == round(255 * (64 / 255) ** 0.5)
    assert int(frames.rgb.max()) == 64, "the frame itself stays"


def test_the_platforms_say_what_misses_and_where_it_is_from(report: Report) -> None:
    shown = _shown(_page(report, "checks.platforms"))
    for name in ("Instagram", "TikTok", "YouTube"):
        assert name in shown
    assert "Not accepted" in shown, "a reel of 2 s is too short for Instagram"
    assert all(check.date in shown for check in report.platform_check)


def test_the_music_is_read(open_page: Callable[..., Page], drawn_clip_bytes: bytes) -> None:
    page = open_page()
    page.app.text_input(key="music").set_value("  QKThr ")
    page.upload("my reel.mp4", drawn_clip_bytes)
    page.wait_for_result()
    assert page.visit.post.music == "QKThr"
    assert "videos used it by 2025-05-28" in page.html
