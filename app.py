"""The app: its pages and their navigation."""

from __future__ import annotations

import streamlit as st

from ui import styles

page = st.navigation(
    [
        st.Page("pages/score.py", title="Score a reel", default=True),
        st.Page("pages/train.py", title="Train"),
        st.Page("pages/models_and_limits.py", title="Models and limits"),
    ],
    position="top",
)
styles.set_up(page.title)
page.run()
