"""Found text and a platform's safe zone, drawn over the frame that is shown.

Streamlit's `st.html` drops SVG, so the drawing is a picture of its own: an SVG that holds the frame too.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from ui import html_text, picture
from ui.timeline import chart
from virality_core.config import safe_zones
from virality_core.report import wording
from virality_core.report.platform_check import NAMES
from virality_core.types import Platform, Post, Report

TOGGLE = "draw_text"  # its place in the session's state
_TEXT = "onscreen_text"
_FREE, _COVERED = "#58e0c4", "#ff9d6b"  # on a dark edge each, so that both are seen on any picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What is drawn: the text boxes that were found, and the safe zone of a platform if one was chosen."""

    details: Any
    searched: tuple[float, ...]  # seconds of the frames that were searched for text
    platform: Platform | None


def choose(report: Report, post: Post, *, on_toggle: Callable[[], None]) -> Drawn | None:
    """The toggle, and the platform whose zone is drawn; None where nothing is to be drawn.

    `on_toggle` is called before the page runs again, so that the frame shown can be one that was searched.
    """
    signal = report.signal(_TEXT)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        if not st.toggle("Draw text and safe zones", key=TOGGLE, on_change=on_toggle):
            return None
        if signal is None or signal.timeline is None:
            skipped = next((skip.reason for skip in report.skipped if skip.name == _TEXT), "")
            st.html(f'<p class="rv-soft">Nothing can be drawn: text was not looked for. {html_text.safe(skipped)}</p>')
            return None
        known: list[Platform | None] = [None, *NAMES]
        platform = st.selectbox(
            "Safe zone of",
            known,
            index=known.index(post.platform),
            format_func=lambda name: "No platform" if name is None else NAMES[name],
            key="draw_zone",
            width=180,
        )
    return Drawn(details=signal.details, searched=tuple(signal.timeline.seconds.tolist()), platform=platform)


def nearest_searched(report: Report, row: int) -> int:
    """`row` where that frame was searched for text; else the nearest in which text was found, or that was searched."""
    signal, frames = report.signal(_TEXT), report.thumbnails
    if signal is None or signal.timeline is None or frames is None:
        return row
    searched = np.flatnonzero(np.isin(frames.seconds, signal.timeline.seconds))
    if row in searched or not len(searched):
        return row
    with_text = np.flatnonzero(np.isin(frames.seconds, [box.seconds for box in getattr(signal.details, "boxes", ())]))
    rows = with_text if len(with_text) else searched
    return int(rows[chart.nearest(frames.seconds[rows], float(frames.seconds[row]))])


def show(report: Report, drawn: Drawn, row: int) -> str:
    """The frame in `row` with what is drawn on it; returns what the drawing says, in words."""
    frames = report.thumbnails
    assert frames is not None
    second = float(frames.seconds[row])
    boxes = [box for box in drawn.details.boxes if box.seconds == second]
    height, width = frames.rgb.shape[1:3]
    platform = drawn.platform if not drawn.details.zones_note else None
    said = _said(drawn, second, boxes, platform)
    svg = _svg(chart.jpeg(frames, row), width, height, boxes, platform)
    picture.embedded(svg.encode(), "image/svg+xml", f"The reel's frame at {wording.clock(second)}. {said}")
    return said


def _said(drawn: Drawn, second: float, boxes: Sequence[Any], platform: Platform | None) -> str:
    """What was found in this frame and what of it may be covered; said where it is not known."""
    if second not in drawn.searched:
        nearest = min(drawn.searched, key=lambda at: abs(at - second), default=None)
        found = "This frame was not searched for text" + (
            "." if nearest is None else f"; the nearest that was is at {wording.clock(nearest)}."
        )
    elif not boxes:
        found = "No text was found in this frame."
    else:
        found = f"{html_text.counted(len(boxes), 'line')} of text found."
    if drawn.platform is None:
        return f"{found} Choose a platform to see what its buttons and captions may cover."
    if platform is None:
        return f"{found} {drawn.details.zones_note}"
    zone = safe_zones.zones()[platform]
    covered = sum(platform in box.covered_by for box in boxes)
    over = f" {covered} of them may be covered (dashed)." if covered else " All of it lies free." if boxes else ""
    return (
        f"{found}{over} Shaded: {safe_zones.in_words(platform)}, which {NAMES[platform]}'s buttons and captions may "
        f"cover, as of {zone['date']}; for the source see the platform check."
    )


def _svg(jpeg: bytes, width: int, height: int, boxes: Sequence[Any], platform: Platform | None) -> str:
    """The frame with its boxes and zone. Nothing in it is a stranger's text: figures alone."""
    frame = base64.b64encode(jpeg).decode()
    line = max(1.5, width / 180)
    parts = [f'<image href="data:image/jpeg;base64,{frame}" width="{width}" height="{height}"/>']
    if platform is not None:
        left, top, right, bottom = safe_zones.free(platform)
        inner = f"M{left * width:.1f} {top * height:.1f}H{right * width:.1f}V{bottom * height:.1f}H{left * width:.1f}Z"
        parts.append(f'<path d="M0 0H{width}V{height}H0Z{inner}" fill="#000" fill-opacity=".5" fill-rule="evenodd"/>')
        parts.append(f'<path d="{inner}" fill="none" stroke="#fff" stroke-width="{line / 2:.1f}"/>')
    for box in boxes:
        covered = platform is not None and platform in box.covered_by
        place = (
            f'x="{box.left * width:.1f}" y="{box.top * height:.1f}" width="{(box.right - box.left) * width:.1f}" '
            f'height="{(box.bottom - box.top) * height:.1f}" fill="none"'
        )
        dashes = f' stroke-dasharray="{3 * line:.1f} {2 * line:.1f}"' if covered else ""
        parts.append(f'<rect {place} stroke="#000" stroke-opacity=".7" stroke-width="{2 * line:.1f}"/>')
        colour = _COVERED if covered else _FREE
        parts.append(f'<rect {place} stroke="{colour}" stroke-width="{line:.1f}"{dashes}/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"{''.join(parts)}</svg>"
    )
