"""Page set-up and the stylesheet all pages share."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_STYLESHEET = Path(__file__).with_name("style.css")
_ICON = Path(__file__).resolve().parents[1] / "assets" / "icon.svg"

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
    """Set the page's title and add the stylesheet. To be called once in each run, before anything is shown."""
    st.set_page_config(
        page_title=f"{title} · Reel Virality",
        page_icon=str(_ICON),
        layout="wide",
        initial_sidebar_state="collapsed",
        menu_items={},
    )
    st.logo(str(_ICON))
    st.html(_STYLESHEET)
    st.html(_WELL_FORMED, unsafe_allow_javascript=True)


def heading(text: str, note: str = "") -> None:
    """A section's heading with a line of explanation. Both are the project's own words, never a visitor's."""
    st.html(f'<h2 class="rv-h">{text}</h2>' + (f'<p class="rv-soft">{note}</p>' if note else ""))


def intro(title: str, sentence: str) -> None:
    """A page's title with a sentence on what it is for. Both are the project's own words, never a visitor's."""
    st.html(f'<div class="rv-intro"><h1>{title}</h1><p>{sentence}</p></div>')
