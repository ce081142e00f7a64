"""Upload a reel, paste its caption, read an explained score."""

from __future__ import annotations

import streamlit as st

from ui import form, progress, result, styles
from ui.caption import section as caption_section
from ui.visit import Visit, current_visit, engine
from virality_core.engine import EngineBusy


def main() -> None:
    """The form, the progress, or the result: whichever the visit has come to."""
    visit = current_visit()
    visit.collect_finished_jobs()
    if visit.report is not None:
        result.show(visit.report, visit)
    elif visit.job is not None:
        progress.watch(visit)
    else:
        styles.intro(
            "Know before you post.",
            "Upload a reel and its caption. You get a score from 0 to 100, with every point explained and the frames "
            "behind it.",
        )
        _ask(visit)


def _ask(visit: Visit) -> None:
    answers = form.form(visit.draft, visit.error)
    request = answers.request
    if request is None:
        caption_section.without_reel(visit, answers.typed if answers.check_caption else None)
        return
    try:
        visit.start(engine(), request.source, request.name, request.post, request.typed)
    except EngineBusy as error:
        with answers.messages:
            styles.alert(str(error))
    else:
        st.rerun()


main()
