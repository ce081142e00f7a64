"""The page people open: drop a reel, paste its caption, read an explained score."""

from __future__ import annotations

import streamlit as st

from ui import progress, result, styles, visit
from ui.caption import section
from ui.form import upload
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
    form = upload.form(here.draft, here.error)
    wish = form.wish
    if wish is None:
        section.alone(here, form.typed if form.read_now else None)
        return
    try:
        here.start(visit.engine(), wish.source, wish.name, wish.post, wish.typed)
    except EngineBusy as error:
        with form.notice:
            upload.alert(str(error))
    else:
        st.rerun()


main()
