"""Page set-up and the stylesheet all pages share."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_STYLESHEET = Path(__file__).with_name("style.css")
_ICON = Path(__file__).resolve().parents[2] / "assets" / "icon.svg"


def set_up(title: str) -> None:
    """Set the page's title and add the stylesheet. The first Streamlit call of a page."""
    st.set_page_config(
        page_title=title, page_icon=str(_ICON), layout="wide", initial_sidebar_state="collapsed", menu_items={}
    )
    st.html(_STYLESHEET)


def heading(text: str, note: str = "") -> None:
    """A section's heading with a line of explanation. Both are the project's own words, never a visitor's."""
    st.html(f'<h2 class="rv-h">{text}</h2>' + (f'<p class="rv-soft">{note}</p>' if note else ""))


def brand(*, tagline: bool) -> None:
    """The name at the top; with what the page does where nothing is scored yet."""
    st.html('<div class="rv-brand"><b>Reel Virality</b></div>')
    if tagline:
        st.html(
            '<div class="rv-intro"><h1>Know before you post.</h1><p>Drop a reel and its caption. You get a score '
            "from 0 to 100, every point of it explained, and the frames it speaks of.</p></div>"
        )


def footer(*, home: bool = False) -> None:
    """The way to the other page."""
    with st.container(key="footer"):
        if home:
            st.page_link("app.py", label="Score a reel", icon=":material/arrow_back:")
        else:
            st.page_link("pages/4_Models_and_limits.py", label="Models and limits", icon=":material/info:")
