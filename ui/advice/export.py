"""A changed copy of the reel, made in the background for one piece of advice and handed out as a download."""

from __future__ import annotations

import streamlit as st

from ui import html_text
from ui.form import upload
from ui.visit import Visit, engine
from virality_core.advice import Change
from virality_core.engine import EngineBusy
from virality_core.types import Advice

_EVERY_SECONDS = 0.5


def offer(visit: Visit, advice: Advice, change: Change, *, key: str) -> None:
    """The button that makes the copy, its progress, or the copy itself; nothing where the reel stays as it is."""
    if not change.can_export:
        return
    mine = visit.exporting_what == advice.text
    if mine and visit.exporting is not None:
        _watch(visit)
        return
    if mine and visit.export_error:
        upload.alert(visit.export_error)
    if mine and visit.exported is not None:
        _download(visit, visit.exported, advice, key)
        return
    busy = visit.exporting is not None
    if st.button(
        "Export this fix",
        icon=":material/movie_edit:",
        key=f"export_{key}",
        disabled=busy,
        help="Another copy is being made." if busy else None,
    ):
        try:
            visit.ask_export(engine(), advice.text, change)
        except EngineBusy as error:
            upload.alert(str(error))
        else:
            st.rerun()


def _download(visit: Visit, copy: bytes, advice: Advice, key: str) -> None:
    # As a function: Streamlit is given the bytes when the button is pressed, not with every run of the page.
    st.download_button(
        f"Download the changed reel ({html_text.megabytes(len(copy))})",
        data=lambda: copy,
        file_name=file_name(visit.name, advice),
        mime="video/mp4",
        icon=":material/download:",
        on_click="ignore",
        key=f"download_{key}",
    )
    st.caption("It stays in memory until you leave or make another.")


@st.fragment(run_every=_EVERY_SECONDS)
def _watch(visit: Visit) -> None:
    job = visit.exporting
    if job is None or job.ended:
        st.rerun()
    st.progress(job.fraction, text="Writing the changed reel" if job.state == "running" else "In line")
    if st.button("Stop", key="stop_export"):
        job.cancel()
        st.rerun()


def file_name(name: str, advice: Advice) -> str:
    """What the copy is called: the reel's name and the kind of change."""
    stem = "".join(char if char.isalnum() or char in "-_" else "-" for char in name.rpartition(".")[0][:60])
    return f"{stem.strip('-') or 'reel'}-{advice.kind.replace('_', '-')}.mp4"
