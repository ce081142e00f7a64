"""The reel over time: the chart with its frames, the moment the visitor picked, and the reel played from there."""

from __future__ import annotations

import streamlit as st

from ui import html_text, picture
from ui.styles import heading
from ui.timeline import chart, hook_and_cover, player, safe_zone_overlay
from ui.visit import Visit
from virality_core.report import wording
from virality_core.types import Report, Signal, Timeline

_SLIDER = "moment"  # the picked frame's row, in the session's state: chart and slider both write it
_CHART = "timeline"
_MEASURE = "measure"


@st.fragment
def show(report: Report, visit: Visit) -> None:
    """The timeline section. Only this part of the page runs again on a click."""
    moments = chart.moments(report)
    if moments is None:
        return
    names = [signal.name for signal in report.signals if signal.name != "hook" and chart.curve(report, signal.name)]
    if not names:
        return
    heading("Over time", "Click a frame, or move the slider, to see that moment and play the reel from there.")
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
    _which_way(signal)
    cover = chart.cover_seconds(report)
    if _SLIDER not in st.session_state:
        st.session_state[_SLIDER] = chart.nearest(moments.seconds, cover or 0.0)
    selected = min(int(st.session_state[_SLIDER]), len(moments.seconds) - 1)
    st.altair_chart(
        chart.chart(moments, signal, line, selected, cover if name == "aesthetics" else None),
        width="stretch",
        key=_CHART,
        on_select=lambda: _picked_on_chart(visit),
        selection_mode=chart.SELECTION,
        alt=_in_words(signal.name, line),
    )
    if len(moments.seconds) > 1:
        st.select_slider(
            "Moment",
            list(range(len(moments.seconds))),
            format_func=lambda row: wording.clock(float(moments.seconds[row])),
            key=_SLIDER,
            on_change=lambda: _picked_on_slider(visit),
        )
    _moment(report, visit, selected, float(moments.seconds[selected]))


def _which_way(signal: Signal) -> None:
    """What the chart's height means, and which way is better."""
    way = wording.better(signal.name)
    said = html_text.capital(wording.axis(signal)) + (f": {way}." if way else ".")
    st.html(f'<p class="rv-soft">{html_text.safe(said)}</p>')


def _moment(report: Report, visit: Visit, selected: int, second: float) -> None:
    """The picked frame and the player side by side; beside them, or under them on a phone, the hook and the cover."""
    assert report.thumbnails is not None
    drawn = safe_zone_overlay.choose(report, visit.post, on_toggle=lambda: _to_searched(report, visit))
    pictures, cards = st.columns([7, 5], gap="medium")
    height, width = report.thumbnails.rgb.shape[1:3]
    frame, reel = pictures.columns(2, gap="small", wrap=width > height)  # two portraits fit side by side on a phone
    with frame, st.container(key="moment_frame", gap="xsmall"):
        at = wording.clock(second)
        said = ""
        if drawn is None:
            picture.show(report.thumbnails, selected, at)
        else:
            said = safe_zone_overlay.show(report, drawn, selected)
        st.caption(f"Frame at {at}")
        if said:
            st.html(f'<p class="rv-soft">{html_text.safe(said)}</p>')
    with reel, st.container(key="moment_player", gap="xsmall"):
        picked = visit.selected is not None
        player.show(visit, second, playing=picked)
    with cards:
        hook_and_cover.show(report)


def _picked_on_chart(visit: Visit) -> None:
    picked = st.session_state[_CHART]["selection"].get(chart.SELECTION, [])
    if picked:
        st.session_state[_SLIDER] = visit.selected = int(picked[0]["frame"])


def _picked_on_slider(visit: Visit) -> None:
    visit.selected = int(st.session_state[_SLIDER])


def _to_searched(report: Report, visit: Visit) -> None:
    """Not every frame is searched for text: show one that was, where the drawing is switched on; the player waits."""
    if st.session_state[safe_zone_overlay.TOGGLE]:
        before = int(st.session_state[_SLIDER])
        st.session_state[_SLIDER] = searched = safe_zone_overlay.nearest_searched(report, before)
        if searched != before:
            visit.selected = None


def _in_words(name: str, line: Timeline) -> str:
    best, worst = int(line.values.argmax()), int(line.values.argmin())
    return (
        f"{wording.title(name)} over time: highest {wording.number(float(line.values[best]))} at "
        f"{wording.clock(float(line.seconds[best]))}, lowest {wording.number(float(line.values[worst]))} at "
        f"{wording.clock(float(line.seconds[worst]))}."
    )
