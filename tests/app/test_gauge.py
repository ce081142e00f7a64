"""What stands beside the score: checks that fail, which move no points."""

from __future__ import annotations

from dataclasses import replace

from pages.components import gauge
from virality_core.types import Report


def test_a_failing_check_is_said_beside_the_score(drawn_report: Report) -> None:
    failing = [check for check in drawn_report.platform_check if check.status == "fail"]
    small = [check for check in failing if check.measure == "short_side"]
    assert small
    said = gauge._unfit(drawn_report)
    assert "the platform check fails for" in said
    assert said.count("resolution") == len(small)
    passing = tuple(check for check in drawn_report.platform_check if check.status != "fail")
    assert gauge._unfit(replace(drawn_report, platform_check=passing)) == ""
