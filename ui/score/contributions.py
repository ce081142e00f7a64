"""Where the points come from: a bar per signal that opens into the details. The points add up to the score."""

from __future__ import annotations

import streamlit as st

from ui import html_text
from ui.styles import heading
from virality_core.report import wording
from virality_core.types import Contribution, Report, Signal


def chart(report: Report) -> None:
    """The stacked bar of the score, and a row per signal that opens into its value, reference and reason."""
    heading("Where the points come from", "Solid: points you have. Striped: points you lack. Open a row for details.")
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
        f'<div class="rv-more">{_details(signal)}</div></details>'
    )


def _details(signal: Signal) -> str:
    entry = wording.entry(signal.name)
    low, high = signal.native_range
    higher_than = "" if signal.percentile is None else f", higher than {signal.percentile:.0f} % of the comparison"
    target, to_do = wording.target(signal), wording.tip(signal)
    facts = {
        "Result": f"{html_text.capital(wording.describe(signal))}.",
        "What to do": f"{html_text.capital(to_do)}." if to_do else "",
        "Measured": f"{wording.exact(signal)}{higher_than}; range: {wording.trimmed(low)} to {wording.trimmed(high)}",
        "Rating": f"{signal.desirability:.0f} of 100{target and '; ' + target}",
        "Compared with": wording.compared_with(signal),
        "How it's rated": html_text.capital(str(entry.get("desirability", {}).get("how", ""))),
        "Why it counts": str(entry.get("reason", "")),
        "Model": signal.model.id if signal.model is not None else "none, measured directly",
    }
    evaluation = f"<p>How well it works: see {html_text.models_link()}.</p>" if "card" in entry else ""
    return html_text.facts(facts) + evaluation
