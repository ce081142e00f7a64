"""Pictures, sent with the page itself.

Streamlit serves `st.image` from a store that an interrupted rerun empties: a browser that asks a moment too late is
left with a broken picture. What is in the page can't be missing.
"""

from __future__ import annotations

import base64

import streamlit as st

from pages.components import text, timeline
from virality_core.types import FrameBatch


def show(frames: FrameBatch, row: int, at: str) -> None:
    """The frame in `row`, as wide as its place; `at` is its time in words."""
    show_jpeg(timeline.jpeg(frames, row), f"The reel's frame at {at}", style="rv-frame")


def show_jpeg(data: bytes, alt: str, *, style: str = "rv-picture") -> None:
    """A JPEG file's bytes as a picture of the class `style`; `alt` is what it shows, in words."""
    source = base64.b64encode(data).decode()
    st.html(f'<img class="{style}" src="data:image/jpeg;base64,{source}" alt="{text.safe(alt)}">')
