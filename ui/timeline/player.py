"""Plays the visitor's reel. If browsers can't play its codec, an H.264 copy is made once, in memory."""

from __future__ import annotations

from io import BytesIO

import streamlit as st

from ui.styles import alert
from ui.visit import Visit, engine
from virality_core.engine import EngineBusy
from virality_core.media import playable
from virality_core.report import wording
from virality_core.types import VideoInfo

_EVERY_SECONDS = 0.7


def show(visit: Visit, second: float, *, playing: bool) -> None:
    """The player at `second`, which Streamlit rounds down to whole seconds."""
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
    """Wait for the copy, then run the page again."""
    if visit.source is None:
        return
    if visit.preview is None:
        try:
            visit.preview = engine().submit_preview(visit.source, name=visit.name)
        except EngineBusy:
            st.caption("The player is waiting for a place in line.")
            return
    if not visit.preview.ended:
        text = f"Browsers can't play {info.codec.upper()}. Making a copy they can play."
        st.progress(visit.preview.fraction, text=text)
    elif visit.preview.state == "done":
        visit.playable = BytesIO(visit.preview.result())
        st.rerun()
    else:
        alert(f"The preview couldn't be made. {visit.preview.error}")
