"""Where the points come from: a bar a signal, won and left, which add up to the score; open one to read why."""

from __future__ import annotations

import streamlit as st

from pages.components import text
from pages.components.styles import heading
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
        f"<details><summary><b>{text.safe(text.title(signal.name))}</b>{bar}"
        f'<span class="rv-points">{contribution.points:.1f} <small>of {full:.1f}</small></span></summary>'
        f'<div class="rv-more">{_more(signal)}</div></details>'
    )


def _more(signal: Signal) -> str:
    entry = text.entry(signal.name)
    low, high = signal.native_range
    facts = {
        "Measured": f"{text.value(signal)} ; possible are {low:.3g} to {high:.3g}",
        "Stands": f"{text.standing(signal)}; worth {signal.desirability:.0f} of 100",
        "Compared with": signal.reference,
        "How": str(entry.get("desirability", {}).get("how", "")),
        "Why it counts": str(entry.get("reason", "")),
        "Model": f"{signal.model.id} ({signal.model.variant})" if signal.model is not None else "none: a plain measure",
    }
    rows = "".join(f"<dt>{text.safe(key)}</dt><dd>{text.safe(what)}</dd>" for key, what in facts.items() if what)
    return f"<dl>{rows}</dl>"
