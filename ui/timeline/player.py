"""Plays the visitor's reel; a codec that browsers can't play gets an H.264 copy, made once, in memory."""

from __future__ import annotations

from io import BytesIO

import streamlit as st

from ui.form import upload
from ui.visit import Visit, engine
from virality_core.engine import EngineBusy
from virality_core.media import playable
from virality_core.report import wording
from virality_core.types import VideoInfo

_EVERY_SECONDS = 0.7


def show(visit: Visit, second: float, *, playing: bool) -> None:
    """The player at `second` (Streamlit's player starts at whole seconds), playing at once or waiting for a click."""
    info = visit.report.provenance.video if visit.report is not None else None
    if info is None or visit.source is None:
        return
    if visit.playable is None and playable(info):
        visit.playable = visit.source
    if visit.playable is None:
        _prepare(visit, info)
        return
    start = int(second)
    as_uploaded = visit.playable is visit.source
    visit.playable.seek(0)
    st.video(
        visit.playable,
        format="video/webm" if as_uploaded and info.name.lower().endswith(".webm") else "video/mp4",
        start_time=start,
        autoplay=playing,
        alt="Your reel",
        width="stretch",
    )
    st.caption(f"{'Playing' if playing else 'Plays'} from {wording.clock(start)}")


@st.fragment(run_every=_EVERY_SECONDS)
def _prepare(visit: Visit, info: VideoInfo) -> None:
    """Wait for the copy, and have the page run again once it is there."""
    if visit.source is None:
        return
    if visit.preview is None:
        try:
            visit.preview = engine().submit_preview(visit.source, name=visit.name)
        except EngineBusy:
            st.caption("The player waits for a free place in the queue.")
            return
    if not visit.preview.ended:
        st.progress(visit.preview.fraction, text=f"Browsers can't play {info.codec.upper()}: making a copy they can")
    elif visit.preview.state == "done":
        visit.playable = BytesIO(visit.preview.result())
        st.rerun()
    else:
        upload.alert(f"There is no preview to play. {visit.preview.error}")
