"""What a visitor reads first: the score as a half ring with its bands, and the three largest costs."""

from __future__ import annotations

import streamlit as st

from ui import html_text
from virality_core.config import signals
from virality_core.report import wording
from virality_core.report.platform_check import NAMES, TITLES
from virality_core.types import Contribution, Report, Signal


def hero(report: Report, name: str) -> None:
    """The gauge next to the verdict and the largest costs."""
    video = report.provenance.video
    size = html_text.megabytes(video.size_bytes)
    facts = f"{wording.clock(video.duration_seconds)} · {video.width} × {video.height} · {size}"
    st.html(
        f'<section class="rv-hero" aria-label="Result"><div>{_ring(report)}</div><div>'
        f'<p class="rv-file"><bdi>{html_text.safe(name)}</bdi> · {facts}</p>'
        f"<h1>{report.score:.0f} of 100: {html_text.safe(report.band)}</h1>"
        f'<p class="rv-meaning">{html_text.safe(signals.band_meaning(report.band))}</p>'
        f"{_platform_issues(report)}{_notes(report)}{_costs(report)}</div></section>"
    )


def _ring(report: Report) -> str:
    bands = sorted(signals.table()["bands"], key=lambda band: float(band["from"]))
    notches = "".join(f'<u style="--at:{float(band["from"])}"></u>' for band in bands if float(band["from"]) > 0)
    names = "".join(
        f"<li{' aria-current=true' if band['name'] == report.band else ''}>"
        f"{html_text.safe(str(band['name']))} {float(band['from']):.0f}+</li>"
        for band in bands
    )
    interval = report.uncertainty
    span = label = ""
    if interval is not None:
        label = f", range {interval.low:.0f} to {interval.high:.0f}"
        span = f'<i class="rv-span" style="--low:{interval.low:.2f};--high:{interval.high:.2f}"></i>'
    label = f"Score {report.score:.1f} of 100, {report.band}{label}"
    return (
        f'<div class="rv-gauge" role="img" aria-label="{html_text.safe(label)}" style="--score:{report.score:.2f}">'
        f'<div class="rv-ring"><i class="rv-arc"></i>{span}{notches}</div>'
        f'<div class="rv-number">{report.score:.0f}</div>'
        '<div class="rv-ends"><span>0</span><span>100</span></div></div>'
        f"{_range(report)}"
        f'<ul class="rv-bands" aria-label="Bands of the score">{names}</ul>'
    )


def _range(report: Report) -> str:
    """What the thin arc on the gauge is."""
    interval = report.uncertainty
    if interval is None:
        return ""
    shares = "shares between half and double" if report.provenance.fusion == "prior" else "shares fitted again"
    return (
        f'<p class="rv-doubt" title="Four out of five scores with other frames of the reel and with {shares} are in '
        f'this range">Range: {interval.low:.0f} to {interval.high:.0f}</p>'
    )


def _platform_issues(report: Report) -> str:
    """What the platform check found. It isn't part of the score, so it has to be said next to a good one."""
    issues = sorted((check for check in report.platform_check if check.status != "pass"), key=lambda one: one.status)
    refused: dict[str, list[str]] = {}  # measure → the platforms that don't accept it; those come first
    for check in issues:
        refused.setdefault(check.measure, []).extend([NAMES[check.platform]] if check.status == "fail" else [])
    if not refused:
        return ""
    listed = ", ".join(
        TITLES[measure].lower() + (f" (not accepted by {', '.join(platforms)})" if platforms else "")
        for measure, platforms in refused.items()
    )
    return f'<p class="rv-meaning">Not part of the score, but check before you post: {html_text.safe(listed)}.</p>'


def _notes(report: Report) -> str:
    """What was wrong with the file, next to the score that it affects."""
    if not report.notes:
        return ""
    items = "".join(f"<li>{html_text.safe(note)}</li>" for note in report.notes)
    return f'<ul class="rv-notes" aria-label="About this file" dir="auto">{items}</ul>'


def _costs(report: Report) -> str:
    costly = wording.costs(report)
    if not costly:
        return '<p class="rv-eyebrow">Nothing we measured costs you half a point.</p>'
    items = "".join(_cost(contribution, signal) for contribution, signal in costly)
    return f'<p class="rv-eyebrow">What costs you the most points</p><ol class="rv-costs">{items}</ol>'


def _cost(contribution: Contribution, signal: Signal) -> str:
    to_do = wording.tip(signal)
    advice = f'<br><span class="rv-do">{html_text.safe(html_text.capital(to_do))}.</span>' if to_do else ""
    return (
        f'<li><span class="rv-minus">−{wording.cost(contribution):.1f}</span><div>'
        f"<b>{html_text.safe(wording.title(signal.name))}</b>: {html_text.safe(wording.sentence(signal))}.{advice}"
        "</div></li>"
    )
