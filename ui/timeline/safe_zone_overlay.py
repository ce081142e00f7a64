"""On-screen text and a platform's safe zone, drawn over the frame that is shown.

Streamlit's `st.html` drops inline SVG, so the drawing is an image: an SVG that also holds the frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from ui import picture
from ui.html_text import counted
from ui.styles import note
from virality_core.config import safe_zones
from virality_core.report import wording
from virality_core.report.platform_check import NAMES
from virality_core.types import Platform, Post, Report

TOGGLE = "draw_text"  # its key in the session's state
_TEXT = "onscreen_text"
_FREE, _COVERED = "#58e0c4", "#ff9d6b"  # each on a dark edge, so that both show on any picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """What is drawn: the text boxes that were found, and the safe zone of a platform if one was chosen."""

    details: Any
    searched: tuple[float, ...]  # seconds of the frames that were searched for text
    platform: Platform | None


def choose(report: Report, post: Post, *, on_toggle: Callable[[], None]) -> Overlay | None:
    """The toggle and the choice of a platform; None if nothing is to be drawn.

    `on_toggle` is called before the page runs again, so that it can switch to a frame that was searched for text.
    """
    signal = report.signal(_TEXT)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        if not st.toggle("Show text and safe zones", key=TOGGLE, on_change=on_toggle):
            return None
        if signal is None or signal.timeline is None:
            skipped = next((skip.reason for skip in report.skipped if skip.name == _TEXT), "")
            note(f"We didn't look for text in this reel. {skipped}")
            return None
        known: list[Platform | None] = [None, *NAMES]
        platform = st.selectbox(
            "Safe zone for",
            known,
            index=known.index(post.platform),
            format_func=lambda name: "None" if name is None else NAMES[name],
            key="draw_zone",
            width=180,
        )
    return Overlay(details=signal.details, searched=tuple(signal.timeline.seconds.tolist()), platform=platform)


def nearest_searched(report: Report, row: int) -> int:
    """`row` if that frame was searched for text, else the nearest frame with text, else the nearest searched."""
    signal, frames = report.signal(_TEXT), report.thumbnails
    if signal is None or signal.timeline is None or frames is None:
        return row
    searched = np.flatnonzero(np.isin(frames.seconds, signal.timeline.seconds))
    if row in searched or not len(searched):
        return row
    with_text = np.flatnonzero(np.isin(frames.seconds, [box.seconds for box in getattr(signal.details, "boxes", ())]))
    rows = with_text if len(with_text) else searched
    return int(rows[picture.nearest(frames.seconds[rows], float(frames.seconds[row]))])


def show(report: Report, overlay: Overlay, row: int) -> str:
    """Show the frame in `row` with the overlay; returns a description of it."""
    frames = report.thumbnails
    assert frames is not None
    second = float(frames.seconds[row])
    boxes = [box for box in overlay.details.boxes if box.seconds == second]
    height, width = frames.rgb.shape[1:3]
    platform = overlay.platform if not overlay.details.zones_note else None
    description = _description(overlay, second, boxes, platform)
    svg = _svg(picture.data_url(picture.jpeg(frames, row)), width, height, boxes, platform)
    picture.embed(svg.encode(), "image/svg+xml", f"Frame at {wording.clock(second)}. {description}")
    return description


def _description(overlay: Overlay, second: float, boxes: Sequence[Any], platform: Platform | None) -> str:
    """Which text was found in this frame, and how much of it may be covered."""
    if second not in overlay.searched:
        text = "We didn't look for text in this frame."
        if overlay.searched:
            nearest = min(overlay.searched, key=lambda searched: abs(searched - second))
            text += f" The nearest frame we checked is at {wording.clock(nearest)}."
    elif not boxes:
        text = "No text found in this frame."
    else:
        text = f"{counted(len(boxes), 'line')} of text found."
    if overlay.platform is None:
        return f"{text} Choose a platform to see what its buttons and captions may cover."
    if platform is None:
        return f"{text} {overlay.details.zones_note}"
    covered = sum(platform in box.covered_by for box in boxes)
    if boxes:
        text += f" {covered} of them may be covered (dashed)." if covered else " None of it is covered."
    return (
        f"{text} Shaded: {safe_zones.covered_sides(platform)}. {NAMES[platform]}'s buttons and captions may cover this "
        f"(as of {safe_zones.zones()[platform]['date']})."
    )


def _svg(frame_url: str, width: int, height: int, boxes: Sequence[Any], platform: Platform | None) -> str:
    """The frame with its boxes and zone. There is no untrusted text in it, only numbers."""
    line = max(1.5, width / 180)
    parts = [f'<image href="{frame_url}" width="{width}" height="{height}"/>']
    if platform is not None:
        left, top, right, bottom = safe_zones.visible_area(platform)
        inner = f"M{left * width:.1f} {top * height:.1f}H{right * width:.1f}V{bottom * height:.1f}H{left * width:.1f}Z"
        parts.append(f'<path d="M0 0H{width}V{height}H0Z{inner}" fill="#000" fill-opacity=".5" fill-rule="evenodd"/>')
        parts.append(f'<path d="{inner}" fill="none" stroke="#fff" stroke-width="{line / 2:.1f}"/>')
    for box in boxes:
        covered = platform is not None and platform in box.covered_by
        rectangle = (
            f'x="{box.left * width:.1f}" y="{box.top * height:.1f}" width="{(box.right - box.left) * width:.1f}" '
            f'height="{(box.bottom - box.top) * height:.1f}" fill="none"'
        )
        dashes = f' stroke-dasharray="{3 * line:.1f} {2 * line:.1f}"' if covered else ""
        parts.append(f'<rect {rectangle} stroke="#000" stroke-opacity=".7" stroke-width="{2 * line:.1f}"/>')
        color = _COVERED if covered else _FREE
        parts.append(f'<rect {rectangle} stroke="{color}" stroke-width="{line:.1f}"{dashes}/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"{''.join(parts)}</svg>"
    )
