"""The caption, live: its sentiment word by word, its keywords and hashtags, and other wordings beside it."""

from __future__ import annotations

import math
import threading
from functools import partial

import streamlit as st

from pages.components import text
from pages.components.caption_words import coloured, probability_bars
from pages.components.styles import heading
from virality_core.captions import CaptionDesk, CaptionReading
from virality_core.errors import ViralityError
from virality_core.types import Platform

MAX_VARIANTS = 6
_MAX_CHARACTERS = 50_000
_one_at_a_time = threading.Lock()  # readings are a few hundredths of a second; they don't wait for reels


@st.cache_resource(show_spinner="Loading the caption model …")
def desk() -> CaptionDesk:
    """The caption models all visitors share."""
    return CaptionDesk("auto")


def read(caption: str, platform: Platform | None) -> CaptionReading:
    """Read a caption, one at a time for all visitors. Raises ViralityError where the models can't be had."""
    with _one_at_a_time:
        return desk().read(caption, platform)


@st.fragment
def section(caption: str, platform: Platform | None, *, key: str) -> None:
    """The caption as it was sent, open to changes: each change is read anew without touching the reel."""
    heading("The caption", "Change it and click outside the box: it is read again at once. Nothing here is kept.")
    edited = st.text_area("Caption to read", value=caption, key=f"{key}-caption", height=100, max_chars=_MAX_CHARACTERS)
    look = partial(read, platform=platform)
    try:
        reading = look(edited or "")
    except ViralityError as error:
        st.html(f'<div class="rv-alert" role="alert">{text.safe(str(error))}</div>')
        return
    if not (edited or "").strip():
        return
    notes = "".join(f'<p class="rv-soft" dir="auto">{text.safe(note)}</p>' for note in reading.notes)
    st.html(_sentiment(reading) + notes + _keywords(reading) + _hashtags(reading))
    with st.expander("Try other captions"):
        lines = st.text_area(
            f"Other wordings, one a line (up to {MAX_VARIANTS})",
            key=f"{key}-variants",
            height=120,
            max_chars=_MAX_CHARACTERS,
        )
        wordings = [line for line in (lines or "").splitlines() if line.strip()][:MAX_VARIANTS]
        if wordings:
            st.html(_compared(reading, [look(wording) for wording in wordings]))


def _sentiment(reading: CaptionReading) -> str:
    if not reading.sentiment_holds:
        return ""
    return (
        f'<div class="rv-two"><div><p class="rv-eyebrow">How it sounds</p>{probability_bars(reading.sentiment)}</div>'
        f'<div><p class="rv-eyebrow">Which words make it so</p>{coloured(reading)}</div></div>'
    )


def _keywords(reading: CaptionReading) -> str:
    if reading.keywords is None:
        return ""
    line = reading.keywords.first_line
    items = [
        f"<li><b>{text.safe(found.title)}</b>: "
        + ", ".join(f'<q dir="auto">{text.safe(word.text)}</q>' for word in found.words)
        + f" <span>({text.safe(found.means)})</span></li>"
        for found in reading.keywords.findings
    ]
    hidden = f", {line.hidden_words} words are hidden behind “more”" if line.hidden_words else ", nothing is hidden"
    items.append(f"<li><b>First line</b>: {line.words} words show before the cut{hidden}.</li>")
    fit = reading.fit
    if fit is None:
        said = "What keywords go with was not fitted for this language."
    elif fit.counting:
        said = f"Measured on {fit.posts:,} captions of {fit.collection}: {', '.join(fit.counting)} count."
    else:
        said = (
            f"In {fit.posts:,} captions of {fit.collection} none of these went with more or less engagement: "
            "they carry no points."
        )
    return (
        f'<p class="rv-eyebrow">What it does</p><ul class="rv-list">{"".join(items)}</ul>'
        f'<p class="rv-soft">{text.safe(said)}</p>'
    )


def _hashtags(reading: CaptionReading) -> str:
    found = reading.hashtags
    if not found.tags:
        return '<p class="rv-eyebrow">Hashtags</p><p class="rv-soft">None in this caption.</p>'
    rows = []
    for tag in found.tags:
        row = tag.counted
        if row is not None and row.lift is not None:
            seen = (
                f"posts with it did × {math.exp(row.lift):.2f} what their author's size predicts; {row.posts} posts of "
                f"{row.authors} authors, {row.population.name}, to {(row.population.last or 'unknown')[:10]}"
            )
        elif tag.rows:
            first = tag.rows[0]
            seen = f"{first.posts} posts of {first.authors} authors in {first.population.name}; no effect measured"
        else:
            seen = "not in the data: unknown, which is not average"
        rows.append(f'<li><b dir="auto">{text.safe(tag.tag.text)}</b> <span>{tag.kind}</span>: {text.safe(seen)}</li>')
    limit = ""
    if found.platform is not None:
        over = found.over_limit or 0
        limit = f"{len(found.tags)} of at most {found.platform.hashtag_limit} on {found.platform.name}" + (
            f": {over} too many." if over else "."
        )
    return (
        f'<p class="rv-eyebrow">Hashtags</p><ul class="rv-list">{"".join(rows)}</ul>'
        f'<p class="rv-soft">{text.safe(limit)}</p>'
    )


def _compared(first: CaptionReading, others: list[CaptionReading]) -> str:
    """A table of wordings: positive share and its change, what keywords came and went, number of hashtags."""
    rows = []
    for number, reading in enumerate([first, *others]):
        rows.append(
            f'<tr><td dir="auto">{text.safe(reading.text[:160])}</td><td>{_positive(reading)}</td>'
            f"<td>{'' if number == 0 else _change(first, reading)}</td>"
            f"<td>{text.safe(_came_and_went(first, reading)) if number else ''}</td>"
            f"<td>{len(reading.hashtags.tags)}</td></tr>"
        )
    return (
        '<table class="rv-table"><thead><tr><th>Caption</th><th>Positive</th><th>Change</th>'
        f"<th>Keywords</th><th>Hashtags</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _positive(reading: CaptionReading) -> str:
    return f"{reading.sentiment.probabilities.positive:.0%}" if reading.sentiment_holds else "not read"


def _change(first: CaptionReading, reading: CaptionReading) -> str:
    if not (first.sentiment_holds and reading.sentiment_holds):
        return "–"
    change = reading.sentiment.probabilities.positive - first.sentiment.probabilities.positive
    return f"{'▲' if change > 0 else '▼' if change < 0 else ''} {100 * change:+.0f} points"


def _came_and_went(first: CaptionReading, reading: CaptionReading) -> str:
    before, after = (
        {found.title for found in each.keywords.findings} if each.keywords else set() for each in (first, reading)
    )
    came, went = sorted(after - before), sorted(before - after)
    return ", ".join([f"+ {title}" for title in came] + [f"− {title}" for title in went]) or "same"
