"""Page set-up and the stylesheet all pages share."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_STYLESHEET = Path(__file__).with_name("style.css")
_ICON = Path(__file__).resolve().parents[2] / "assets" / "icon.svg"

_PAGES = {  # in the order of the menu
    "app.py": "Score a reel",
    "pages/train.py": "Train",
    "pages/models_and_limits.py": "Models and limits",
}

#: Half an emoji (a lone surrogate, as from a text that was cut in two) can't be sent: it breaks the connection, and the
#: click that sends it does nothing. It becomes � as soon as it is in a box.
_WELL_FORMED = """<script>
if (!window.rvWellFormed && String.prototype.toWellFormed) {
  window.rvWellFormed = true;
  document.addEventListener("input", (event) => {
    const box = event.target;
    if (typeof box.value !== "string" || box.value.isWellFormed()) return;
    const kind = box instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
    Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(box, box.value.toWellFormed());
  }, true);
}
</script>"""


def set_up(title: str) -> None:
    """Set the page's title and add the stylesheet. The first Streamlit call of a page."""
    st.set_page_config(
        page_title=title, page_icon=str(_ICON), layout="wide", initial_sidebar_state="collapsed", menu_items={}
    )
    st.html(_STYLESHEET)


def heading(text: str, note: str = "") -> None:
    """A section's heading with a line of explanation. Both are the project's own words, never a visitor's."""
    st.html(f'<h2 class="rv-h">{text}</h2>' + (f'<p class="rv-soft">{note}</p>' if note else ""))


def top(*, tagline: bool = False) -> None:
    """The name and the way to the other pages; with what the page does where nothing is scored yet."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="top"):
        brand = '<div class="rv-brand"><b>Reel Virality</b></div>'
        st.html(brand + _WELL_FORMED, width="stretch", unsafe_allow_javascript=True)
        for page, label in _PAGES.items():
            st.page_link(page, label=label, width="content")
    if tagline:
        st.html(
            '<div class="rv-intro"><h1>Know before you post.</h1><p>Drop a reel and its caption. You get a score '
            "from 0 to 100, every point of it explained, and the frames it speaks of.</p></div>"
        )
