"""The caption, live: checked again after every edit, with or without a reel, and compared with other captions."""

from __future__ import annotations

import threading
from dataclasses import replace

import streamlit as st

from ui.caption import reading
from ui.form import too_long_caption
from ui.styles import alert, heading
from ui.visit import Visit
from virality_core.errors import ViralityError
from virality_core.scorers.caption.caption_report import CaptionReader, CaptionReading
from virality_core.types import Platform, Post
from virality_core.what_if import with_caption

MAX_VARIANTS = 6
_HOW = "Edit it and click outside the box to check it again."
_LABEL = "Caption to check"
_one_at_a_time = threading.Lock()  # a reading takes a few hundredths of a second and doesn't wait for reels


@st.cache_resource(show_spinner="Loading the caption model …")
def desk() -> CaptionReader:
    """The caption models that all visitors share."""
    return CaptionReader("auto")


def without_reel(visit: Visit, post: Post | None) -> None:
    """A caption without a reel. `post` comes from the form in the run after its button was pressed."""
    if post is not None:
        visit.caption_post = post
        st.session_state["alone-caption"] = post.caption
    if visit.caption_post is not None:
        st.session_state.setdefault("alone-caption", visit.caption_post.caption)  # lost on another page
        _without_reel(visit.caption_post.platform)


@st.fragment
def _without_reel(platform: Platform | None) -> None:
    heading("Caption", _HOW)
    caption = st.text_area(_LABEL, key="alone-caption", height=100) or ""
    if caption.strip():
        _check(caption, platform, key="alone")


@st.fragment
def of_result(visit: Visit) -> None:
    """The caption of the scored reel, with a button to rescore with an edited one."""
    heading("Caption", _HOW)
    post = visit.post
    caption = st.text_area(_LABEL, value=post.caption, key="result-caption", height=100) or ""
    # This container is always there: without it, what follows would be rebuilt, and closed, at each edit.
    with st.container(key="recaption"):
        if caption != post.caption and not too_long_caption(caption):
            _offer_rescore(visit, replace(post, caption=caption))
    if caption.strip():
        _check(caption, post.platform, key="result")


def _offer_rescore(visit: Visit, post: Post) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.html('<p class="rv-soft" role="status">The score above is for your original caption.</p>')
        if st.button("Rescore with this caption", icon=":material/refresh:", key="use_caption"):
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


def _check(caption: str, platform: Platform | None, *, key: str) -> None:
    if too_long := too_long_caption(caption):
        alert(too_long)
        return
    try:
        first = _read(caption, platform)
    except ViralityError as error:
        alert(str(error))
        return
    st.html(reading.show(first))
    with st.expander("Compare other captions"):
        lines = st.text_area(f"Other captions, one per line (up to {MAX_VARIANTS})", key=f"{key}-variants", height=120)
        captions = [line for line in (lines or "").splitlines() if line.strip()][:MAX_VARIANTS]
        if too_long := next(filter(None, map(too_long_caption, captions)), ""):
            alert(too_long)
        elif captions:
            st.html(reading.compare(first, [_read(other, platform) for other in captions]))


def _read(caption: str, platform: Platform | None) -> CaptionReading:
    with _one_at_a_time:
        return desk().read(caption, platform)
