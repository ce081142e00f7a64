"""Two cards: the hook, and the best cover frame."""

from __future__ import annotations

import streamlit as st

from ui import picture
from ui.html_text import capital, safe
from ui.timeline import chart
from virality_core.report import wording
from virality_core.types import HOOK_SECONDS, Report


def show(report: Report) -> None:
    """The cards; a card whose signal was skipped is left out."""
    if cards := _hook(report) + _cover(report):
        st.html(f'<div class="rv-cards">{cards}</div>')


def _hook(report: Report) -> str:
    signal, reel = report.signal("hook"), report.signal("aesthetics")
    if signal is None:
        return ""
    text = f"{capital(wording.describe(signal))}."
    if reel is not None:
        gap = signal.value - reel.value
        looks = "better than" if gap > 0.05 else "worse than" if gap < -0.05 else "about as good as"
        text += f" The opening looks {looks} the reel as a whole ({wording.short(reel.name, reel.value)})."
    figure = f"{wording.short(signal.name, signal.value)} of 10"
    return _card(f"Hook: the first {HOOK_SECONDS:.0f} seconds", figure, text, report, 0.0)


def _cover(report: Report) -> str:
    second, signal = chart.cover_seconds(report), report.signal("aesthetics")
    if second is None or signal is None:
        return ""
    rating = wording.short(signal.name, float(getattr(signal.details, "cover_value", signal.value)))
    text = f"Rated {rating} of 10 for looks, the highest of the frames we checked."
    return _card("Best cover frame", wording.clock(second), text, report, second)


def _card(title: str, figure: str, text: str, report: Report, second: float) -> str:
    frames, image = report.thumbnails, ""
    if frames is not None and len(frames):
        row = picture.nearest(frames.seconds, second)
        url = picture.data_url(picture.jpeg(frames, row, height=240))
        image = f'<img src="{url}" alt="Frame at {wording.clock(float(frames.seconds[row]))}">'
    return (
        f'<section class="rv-card rv-shot">{image}<div><h3>{safe(title)}</h3>'
        f"<strong>{safe(figure)}</strong><p>{safe(text)}</p></div></section>"
    )
