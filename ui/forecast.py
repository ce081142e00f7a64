"""The forecast: ranges of likes, comments, shares, saves and plays, and the posts that they are based on."""

from __future__ import annotations

import altair as alt
import streamlit as st

from ui import html_text
from ui.progress import watch_extra
from ui.styles import alert, heading, note, prose
from ui.visit import Visit, engine
from virality_core.errors import ViralityError
from virality_core.files import printable
from virality_core.forecast.own_posts.reader import MAX_BYTES, read_in_subprocess
from virality_core.forecast.predict import collections
from virality_core.report import wording
from virality_core.types import Engagement, Range, Report
from virality_core.what_if import with_population

_COUNTS = ("likes", "comments", "shares", "saves", "plays")
_OWN = "own"
_ROW_HEIGHT, _AXIS_HEIGHT = 30, 64  # pixels; Streamlit fits axis and rows into the chart's height


@st.fragment
def show(report: Report, visit: Visit) -> None:
    """The section, with a switch to hide it and a choice of the posts that the ranges are based on."""
    if report.engagement is None:
        return
    similar = "similar posts that did well" if report.engagement.own_posts is None else "posts like it"
    heading(
        "What similar posts got",
        f"Four out of five {similar} fall in these ranges. This is not a promise, and it doesn't affect the score.",
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        if not st.toggle("Show the forecast", value=True, key="engagement_shown"):
            return
        chosen = _choose(report.engagement)
    _own_posts(visit)
    try:
        found = report.engagement if chosen == _OWN else with_population(report, chosen).engagement
    except ViralityError as error:
        alert(str(error))
        return
    assert found is not None
    prose(f"{html_text.capital(found.population)}.")
    rows = [
        (html_text.capital(name), wording.count(of.median), f"{wording.count(of.low)} to {wording.count(of.high)}")
        for name, of in _ranges(found)
    ]
    st.html(html_text.table(("", "Half get more than", "Four out of five get"), rows))
    st.altair_chart(chart(found), width="stretch", key="engagement_chart")
    st.html(html_text.bullets(map(html_text.safe, found.notes)))


def _choose(found: Engagement) -> str:
    """The collection of posts to base the ranges on, or the visitor's own posts."""
    titles = dict(collections())
    own = found.own_posts is not None
    if own:
        titles = {_OWN: found.population} | titles
    chosen = st.selectbox(
        "Based on",
        list(titles),
        index=list(titles).index(_OWN if own else found.collection),
        format_func=lambda name: html_text.capital(titles[name]),
        key=f"engagement_{'own' if own else 'collection'}",
    )
    return str(chosen)


def _own_posts(visit: Visit) -> None:
    """Upload of the visitor's own posts. They are fitted and dropped; the fit is kept until the visit ends."""
    if visit.history is not None:
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            note(" ".join([f"Based on your {visit.history.posts} posts. The file is gone.", *visit.history_notes]))
            if st.button("Forget my posts", key="forget_posts"):
                visit.use_history(None)
                st.rerun()
        return
    if visit.fitting is not None:
        watch_extra(visit.fitting, key="stop_fitting")
        return
    with st.expander("Use your own past posts instead", expanded=bool(visit.history_error)):
        upload = st.file_uploader(
            "Your past posts: the data export from Instagram or TikTok (JSON, as a ZIP without videos), or a CSV",
            type=["csv", "json", "zip"],
            max_upload_size=MAX_BYTES // 2**20,
            key="own_posts",
            help="Columns of the CSV: likes, comments, shares, saves or plays; also posted_at, caption, duration_s.",
        )
        if upload is not None and upload.file_id != visit.history_file:
            visit.history_file, visit.history_error = upload.file_id, ""
            try:
                with st.spinner("Reading your posts"):
                    posts = read_in_subprocess(upload.getvalue(), printable(upload.name))
                visit.start_history(engine(), posts)
            except ViralityError as error:
                visit.history_error = str(error)
            else:
                st.rerun()
        if visit.history_error:
            alert(visit.history_error)


def chart(found: Engagement) -> alt.LayerChart:
    """A bar from low to high and a tick at the median for each count, on a logarithmic axis."""
    rows = [
        {
            "count": html_text.capital(name),
            "low": max(1.0, of.low),
            "median": max(1.0, of.median),
            "high": max(1.0, of.high),
        }
        for name, of in _ranges(found)
    ]
    order = [str(row["count"]) for row in rows]
    axis = alt.Axis(format="~s", tickCount=6, values=[10.0**power for power in range(11)])
    base = alt.Chart(alt.Data(values=rows), height=_ROW_HEIGHT * len(rows) + _AXIS_HEIGHT).encode(
        y=alt.Y("count:N", sort=order, title=None, axis=alt.Axis(labelOverlap=False))
    )
    bar = base.mark_bar(height=10, cornerRadius=5, opacity=0.45).encode(
        x=alt.X("low:Q", scale=alt.Scale(type="log"), axis=axis, title="count (log scale)"), x2="high:Q"
    )
    middle = base.mark_tick(thickness=3, size=20).encode(
        x="median:Q",
        tooltip=[
            alt.Tooltip("count:N", title="count"),
            alt.Tooltip("low:Q", title="1 in 10 below", format=",.0f"),
            alt.Tooltip("median:Q", title="half above", format=",.0f"),
            alt.Tooltip("high:Q", title="1 in 10 above", format=",.0f"),
        ],
    )
    layered: alt.LayerChart = bar + middle
    return layered


def _ranges(found: Engagement) -> list[tuple[str, Range]]:
    return [(name, of) for name in _COUNTS if (of := getattr(found, name)) is not None]
