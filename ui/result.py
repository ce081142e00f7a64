"""The whole result, most important first."""

from __future__ import annotations

import streamlit as st

from ui import engagement
from ui.advice import section as advice_section
from ui.caption import section as caption_section
from ui.checks import platforms, quality
from ui.score import contributions, gauge, limits, weights
from ui.timeline import section as timeline_section
from ui.visit import Visit
from virality_core.report.text import report_json
from virality_core.types import Report


def show(report: Report, visit: Visit) -> None:
    """The score and its costs in words, then the charts, then how far to trust them."""
    gauge.hero(report, visit.name)
    with st.container(horizontal=True, gap="small", key="actions"):
        if st.button("Score another reel", type="primary", icon=":material/replay:", key="again"):
            visit.another()
            st.session_state.pop("moment", None)
            quality.forget()
            st.rerun()
        st.download_button(
            "Report as JSON",
            data=report_json(report, indent=2),
            file_name="virality-report.json",
            mime="application/json",
            icon=":material/download:",
            on_click="ignore",
            key="download",
        )
    contributions.chart(report)
    # In places of their own: what they show more or less of would move the fragments below, and a visitor who acts
    # on one of those while the page is still being built would not be heard.
    with st.container():
        weights.choose(report, visit)
    with st.container():
        advice_section.show(report, visit)
    timeline_section.show(report, visit)
    quality.show(report)
    platforms.show(report)
    caption_section.of_result(visit)
    engagement.show(report, visit)
    weights.show(report)
    limits.show(report, visit.post)
