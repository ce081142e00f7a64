"""What stands beside the score: what the platform check found, which moves no points."""

from __future__ import annotations

from dataclasses import replace

from ui.score import gauge
from virality_core.report.platform_check import NAMES, TITLES
from virality_core.types import Report


def test_what_the_platform_check_found_is_said_beside_the_score(drawn_report: Report) -> None:
    wrong = [check for check in drawn_report.platform_check if check.status != "pass"]
    refusing = [NAMES[one.platform] for one in wrong if (one.measure, one.status) == ("short_side", "fail")]
    assert refusing
    said = gauge._platform_issues(drawn_report)
    assert f"resolution (not accepted by {', '.join(refusing)})" in said
    assert all(TITLES[check.measure].lower() in said for check in wrong)
    warned = tuple(replace(check, status="warn") for check in wrong)
    assert "not accepted" not in gauge._platform_issues(replace(drawn_report, platform_check=warned))
    passing = tuple(check for check in drawn_report.platform_check if check.status == "pass")
    assert gauge._platform_issues(replace(drawn_report, platform_check=passing)) == ""
