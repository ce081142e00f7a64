"""What was skipped and why, what was missing in the file, what ran, and what the score can't know."""

from __future__ import annotations

import streamlit as st

from pages.components import text
from pages.components.styles import heading
from virality_core.types import Post, Report

CANNOT_KNOW = (
    "This is a pre-flight check of the reel itself, not a forecast of its reach. How large the account is explains "
    "most of how far a post goes, and picture quality is not engagement. The score does not know your account, your "
    "topic, the day's trends, or who will see the reel first. A high score says that the reel itself won't hold the "
    "post back."
)


def show(report: Report, post: Post) -> None:
    """Everything a careful reader asks about how far to trust the score."""
    if report.skipped:
        heading("Not measured", "These had nothing to go by. Their weight was shared out among the rest.")
        items = "".join(
            f"<li><b>{text.safe(text.title(s.name))}</b>: {text.safe(s.reason)}</li>" for s in report.skipped
        )
        st.html(f'<ul class="rv-list">{items}</ul>')
    if report.notes:
        heading("About this file")
        st.html(
            '<ul class="rv-list">'
            + "".join(f'<li dir="auto">{text.safe(note)}</li>' for note in report.notes)
            + "</ul>"
        )
    heading("What this score covers")
    share = "All" if report.coverage >= 1 else f"{report.coverage:.0%}"
    st.html(
        f'<p class="rv-prose">{share} of what the score weighs was measured in this reel. {text.safe(CANNOT_KNOW)}</p>'
    )
    with st.expander("What ran, and your post as it was read"):
        st.html(_ran(report) + _post(post))


def _ran(report: Report) -> str:
    ran = report.provenance
    models = ", ".join(f"{model.id} ({model.variant}, sha256 {model.sha256[:12]}…)" for model in ran.models) or "none"
    stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in report.timings.items() if stage != "total")
    video = ran.video
    picture = f"{video.codec}, {video.width} × {video.height}, {video.frame_rate:.3g} frames a second"
    audio = "none" if video.audio is None else f"{video.audio.codec}, {video.audio.sample_rate} Hz"
    facts = {
        "Profile": f"{ran.profile}: {ran.ran} weights",
        "Device": ran.device,
        "Weights": models,
        "Weighing": f"{ran.fusion} (stated weights, each with its reason)" if ran.fusion == "prior" else ran.fusion,
        "Took": f"{report.timings['total']:.1f} s ({stages})",
        "Video": f"{picture}, {video.transfer.upper()}",
        "Sound": audio,
        "Version": ran.version,
    }
    return _facts(facts)


def _post(post: Post) -> str:
    facts = {
        "Platform": post.platform or "not stated",
        "Followers": "not stated" if post.followers is None else f"{post.followers:,}",
    }
    caption = text.safe(post.caption) or "No caption."
    return f'{_facts(facts)}<div class="rv-caption" dir="auto" tabindex="0" aria-label="Caption">{caption}</div>'


def _facts(facts: dict[str, str]) -> str:
    rows = "".join(f"<dt>{text.safe(key)}</dt><dd>{text.safe(what)}</dd>" for key, what in facts.items())
    return f'<dl class="rv-facts">{rows}</dl>'
