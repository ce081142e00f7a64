"""The page people open: drop a reel, paste its caption, read an explained score."""

from __future__ import annotations

import streamlit as st

from pages.components import caption, progress, result, styles, upload, visit
from virality_core.engine import EngineBusy


def main() -> None:
    """One run of the page: the form, the progress, or the result, whichever the visit has come to."""
    styles.set_up("Reel Virality: know before you post")
    here = visit.current()
    here.collect_when_done()
    if here.report is not None:
        styles.top()
        result.show(here.report, here)
    elif here.job is not None:
        styles.top()
        progress.watch(here)
    else:
        styles.top(tagline=True)
        _ask(here)


def _ask(here: visit.Visit) -> None:
    if here.error:
        upload.alert(here.error)
    wish = upload.form(here.draft)
    if wish is None:
        if st.toggle("Read a caption without a reel", key="caption_alone"):
            caption.section("", None, key="alone")
        return
    try:
        here.start(visit.engine(), wish.source, wish.name, wish.post)
    except EngineBusy as error:
        upload.alert(str(error))
    else:
        st.rerun()


main()
