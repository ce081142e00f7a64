"""What the platforms ask of the file: pass, warn or fail, with the platform's number, its source and date."""

from __future__ import annotations

import streamlit as st

from ui import html_text
from ui.styles import heading
from virality_core.report.platform_check import NAMES, TITLES, not_checked
from virality_core.types import CheckStatus, PlatformCheck, Report

_MARKS: dict[CheckStatus, str] = {"pass": "Fits", "warn": "Not at its best", "fail": "Not taken"}


def show(report: Report) -> None:
    """The section; nothing where nothing was checked."""
    if not report.platform_check:
        return
    heading("Platform check", "What each platform asks of the file itself. It moves no points.")
    if report.provenance.post.platform is None:
        st.html('<p class="rv-soft">You chose no platform, so the reel is held against all three.</p>')
    for platform in dict.fromkeys(check.platform for check in report.platform_check):
        checks = [check for check in report.platform_check if check.platform == platform]
        wrong = [check for check in checks if check.status != "pass"]
        st.html(f'<p class="rv-prose"><b>{NAMES[platform]}</b>: {_summary(checks, wrong)}</p>{_list(wrong)}')
    missing = not_checked(report.signals, report.skipped)
    if missing:
        st.html(f'<p class="rv-soft">{html_text.safe(missing)}</p>')
    with st.expander("All checks, with where the numbers are from"):
        st.html(
            "".join(
                f"<p><b>{html_text.safe(_said(check))}</b><br>{_origin(check)}</p>" for check in report.platform_check
            )
        )


def _summary(checks: list[PlatformCheck], wrong: list[PlatformCheck]) -> str:
    if not wrong:
        return f"all {len(checks)} checks fit."
    return f"{len(checks) - len(wrong)} of {len(checks)} checks fit."


def _list(wrong: list[PlatformCheck]) -> str:
    items = "".join(f"<li><b>{_MARKS[check.status]}</b>: {html_text.safe(check.sentence)}</li>" for check in wrong)
    return f'<ul class="rv-list">{items}</ul>' if items else ""


def _said(check: PlatformCheck) -> str:
    mark = _MARKS[check.status].lower()
    return f"{NAMES[check.platform]}, {TITLES[check.measure].lower()}: {check.value}: {mark}"


def _origin(check: PlatformCheck) -> str:
    return html_text.safe(f"Asks for {check.asks}. Source: {check.source} ({check.date}).")
