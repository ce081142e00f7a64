"""The whole result, most important first."""

from __future__ import annotations

import streamlit as st

from ui import advice, forecast
from ui.caption import section as caption_section
from ui.checks import platforms, quality
from ui.score import contributions, gauge, limits, shares
from ui.timeline import section as timeline_section
from ui.visit import Visit
from virality_core.report.text import report_json
from virality_core.types import Report


def show(report: Report, visit: Visit) -> None:
    """The score and its costs in words, then the charts, then how far to trust them."""
    gauge.hero(report, visit.name)
    with st.container(horizontal=True, gap="small", key="actions"):
        if st.button("Score another reel", type="primary", icon=":material/replay:", key="again"):
            visit.clear_reel()
            st.session_state.pop(timeline_section.SLIDER, None)
            st.session_state.pop(quality.CHOICE, None)
            st.rerun()
        st.download_button(
            "Download the report",
            data=report_json(report, indent=2),
            file_name="virality-report.json",
            mime="application/json",
            icon=":material/download:",
            on_click="ignore",
            key="download",
        )
    contributions.chart(report)
    # Containers: without them, what these add or remove would move the fragments below, and a click on one of those
    # while the page is still being built would be lost.
    with st.container():
        shares.choose(report, visit)
    with st.container():
        advice.show(report, visit)
    timeline_section.show(report, visit)
    quality.show(report)
    platforms.show(report)
    caption_section.of_result(visit)
    forecast.show(report, visit)
    shares.show(report)
    limits.show(report, visit.post)
