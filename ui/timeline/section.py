"""The reel over time: the chart with its frames, the selected moment, and the player."""

from __future__ import annotations

import streamlit as st

from ui import picture
from ui.html_text import capital
from ui.styles import heading, note
from ui.timeline import chart, hook_and_cover, player, safe_zone_overlay
from ui.visit import Visit
from virality_core.report import wording
from virality_core.types import Report, Timeline

SLIDER = "moment"  # the key of the selected frame's row in the session's state; chart and slider write it
_CHART = "timeline"
_MEASURE = "measure"


@st.fragment
def show(report: Report, visit: Visit) -> None:
    """The section. Only this part of the page runs again on a click."""
    moments = chart.moments(report)
    if moments is None:
        return
    names = [signal.name for signal in report.signals if signal.name != "hook" and chart.curve(report, signal.name)]
    if not names:
        return
    heading("Over time", "Click a frame or move the slider to see that moment and play the reel from there.")
    name = st.pills(
        "Measure",
        names,
        default=names[0],
        format_func=wording.title,
        required=True,
        key=_MEASURE,
        label_visibility="collapsed",
    )
    signal, line = report.signal(name or names[0]), chart.curve(report, name or names[0])
    assert signal is not None
    assert line is not None
    better = wording.better(signal.name)
    note(capital(wording.axis(signal)) + (f": {better}." if better else "."))
    cover = chart.cover_seconds(report)
    if SLIDER not in st.session_state:
        st.session_state[SLIDER] = picture.nearest(moments.seconds, cover or 0.0)
    selected = min(int(st.session_state[SLIDER]), len(moments.seconds) - 1)
    st.altair_chart(
        chart.chart(moments, signal, line, selected, cover if name == "aesthetics" else None),
        width="stretch",
        key=_CHART,
        on_select=lambda: _chart_clicked(visit),
        selection_mode=chart.SELECTION,
        alt=_alternative_text(signal.name, line),
    )
    if len(moments.seconds) > 1:
        st.select_slider(
            "Moment",
            list(range(len(moments.seconds))),
            format_func=lambda row: wording.clock(float(moments.seconds[row])),
            key=SLIDER,
            on_change=lambda: _slider_moved(visit),
        )
    _moment(report, visit, selected, float(moments.seconds[selected]))


def _moment(report: Report, visit: Visit, selected: int, second: float) -> None:
    """The selected frame and the player side by side; next to them, or below on a phone, the hook and the cover."""
    assert report.thumbnails is not None
    overlay = safe_zone_overlay.choose(report, visit.post, on_toggle=lambda: _overlay_toggled(report, visit))
    pictures, cards = st.columns([7, 5], gap="medium")
    height, width = report.thumbnails.rgb.shape[1:3]
    frame, reel = pictures.columns(2, gap="small", wrap=width > height)  # two portraits fit side by side on a phone
    with frame, st.container(key="moment_frame", gap="xsmall"):
        time = wording.clock(second)
        if overlay is None:
            picture.show(report.thumbnails, selected, time)
            st.caption(f"Frame at {time}")
        else:
            description = safe_zone_overlay.show(report, overlay, selected)
            st.caption(f"Frame at {time}")
            note(description)
    with reel, st.container(key="moment_player", gap="xsmall"):
        player.show(visit, second, playing=visit.selected is not None)
    with cards:
        hook_and_cover.show(report)


def _chart_clicked(visit: Visit) -> None:
    if clicked := st.session_state[_CHART]["selection"].get(chart.SELECTION, []):
        st.session_state[SLIDER] = visit.selected = int(clicked[0]["frame"])


def _slider_moved(visit: Visit) -> None:
    visit.selected = int(st.session_state[SLIDER])


def _overlay_toggled(report: Report, visit: Visit) -> None:
    """Switch to a frame that was searched for text, without starting the player."""
    if st.session_state[safe_zone_overlay.TOGGLE]:
        before = int(st.session_state[SLIDER])
        st.session_state[SLIDER] = searched = safe_zone_overlay.nearest_searched(report, before)
        if searched != before:
            visit.selected = None


def _alternative_text(name: str, line: Timeline) -> str:
    best, worst = int(line.values.argmax()), int(line.values.argmin())
    return (
        f"{wording.title(name)} over time: highest {wording.number(float(line.values[best]))} at "
        f"{wording.clock(float(line.seconds[best]))}, lowest {wording.number(float(line.values[worst]))} at "
        f"{wording.clock(float(line.seconds[worst]))}."
    )
