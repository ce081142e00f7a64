"""Page setup, the stylesheet, and the text elements that all pages share."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui.html_text import safe

_STYLESHEET = Path(__file__).with_name("style.css")
_ICON = Path(__file__).resolve().parents[1] / "assets" / "icon.svg"

#: Half an emoji (a lone surrogate, as in text that was cut in two) can't be sent: it breaks the connection, and the
#: click that sends it does nothing. This replaces it with � as soon as it is in a box.
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
    """Set the page's title and add the stylesheet. Call once per run, before anything is shown."""
    st.set_page_config(page_title=f"{title} · Reel Virality", page_icon=str(_ICON), layout="wide", menu_items={})
    st.logo(str(_ICON))
    st.html(_STYLESHEET)
    st.html(_WELL_FORMED, unsafe_allow_javascript=True)


def intro(title: str, sentence: str) -> None:
    """A page's title and what the page is for. Both are our own words, never a visitor's."""
    st.html(f'<div class="rv-intro"><h1>{title}</h1><p>{sentence}</p></div>')


def heading(text: str, note: str = "") -> None:
    """A section's heading with a line of explanation. Both are our own words, never a visitor's."""
    st.html(f'<h2 class="rv-h">{text}</h2>' + (f'<p class="rv-soft">{note}</p>' if note else ""))


def prose(text: str) -> None:
    """A paragraph of plain text."""
    st.html(f'<p class="rv-prose">{safe(text)}</p>')


def note(text: str) -> None:
    """A small gray paragraph of plain text."""
    st.html(f'<p class="rv-soft">{safe(text)}</p>')


def alert(sentence: str) -> None:
    """What went wrong. A file's name may be in it, so it is plain text."""
    st.html(f'<div class="rv-alert" role="alert" dir="auto">{safe(sentence)}</div>')
