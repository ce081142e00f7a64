"""The caption, live: read again with every change, without a reel or beside one, and other wordings compared."""

from __future__ import annotations

import threading
from dataclasses import replace

import streamlit as st

from ui.caption import findings
from ui.caption.variants import compared
from ui.form.upload import alert, too_long_caption
from ui.styles import heading
from ui.visit import Visit
from virality_core.errors import ViralityError
from virality_core.scorers.caption.caption_report import CaptionDesk, CaptionReading
from virality_core.types import Platform, Post
from virality_core.what_if import with_caption

MAX_VARIANTS = 6
_LIVE = "Change it and click outside the box: it is read again at once."
_one_at_a_time = threading.Lock()  # readings are a few hundredths of a second; they don't wait for reels


@st.cache_resource(show_spinner="Loading the caption model …")
def desk() -> CaptionDesk:
    """The caption models all visitors share."""
    return CaptionDesk("auto")


def read(caption: str, platform: Platform | None) -> CaptionReading:
    """Read a caption, one at a time for all visitors. Raises ViralityError where the models can't be had."""
    with _one_at_a_time:
        return desk().read(caption, platform)


def alone(visit: Visit, sent: Post | None) -> None:
    """A caption without a reel: begins with what was `sent` from the form in this run, and is then open to changes."""
    if sent is not None:
        visit.reading = sent
        st.session_state["alone-caption"] = sent.caption
    if visit.reading is not None:
        st.session_state.setdefault("alone-caption", visit.reading.caption)  # gone after a look at another page
        _alone(visit.reading.platform)


@st.fragment
def _alone(platform: Platform | None) -> None:
    heading("The caption", _LIVE)
    edited = st.text_area("Caption to read", key="alone-caption", height=100)
    if (edited or "").strip():
        _reading(edited or "", platform, key="alone")


@st.fragment
def of_result(visit: Visit) -> None:
    """The caption as it was sent, open to changes, which the score takes over when asked to."""
    heading("The caption", _LIVE)
    post = visit.post
    edited = st.text_area("Caption to read", value=post.caption, key="result-caption", height=100)
    wording = edited or ""
    with st.container(
        key="recaption"
    ):  # always there, or what follows would be built anew, and close, with each change
        if wording != post.caption and not too_long_caption(wording):
            _offer(visit, replace(post, caption=wording))
    if wording.strip():
        _reading(wording, post.platform, key="result")


def _offer(visit: Visit, post: Post) -> None:
    """Say that the score above is of the caption as it was, and weigh it anew with this one when asked to."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.html('<p class="rv-soft" role="status">The score above still stands for the caption you sent.</p>')
        if st.button("Use this caption for the score", icon=":material/refresh:", key="use_caption"):
            assert visit.report is not None
            try:
                with _one_at_a_time:
                    answers = desk().answers(post)
                changed = with_caption(visit.report, post, answers, visit.weighting, visit.history)
            except ViralityError as error:
                alert(str(error))
                return
            visit.use_caption(changed, post)
            st.rerun()


def _reading(caption: str, platform: Platform | None, *, key: str) -> None:
    if too_long := too_long_caption(caption):
        alert(too_long)
        return
    try:
        reading = read(caption, platform)
    except ViralityError as error:
        alert(str(error))
        return
    st.html(findings.show(reading))
    with st.expander("Try other captions"):
        lines = st.text_area(
            f"Other wordings, one a line (up to {MAX_VARIANTS})",
            key=f"{key}-variants",
            height=120,
        )
        wordings = [line for line in (lines or "").splitlines() if line.strip()][:MAX_VARIANTS]
        if too_long := next(filter(None, map(too_long_caption, wordings)), ""):
            alert(too_long)
        elif wordings:
            st.html(compared(reading, [read(wording, platform) for wording in wordings]))
