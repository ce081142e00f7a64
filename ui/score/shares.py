"""How the score is weighted, and how it changes as each signal's share goes from zero to double."""

from __future__ import annotations

import altair as alt
import streamlit as st

from ui.html_text import models_link
from ui.styles import alert, heading
from ui.visit import Visit
from virality_core.errors import ViralityError
from virality_core.report import wording
from virality_core.score import fitted_file, fitted_ways, read_weighting, sensitivity
from virality_core.types import Report

_WAYS = {
    "prior": "Standard shares",
    "learned": "Shares fitted to reels with known results",
    "personal": "Shares fitted to one creator's own reels",
}
_ROW_HEIGHT, _AXIS_HEIGHT = 24, 64  # pixels; Streamlit fits axis and rows into the chart's height


def choose(report: Report, visit: Visit) -> None:
    """Say how the score is weighted; if there are fitted shares, let the visitor choose."""
    ways = ["prior", *fitted_ways()]
    if visit.weighting is not None and visit.weighting.way not in ways:
        ways.append(visit.weighting.way)  # its file has since been deleted
    used = report.provenance.fusion
    if len(ways) == 1:
        st.html(f'<p class="rv-soft">How the score is weighted: see {models_link()}.</p>')
        return
    chosen = st.selectbox(
        "How the score is weighted", ways, index=ways.index(used), format_func=lambda way: _WAYS[way], key="weighed_by"
    )
    if chosen == used:
        return
    try:
        visit.use_weighting(None if chosen == "prior" else read_weighting(fitted_file(chosen)))
    except ViralityError as error:
        alert(str(error))
    else:
        st.rerun()


def show(report: Report) -> None:
    """The section; left out if the score is made of a single signal."""
    if len(report.contributions) < 2:
        return
    heading(
        "If the weighting were different",
        "What the score would be if one signal didn't count at all, or counted double.",
    )
    st.altair_chart(chart(report), width="stretch", key="shares_chart")


def chart(report: Report) -> alt.LayerChart:
    """A line per signal, from the score without it to the score with double its share."""
    moved = sensitivity(report.signals, {c.signal: c.weight for c in report.contributions})
    rows = [
        {"signal": wording.title(name), "without": low, "double": high, "moves": abs(high - low)}
        for name, (low, high) in sorted(moved.items(), key=lambda item: -abs(item[1][1] - item[1][0]))
    ]
    order = [str(row["signal"]) for row in rows]
    values = [report.score, *(edge for pair in moved.values() for edge in pair)]
    domain = alt.Scale(domain=[max(0.0, min(values) - 2.0), min(100.0, max(values) + 2.0)])
    base = alt.Chart(alt.Data(values=rows), height=_ROW_HEIGHT * len(rows) + _AXIS_HEIGHT).encode(
        y=alt.Y("signal:N", sort=order, title=None, axis=alt.Axis(labelOverlap=False)),
        tooltip=[
            alt.Tooltip("signal:N", title="signal"),
            alt.Tooltip("without:Q", title="without it", format=".1f"),
            alt.Tooltip("double:Q", title="counting double", format=".1f"),
        ],
    )
    line = base.mark_rule(strokeWidth=4, opacity=0.6, color="#8a928e").encode(
        x=alt.X("without:Q", scale=domain, title="score (dot: counts double)", axis=alt.Axis(tickCount=6)),
        x2="double:Q",
    )
    end = base.mark_point(filled=True, size=60).encode(x="double:Q")
    now = (
        alt.Chart(alt.Data(values=[{"score": report.score}]))
        .mark_rule(strokeDash=[4, 4], color="#8a928e")
        .encode(x="score:Q")
    )
    layered: alt.LayerChart = line + end + now
    return layered
