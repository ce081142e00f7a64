"""Pictures, sent with the page itself.

Streamlit serves `st.image` from a store that an interrupted rerun empties: a browser that asks a moment too late is
left with a broken picture. What is in the page can't be missing.
"""

from __future__ import annotations

import base64

import streamlit as st

from ui import html_text
from ui.timeline import chart
from virality_core.types import FrameBatch


def show(frames: FrameBatch, row: int, at: str) -> None:
    """The frame in `row`, as wide as its place; `at` is its time in words."""
    embedded(chart.jpeg(frames, row), "image/jpeg", f"The reel's frame at {at}")


def embedded(data: bytes, mime: str, words: str) -> None:
    """A picture sent with the page; `words` say what it shows."""
    source = f"data:{mime};base64,{base64.b64encode(data).decode()}"
    st.html(f'<img class="rv-frame" src="{source}" alt="{html_text.safe(words)}">')
