"""“Export this fix”: an edited copy made in the background, stopped, downloaded, and dropped with the visit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import pytest

from tests.app.conftest import Page
from ui.advice import file_name
from virality_core.advice import Change, candidates
from virality_core.media import open_reel
from virality_core.types import Advice, Plan


def _advice(change: Change) -> Advice:
    return Advice(
        id=change.id,
        kind=change.kind,
        start=change.start,
        end=change.end,
        text=change.text,
        points=2.0,
        before=50.0,
        after=52.0,
    )


@pytest.fixture
def advised(open_page: Callable[..., Page], drawn_clip_bytes: bytes) -> Page:
    """A scored reel with every change that was worth trying as its advice."""
    page = open_page()
    page.upload("my reel.mp4", drawn_clip_bytes, caption="look #fyp")
    page.wait_for_result()
    report = page.visit.report
    assert report is not None
    changes = [change for change in candidates(report) if change.can_export]
    assert changes
    page.visit.report, page.visit.advised = replace(report, advice=tuple(map(_advice, changes))), True
    page.app.run()
    return page


def test_the_copy_is_stopped_made_offered_and_gone_with_the_visit(advised: Page) -> None:
    advised.app.button(key="export_0").click().run()
    if advised.visit.exporting is not None:
        advised.visit.exporting.cancel()  # as its Stop does
    advised.wait_until(lambda: advised.visit.exporting is None)
    assert advised.visit.export_error == ""
    advised.visit.clear_export()
    advised.app.run()
    advised.app.button(key="export_0").click().run()
    assert advised.visit.exporting is not None or advised.visit.exported is not None
    advised.wait_until(lambda: advised.visit.exported is not None)
    assert advised.visit.exported is not None
    assert advised.visit.export_error == ""
    copy = open_reel(BytesIO(advised.visit.exported), Plan(stills=2), name="copy.mp4")
    assert copy.info.duration_seconds == pytest.approx(2.0, abs=0.1)
    advised.app.run()
    assert not advised.app.exception
    assert [button.proto.label for button in advised.app.get("download_button")][1].startswith("Download the edited")
    assert "export_0" not in [button.key for button in advised.app.button]
    advised.app.button(key="again").click().run()
    assert advised.visit.exported is None


def test_what_goes_wrong_is_one_sentence_and_another_caption_forgets_it(advised: Page, drawn_clip_bytes: bytes) -> None:
    advised.visit.source = BytesIO(drawn_clip_bytes[:600])
    advised.app.button(key="export_0").click().run()
    advised.wait_until(lambda: advised.visit.export_error != "")
    advised.app.run()
    assert not advised.app.exception
    assert "my reel.mp4" in advised.visit.export_error
    assert 'role="alert"' in advised.html
    assert "export_0" in [button.key for button in advised.app.button]
    visit = advised.visit
    assert visit.report is not None
    visit.use_caption(visit.report, visit.post)
    assert (visit.exporting, visit.exported, visit.exporting_id, visit.export_error) == (None, None, "", "")


@pytest.mark.parametrize(
    ("name", "called"),
    [("My reel.mov", "My-reel-loudness.mp4"), ("../../<x>.mp4", "x-loudness.mp4"), ("", "reel-loudness.mp4")],
)
def test_the_copy_has_the_reels_name_and_the_change(name: str, called: str) -> None:
    change = Change(kind="loudness", start=0.0, end=1.0, text="x", promise=1.0, gain=1.0)
    assert file_name(name, _advice(change)) == called


def test_the_caption_alone_is_no_copy() -> None:
    words = Change(kind="hashtags", start=0.0, end=1.0, text="x", promise=1.0, caption="hello")
    assert not words.can_export
