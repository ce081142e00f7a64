"""The reel over time: the chart with its frames, the moment the visitor picked, and the reel played from there."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import streamlit as st

from pages.components import player, text, timeline
from pages.components.styles import heading
from pages.components.visit import Visit
from virality_core.types import Report

_SLIDER = "moment"  # the picked frame's row, in the session's state: chart and slider both write it
_CHART = "timeline"
_MEASURE = "measure"


@st.fragment
def show(report: Report, visit: Visit) -> None:
    """The timeline section. Only this part of the page runs again on a click."""
    moments = timeline.moments(report)
    if moments is None:
        return
    names = [signal.name for signal in report.signals if signal.name != "hook" and timeline.curve(report, signal.name)]
    if not names:
        return
    heading("Over time", "Click a frame, or move the slider, to see that moment and play the reel from there.")
    name = st.pills(
        "Measure",
        names,
        default=names[0],
        format_func=text.title,
        required=True,
        key=_MEASURE,
        label_visibility="collapsed",
    )
    signal, line = report.signal(name or names[0]), timeline.curve(report, name or names[0])
    assert signal is not None
    assert line is not None
    cover = cover_seconds(report)
    if _SLIDER not in st.session_state:
        st.session_state[_SLIDER] = nearest(moments.seconds, cover or 0.0)
    selected = min(int(st.session_state[_SLIDER]), len(moments.seconds) - 1)
    st.altair_chart(
        timeline.chart(moments, signal, line, selected, cover if name == "aesthetics" else None),
        width="stretch",
        key=_CHART,
        on_select=lambda: _picked_on_chart(visit),
        selection_mode=timeline.SELECTION,
        alt=_in_words(signal.name, line),
    )
    if len(moments.seconds) > 1:
        st.select_slider(
            "Moment",
            list(range(len(moments.seconds))),
            format_func=lambda row: text.clock(float(moments.seconds[row])),
            key=_SLIDER,
            on_change=lambda: _picked_on_slider(visit),
        )
    _moment(report, visit, selected, float(moments.seconds[selected]))


def _moment(report: Report, visit: Visit, selected: int, second: float) -> None:
    assert report.thumbnails is not None
    frame, reel = st.columns(2, gap="small", wrap=False, width=620)
    with frame, st.container(key="moment_frame"):
        st.image(
            BytesIO(timeline.jpeg(report.thumbnails, selected)),
            caption=f"Frame at {text.clock(second)}",
            width="stretch",
            alt=f"The reel's frame at {text.clock(second)}",
        )
    with reel, st.container(key="moment_player"):
        player.show(visit, second if visit.selected is not None else 0.0, playing=visit.selected is not None)


def cover_seconds(report: Report) -> float | None:
    """When the best cover frame is shown; None where looks were not rated."""
    signal = report.signal("aesthetics")
    return None if signal is None else getattr(signal.details, "cover_seconds", None)


def nearest(seconds: np.ndarray[tuple[int], np.dtype[np.float64]], wanted: float) -> int:
    """The row of `seconds` nearest to `wanted`."""
    return int(np.abs(seconds - wanted).argmin())


def _picked_on_chart(visit: Visit) -> None:
    picked = st.session_state[_CHART]["selection"].get(timeline.SELECTION, [])
    if picked:
        st.session_state[_SLIDER] = visit.selected = int(picked[0]["frame"])


def _picked_on_slider(visit: Visit) -> None:
    visit.selected = int(st.session_state[_SLIDER])


def _in_words(name: str, line: timeline.Timeline) -> str:
    best, worst = int(line.values.argmax()), int(line.values.argmin())
    return (
        f"{text.title(name)} over time: highest {text.number(float(line.values[best]))} at "
        f"{text.clock(float(line.seconds[best]))}, lowest {text.number(float(line.values[worst]))} at "
        f"{text.clock(float(line.seconds[worst]))}."
    )
