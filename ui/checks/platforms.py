"""What the platforms ask of the video file: each check's result, the platform's number, its source and date."""

from __future__ import annotations

import streamlit as st

from ui.html_text import bullets, safe
from ui.styles import heading, note
from virality_core.report.platform_check import NAMES, TITLES, not_checked
from virality_core.types import CheckStatus, PlatformCheck, Report

_RESULTS: dict[CheckStatus, str] = {"pass": "OK", "warn": "Could be better", "fail": "Not accepted"}


def show(report: Report) -> None:
    """The section; left out if nothing was checked."""
    if not report.platform_check:
        return
    heading("Platform check", "What each platform asks of the video file. It doesn't affect the score.")
    if report.provenance.post.platform is None:
        note("You chose no platform, so we checked all three.")
    for platform in dict.fromkeys(check.platform for check in report.platform_check):
        checks = [check for check in report.platform_check if check.platform == platform]
        issues = [check for check in checks if check.status != "pass"]
        passed = f"{len(checks) - len(issues)} of {len(checks)}" if issues else f"all {len(checks)}"
        items = [f"<b>{_RESULTS[check.status]}</b>: {safe(check.sentence)}" for check in issues]
        summary = f'<p class="rv-prose"><b>{NAMES[platform]}</b>: {passed} checks passed.</p>'
        st.html(summary + (bullets(items) if items else ""))
    if missing := not_checked(report.signals, report.skipped):
        note(missing)
    with st.expander("All checks and their sources"):
        st.html("".join(map(_check, report.platform_check)))


def _check(check: PlatformCheck) -> str:
    result = f"{NAMES[check.platform]}, {TITLES[check.measure].lower()}: {check.value}. {_RESULTS[check.status]}."
    return f"<p><b>{safe(result)}</b><br>{safe(f'Asks for {check.asks}. Source: {check.source} ({check.date}).')}</p>"
