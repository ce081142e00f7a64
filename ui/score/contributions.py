"""Where the points come from: a bar a signal, won and left, which add up to the score; open one to read why."""

from __future__ import annotations

import streamlit as st

from ui import html_text
from ui.styles import heading
from virality_core.report import wording
from virality_core.types import Contribution, Report, Signal


def chart(report: Report) -> None:
    """The stacked bar of the score and a row a signal, each opening onto its value, reference and reason."""
    heading("Where the points come from", "Solid is won, striped is left to win. Open a row to see what was measured.")
    widest = max(contribution.weight for contribution in report.contributions)
    rows = "".join(_row(report, contribution, widest) for contribution in report.contributions)
    total = sum(contribution.points for contribution in report.contributions)
    st.html(
        f'<div class="rv-stack" aria-hidden="true">{_stack(report)}</div>'
        f'<div class="rv-rows">{rows}</div>'
        f'<div class="rv-sum"><span></span><span>Score</span><span></span>'
        f'<span class="rv-points">{total:.1f} <small>of 100</small></span></div>'
    )


def _stack(report: Report) -> str:
    won = (f'<i style="width:calc({c.points:.3f}% - 2px)"></i>' for c in report.contributions if c.points > 0)
    return "".join(won) + '<i class="rv-rest"></i>'


def _row(report: Report, contribution: Contribution, widest: float) -> str:
    signal = report.signal(contribution.signal)
    assert signal is not None
    full = 100.0 * contribution.weight
    won = contribution.points / full if full else 0.0
    bar = (
        f'<span class="rv-bar" aria-hidden="true" style="width:{100.0 * contribution.weight / widest:.2f}%">'
        f'<i class="rv-won" style="width:{100.0 * won:.2f}%"></i><i class="rv-rest"></i></span>'
    )
    return (
        f"<details><summary><b>{html_text.safe(wording.title(signal.name))}</b>{bar}"
        f'<span class="rv-points">{contribution.points:.1f} <small>of {full:.1f}</small></span></summary>'
        f'<div class="rv-more">{_more(signal)}</div></details>'
    )


def _more(signal: Signal) -> str:
    entry = wording.entry(signal.name)
    low, high = signal.native_range
    place = "" if signal.percentile is None else f", above {signal.percentile:.0f} % of what it is compared with"
    facts = {
        "In words": f"{html_text.capital(wording.says(signal))}.",
        "What to do": html_text.capital(f"{wording.to_do(signal)}.") if wording.to_do(signal) else "",
        "Measured": f"{wording.exact(signal)}{place}; possible are {wording.bare(low)} to {wording.bare(high)}",
        "Worth": f"{signal.desirability:.0f} of 100"
        + (f"; {wording.target(signal)}" if wording.target(signal) else ""),
        "Compared with": wording.compared_with(signal),
        "How": str(entry.get("desirability", {}).get("how", "")),
        "Why it counts": str(entry.get("reason", "")),
        "Model": signal.model.id if signal.model is not None else "none: a plain measure",
    }
    rows = "".join(
        f"<dt>{html_text.safe(key)}</dt><dd>{html_text.safe(what)}</dd>" for key, what in facts.items() if what
    )
    figures = (
        f"<p>The figures are on the page {html_text.models_link('Models and limits')}.</p>" if "card" in entry else ""
    )
    return f"<dl>{rows}</dl>{figures}"
