"""Drop a reel, paste its caption, read an explained score."""

from __future__ import annotations

import streamlit as st

from ui import progress, result, styles, visit
from ui.caption import section as caption_section
from ui.form import upload
from virality_core.engine import EngineBusy


def main() -> None:
    """One run of the page: the form, the progress, or the result, whichever the visit has come to."""
    here = visit.current()
    here.collect_when_done()
    if here.report is not None:
        result.show(here.report, here)
    elif here.job is not None:
        progress.watch(here)
    else:
        styles.intro(
            "Know before you post.",
            "Drop a reel and its caption. You get a score from 0 to 100, with every point explained and the frames "
            "that cost or won it.",
        )
        _ask(here)


def _ask(here: visit.Visit) -> None:
    form = upload.form(here.draft, here.error)
    wish = form.wish
    if wish is None:
        caption_section.alone(here, form.typed if form.read_now else None)
        return
    try:
        here.start(visit.engine(), wish.source, wish.name, wish.post, wish.typed)
    except EngineBusy as error:
        with form.notice:
            upload.alert(str(error))
    else:
        st.rerun()


main()
