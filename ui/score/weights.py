"""Which weights make the score, and how it moves as each goes from nothing to double."""

from __future__ import annotations

import altair as alt
import streamlit as st

from ui import html_text
from ui.form import upload
from ui.styles import heading
from ui.visit import Visit
from virality_core.errors import ViralityError
from virality_core.report import wording
from virality_core.types import Report
from virality_core.what_if import fitted_ways, fitted_weighting, weight_moves

_WAYS = {
    "prior": "stated weights, each with its reason (prior)",
    "learned": "weights fitted on reels whose outcomes are known (learned)",
    "personal": "weights fitted on one creator's own reels (personal)",
}
_ROW_HEIGHT, _AXIS_HEIGHT = 24, 64  # pixels; Streamlit fits axis and rows into the chart's height


def choose(report: Report, visit: Visit) -> None:
    """Say which weights made the score; where fitted ones lie beside the stated ones, let the visitor choose."""
    ways = ["prior", *fitted_ways()]
    if visit.weighting is not None and visit.weighting.way not in ways:
        ways.append(visit.weighting.way)  # its file is gone since
    ran = report.provenance.fusion
    if len(ways) == 1:
        st.html(f'<p class="rv-soft">Weighed by {_WAYS[ran]}.</p>')
        return
    chosen = st.selectbox(
        "Weighed by",
        ways,
        index=ways.index(ran),
        format_func=lambda way: html_text.capital(_WAYS[way]),
        key="weighed_by",
        help="Fitted weights are from `virality fit-fusion`. The report says which ran.",
    )
    if chosen == ran:
        return
    try:
        visit.use_weighting(None if chosen == "prior" else fitted_weighting(chosen))
    except ViralityError as error:
        upload.alert(str(error))
    else:
        st.rerun()


def show(report: Report) -> None:
    """The section; left out where one signal alone was weighed."""
    if len(report.contributions) < 2:
        return
    heading(
        "If the weights were others",
        "The score with each signal's weight at nothing and at double, all others as they are.",
    )
    st.altair_chart(chart(report), width="stretch", key="shares_chart")


def chart(report: Report) -> alt.LayerChart:
    """A line a signal from its score at weight 0 to that at double, and the score as it is."""
    moved = weight_moves(report)
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
            alt.Tooltip("without:Q", title="score without it", format=".1f"),
            alt.Tooltip("double:Q", title="score at double", format=".1f"),
        ],
    )
    line = base.mark_rule(strokeWidth=4, opacity=0.6, color="#8a928e").encode(
        x=alt.X("without:Q", scale=domain, title="score; the dot is at double", axis=alt.Axis(tickCount=6)),
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
