"""A frame of the reel, sent with the page itself.

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
    data = base64.b64encode(timeline.jpeg(frames, row)).decode()
    st.html(f'<img class="rv-frame" src="data:image/jpeg;base64,{data}" alt="The reel\'s frame at {text.safe(at)}">')
