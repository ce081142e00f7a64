"""The whole result, most important first."""

from __future__ import annotations

import streamlit as st

from pages.components import (
    advice,
    caption,
    contributions,
    engagement,
    gauge,
    moments,
    platforms,
    quality,
    remarks,
    weighing,
)
from pages.components.visit import Visit
from virality_core.export import report_json
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
        weighing.choose(report, visit)
    with st.container():
        advice.show(report, visit)
    moments.show(report, visit)
    quality.show(report)
    platforms.show(report)
    caption.of_result(visit)
    engagement.show(report, visit)
    weighing.show(report)
    remarks.show(report, visit.post)
