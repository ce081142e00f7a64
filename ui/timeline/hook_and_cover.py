"""The hook apart, and the best cover frame."""

from __future__ import annotations

import base64

import streamlit as st

from ui import html_text
from ui.timeline import chart
from virality_core.report import wording
from virality_core.types import HOOK_SECONDS, Report


def show(report: Report) -> None:
    """The two cards; a card whose signal was skipped is left out."""
    cards = [card for card in (_hook(report), _cover(report)) if card]
    if cards:
        st.html(f'<div class="rv-cards">{"".join(cards)}</div>')


def _hook(report: Report) -> str:
    signal, whole = report.signal("hook"), report.signal("aesthetics")
    if signal is None:
        return ""
    compared = ""
    if whole is not None:
        gap = signal.value - whole.value
        word = "stronger than" if gap > 0.05 else "weaker than" if gap < -0.05 else "level with"
        compared = f"The opening looks {word} the reel as a whole ({wording.plain(whole.name, whole.value)})."
    return _card(
        f"The hook, first {HOOK_SECONDS:.0f} seconds",
        f"{wording.plain(signal.name, signal.value)} of 10",
        f"{html_text.capital(wording.says(signal))}. {compared}",
        report,
        0.0,
    )


def _cover(report: Report) -> str:
    at = chart.cover_seconds(report)
    signal = report.signal("aesthetics")
    if at is None or signal is None:
        return ""
    mark = getattr(signal.details, "cover_value", signal.value)
    rule = str(getattr(signal.details, "cover_rule", ""))
    sentence = (
        f"The frame at {wording.clock(at)} is rated {wording.plain(signal.name, float(mark))} of 10 for looks: {rule}."
    )
    return _card("Best cover frame", wording.clock(at), sentence, report, at)


def _card(title: str, figure: str, sentence: str, report: Report, second: float) -> str:
    frames = report.thumbnails
    picture = ""
    if frames is not None and len(frames):
        row = chart.nearest(frames.seconds, second)
        data = base64.b64encode(chart.jpeg(frames, row, height=240)).decode()
        at = wording.clock(float(frames.seconds[row]))
        picture = f'<img src="data:image/jpeg;base64,{data}" alt="The reel\'s frame at {at}">'
    return (
        f'<section class="rv-card rv-shot">{picture}<div><h3>{html_text.safe(title)}</h3>'
        f"<strong>{html_text.safe(figure)}</strong><p>{html_text.safe(sentence)}</p></div></section>"
    )
