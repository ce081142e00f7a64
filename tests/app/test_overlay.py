"""Text and safe zones drawn over the frame, at the right position and for the chosen platform."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.report.test_platform_check import FREE, LOW, _text
from ui.timeline import safe_zone_overlay
from virality_core.types import Platform, Post, Report, Skipped, Timeline


@pytest.fixture
def report(drawn_report: Report) -> Report:
    """As if a line of uncovered text and one that Instagram covers, were found in the first two frames."""
    assert drawn_report.thumbnails is not None
    seconds = drawn_report.thumbnails.seconds[:3]
    text = _text(FREE, LOW)
    boxes = tuple(replace(box, seconds=float(at)) for box, at in zip(text.details.boxes, seconds, strict=False))  # type: ignore[union-attr]
    line = Timeline(seconds=seconds, values=np.array([1.0, 1.0, 0.0]))
    text = replace(text, details=replace(text.details, boxes=boxes), timeline=line)  # type: ignore[type-var, arg-type]
    return replace(
        drawn_report, signals=(*(item for item in drawn_report.signals if item.name != "onscreen_text"), text)
    )


def _page(report: Report, row: int, platform: Platform | None = None) -> AppTest:
    def script(report, row, post):  # type: ignore[no-untyped-def]
        from ui.timeline import safe_zone_overlay

        drawn = safe_zone_overlay.choose(report, post, on_toggle=lambda: None)
        if drawn is not None:
            safe_zone_overlay.show(report, drawn, row)  # its description is the `alt` text too

    page = AppTest.from_function(script, args=(report, row, Post(platform=platform)), default_timeout=60).run()
    return page.toggle(key="draw_text").set_value(True).run()


def _html(page: AppTest) -> str:
    assert not page.exception
    return "\n".join(str(element.proto.body) for element in page.get("html"))


def _drawing(page: AppTest) -> ElementTree.Element:
    found = re.search(r"data:image/svg\+xml;base64,([^\"]+)", _html(page))
    assert found is not None
    return ElementTree.fromstring(base64.b64decode(found[1]))


def _boxes(drawing: ElementTree.Element) -> list[ElementTree.Element]:
    return [box for box in drawing.iter("{http://www.w3.org/2000/svg}rect") if box.get("stroke") != "#000"]


def test_a_box_lies_where_the_text_was_found(report: Report) -> None:
    assert report.thumbnails is not None
    height, width = report.thumbnails.rgb.shape[1:3]
    page = _page(report, 1, "instagram")
    drawing = _drawing(page)
    (box,) = _boxes(drawing)
    assert float(box.get("x", "")) / width == pytest.approx(LOW[0], abs=0.01)
    assert float(box.get("y", "")) / height == pytest.approx(LOW[1], abs=0.01)
    assert box.get("stroke-dasharray")
    assert "1 of them may be covered" in _html(page)
    assert "as of 2026-11-22" in _html(page)
    assert next(drawing.iter("{http://www.w3.org/2000/svg}image")).get("href", "").startswith("data:image/jpeg")


def test_another_platform_covers_something_else(report: Report) -> None:
    page = _page(report, 1, "tiktok")
    assert "None of it is covered" in _html(page)
    assert not _boxes(_drawing(page))[0].get("stroke-dasharray")


def test_no_platform_draws_no_zone_and_says_so(report: Report) -> None:
    page = _page(report, 0)
    assert "Choose a platform" in _html(page)
    assert not list(_drawing(page).iter("{http://www.w3.org/2000/svg}path"))
    page.selectbox(key="draw_zone").set_value("youtube").run()
    assert list(_drawing(page).iter("{http://www.w3.org/2000/svg}path"))


def test_a_frame_that_was_not_searched_says_so(report: Report) -> None:
    assert "No text found in this frame" in _html(_page(report, 2))
    assert "We didn&#x27;t look for text in this frame. The nearest frame we checked" in _html(_page(report, 4))


def test_text_that_was_not_looked_for_is_not_drawn(drawn_report: Report) -> None:
    signals = tuple(item for item in drawn_report.signals if item.name != "onscreen_text")
    gone = replace(drawn_report, signals=signals, skipped=(Skipped(name="onscreen_text", reason="<b> gone."),))
    page = _page(gone, 0)
    assert "look for text in this reel. &lt;b&gt; gone." in _html(page)
    assert "data:image" not in _html(page)


def test_the_nearest_searched_frame_is_found(report: Report) -> None:
    assert report.thumbnails is not None
    last = len(report.thumbnails) - 1
    assert last > 2
    # Text was found in the first two of three that were searched.
    assert [safe_zone_overlay.nearest_searched(report, row) for row in (0, 1, 2, last)] == [0, 1, 2, 1]
    text = report.signal("onscreen_text")
    assert text is not None
    bare = replace(text, details=replace(text.details, boxes=()))  # type: ignore[type-var, arg-type]
    without = replace(report, signals=tuple(bare if item is text else item for item in report.signals))
    assert safe_zone_overlay.nearest_searched(without, last) == 2
    unread = replace(report, signals=tuple(item for item in report.signals if item.name != "onscreen_text"))
    assert safe_zone_overlay.nearest_searched(unread, last) == last
