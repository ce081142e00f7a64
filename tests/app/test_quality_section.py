"""The section on technical quality: the findings listed, one chosen, its frame next to a good one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from ui.checks import quality
from ui.timeline.chart import axis_end
from virality_core.types import Finding, FrameBatch, Report


@pytest.fixture
def report(drawn_report: Report) -> Report:
    return drawn_report


def _dark(start: float, end: float) -> Finding:
    return Finding(
        kind="dark",
        start_seconds=start,
        end_seconds=end,
        worst_seconds=(start + end) / 2,
        value=9.0,
        unit="L*",
        threshold=21.0,
        sentence="The picture is too dark.",
        reason="Two stops under.",
    )


def _page(report: Report) -> AppTest:
    def script(report):  # type: ignore[no-untyped-def]
        from ui.checks import quality

        quality.show(report)

    return AppTest.from_function(script, args=(report,), default_timeout=60).run()


def test_findings_are_listed_and_chosen(report: Report) -> None:
    shown = replace(report, findings=(*report.findings, _dark(0.5, 0.9)))
    page = _page(shown)
    assert not page.exception
    choice = page.selectbox(key="quality_finding")
    assert "Low resolution, throughout" in choice.options
    assert choice.options[-1] == "Too dark, 0:00.5 to 0:00.9"
    choice.select_index(len(choice.options) - 1).run()
    assert not page.exception
    shown = [element.value for element in page.markdown] + [element.value for element in page.caption]
    assert any("too dark" in text for text in shown)
    assert any(text.startswith("Without it: ") for text in shown)


def test_a_reel_without_faults(report: Report) -> None:
    page = _page(replace(report, findings=()))
    assert not page.exception
    assert [element.value for element in page.markdown if "problem" in element.value] == [
        "We found no technical problems."
    ]


def test_the_chart_shares_the_timelines_axis(report: Report) -> None:
    drawn = quality.chart(replace(report, findings=(_dark(0.5, 0.9), _dark(1.2, 1.4))), selected=1).to_dict()
    bars = next(layer for layer in drawn["layer"] if layer["mark"]["type"] == "rect")
    assert bars["encoding"]["x"]["scale"]["domain"] == [0, axis_end(report)]
    assert [(row["second"], row["end"], row["kind"]) for row in bars["data"]["values"]] == [
        (0.5, 0.9, "measured"),
        (1.2, 1.4, "chosen"),
    ]


def test_the_good_frame_is_the_nearest_without_the_fault() -> None:
    frames = FrameBatch(rgb=np.zeros((5, 2, 2, 3), np.uint8), seconds=np.arange(5.0))
    first, second = _dark(0.5, 1.5), _dark(2.5, 3.2)
    assert quality.good_row(frames, (first, second), first) in (0, 2)
    assert quality.good_row(frames, (first, second), second) in (2, 4)
    everywhere = _dark(0.0, 9.0)
    assert quality.good_row(frames, (everywhere,), everywhere) is None


def test_every_kind_has_a_label() -> None:
    from typing import get_args

    from virality_core.types import FindingKind

    assert set(quality.LABELS) == set(get_args(FindingKind))


def test_a_files_name_is_no_markup() -> None:
    assert quality._escape_markdown("a*b_[c](d)") == r"a\*b\_\[c\]\(d\)"
