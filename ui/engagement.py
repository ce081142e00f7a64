"""Predicted engagement: a range for likes, comments, shares, saves and plays, with the population it is read from."""

from __future__ import annotations

from typing import Any

import altair as alt
import streamlit as st

from ui import html_text
from ui.form.upload import alert
from ui.styles import heading
from ui.visit import Visit, engine
from virality_core.errors import ViralityError
from virality_core.files import printable
from virality_core.forecast.own_posts.reader import MAX_BYTES, read_own_posts_apart
from virality_core.report import wording
from virality_core.types import Engagement, Report
from virality_core.what_if import populations, with_population

COUNTS = ("likes", "comments", "shares", "saves", "plays")

_EVERY_SECONDS = 0.5

_OWN, _OF = "own", ", of posts that did well"
_ROW_HEIGHT, _AXIS_HEIGHT = 30, 64  # pixels; Streamlit fits axis and rows into the chart's height


@st.fragment
def show(report: Report, visit: Visit) -> None:
    """The section; one click hides it, a choice reads the ranges from another collection of posts."""
    if report.engagement is None:
        return
    heading(
        "What posts like it got",
        f"A range, not a promise{_OF if report.engagement.own_posts is None else ''}: four of five like yours lie "
        "inside. It moves no points.",
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        shown = st.toggle("Show the ranges", value=True, key="engagement_shown")
        if not shown:
            return
        chosen = _choose(report.engagement)
    _own_posts(visit)
    try:
        found = report.engagement if chosen == _OWN else with_population(report, chosen).engagement
    except ViralityError as error:
        alert(str(error))
        return
    assert found is not None
    st.html(f'<p class="rv-prose">{html_text.safe(html_text.capital(found.population))}.</p>{_table(found)}')
    st.altair_chart(chart(found), width="stretch", key="engagement_chart")
    st.html('<ul class="rv-list">' + "".join(f"<li>{html_text.safe(note)}</li>" for note in found.notes) + "</ul>")


def _choose(found: Engagement) -> str:
    """What to read the ranges from: a collection of posts, or the visitor's own where there are some."""
    titles = dict(populations())
    own = found.own_posts is not None
    if own:
        titles = {_OWN: found.population} | titles
    chosen = st.selectbox(
        "Read from",
        list(titles),
        index=list(titles).index(_OWN if own else found.collection),
        format_func=lambda name: html_text.capital(titles[name]),
        key=f"engagement_{'own' if own else 'collection'}",
    )
    return str(chosen)


def _own_posts(visit: Visit) -> None:
    """Takes the visitor's own posts in, which are fitted and let go; what was learned goes with the visit."""
    if visit.history is not None:
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            said = [f"Learned from your {visit.history.posts} posts; the file itself was let go.", *visit.history_notes]
            st.html('<p class="rv-soft">' + " ".join(map(html_text.safe, said)) + "</p>")
            if st.button("Forget my posts", key="forget_posts"):
                visit.use_history(None)
                st.rerun()
        return
    if visit.fitting is not None:
        _watch(visit)
        return
    with st.expander("Read it from your own past posts instead", expanded=bool(visit.history_error)):
        upload = st.file_uploader(
            "Your posts: a CSV (likes, comments, shares, saves or plays; posted_at, caption, duration_s), or "
            "Instagram's or TikTok's own data export in JSON (the ZIP as it came, without the videos)",
            type=["csv", "json", "zip"],
            max_upload_size=MAX_BYTES // 2**20,
            key="own_posts",
        )
        if upload is not None and upload.file_id != visit.history_file:
            visit.history_file, visit.history_error = upload.file_id, ""
            try:
                with st.spinner("Reading your posts"):
                    posts = read_own_posts_apart(upload.getvalue(), printable(upload.name))
                visit.ask_history(engine(), posts)
            except ViralityError as error:
                visit.history_error = str(error)
            else:
                st.rerun()
        if visit.history_error:
            alert(visit.history_error)


@st.fragment(run_every=_EVERY_SECONDS)
def _watch(visit: Visit) -> None:
    job = visit.fitting
    if job is None or job.ended:
        st.rerun()
    st.progress(0.0, text="Learning from your posts" if job.state == "running" else "In line")
    if st.button("Stop", key="stop_fitting"):
        job.cancel()
        st.rerun()


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
        x=alt.X("low:Q", scale=alt.Scale(type="log"), axis=axis, title="count, logarithmic"), x2="high:Q"
    )
    middle = base.mark_tick(thickness=3, size=20).encode(
        x="median:Q",
        tooltip=[
            alt.Tooltip("count:N", title="of"),
            alt.Tooltip("low:Q", title="one in ten under", format=",.0f"),
            alt.Tooltip("median:Q", title="half over", format=",.0f"),
            alt.Tooltip("high:Q", title="one in ten over", format=",.0f"),
        ],
    )
    layered: alt.LayerChart = bar + middle
    return layered


def _table(found: Engagement) -> str:
    heads = ("", "Half get over", "80 % between")
    rows = "".join(
        f'<tr><th scope="row">{html_text.capital(name)}</th><td data-label="{heads[1]}">{wording.count(of.median)}</td>'
        f'<td data-label="{heads[2]}">{wording.count(of.low)} and {wording.count(of.high)}</td></tr>'
        for name, of in _ranges(found)
    )
    columns = "".join(f'<th scope="col">{head}</th>' for head in heads)
    return f'<table class="rv-table"><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table>'


def _ranges(found: Engagement) -> list[tuple[str, Any]]:
    named = [(name, getattr(found, name)) for name in COUNTS]
    return [(name, of) for name, of in named if of is not None]
