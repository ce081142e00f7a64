"""What is next to the score: issues from the platform check, which do not affect it."""

from __future__ import annotations

from dataclasses import replace

from ui.score import gauge
from virality_core.report.platform_check import NAMES, TITLES
from virality_core.types import Report


def test_platform_issues_are_next_to_the_score(drawn_report: Report) -> None:
    wrong = [check for check in drawn_report.platform_check if check.status != "pass"]
    refusing = [NAMES[one.platform] for one in wrong if (one.measure, one.status) == ("short_side", "fail")]
    assert refusing
    shown = gauge._platform_issues(drawn_report)
    assert f"resolution (not accepted by {', '.join(refusing)})" in shown
    assert all(TITLES[check.measure].lower() in shown for check in wrong)
    warned = tuple(replace(check, status="warn") for check in wrong)
    assert "not accepted" not in gauge._platform_issues(replace(drawn_report, platform_check=warned))
    passing = tuple(check for check in drawn_report.platform_check if check.status == "pass")
    assert gauge._platform_issues(replace(drawn_report, platform_check=passing)) == ""
