"""How far to trust the score: what wasn't measured, what isn't scored, what the score can't know, what was used."""

from __future__ import annotations

import streamlit as st

from ui.html_text import bullets, capital, facts, safe
from ui.styles import heading, prose
from virality_core.models import weights
from virality_core.report import wording
from virality_core.types import ModelInfo, Post, Report

CANNOT_KNOW = (
    "This checks the reel itself. It is not a forecast of its reach: account size explains most of how far a post "
    "goes, and picture quality is not engagement. The score doesn't know your account, your topic, today's trends, or "
    "who will see the reel first. A high score means that the reel itself won't hold the post back. The score is not a "
    "percentile: 62 means 62 of 100 points, not better than 62 of 100 reels."
)


def show(report: Report, post: Post) -> None:
    """Everything that a careful reader asks about the score."""
    missing = [skip for skip in report.skipped if wording.has_share(skip.name)]
    if missing:
        heading("Not measured", "These couldn't be measured. Their share of the score went to the others.")
        st.html(bullets(_item(skip.name, skip.reason) for skip in missing))
    scored = {contribution.signal for contribution in report.contributions}
    not_scored = [
        *(_item(one.name, f"{capital(wording.describe(one))}.") for one in report.signals if one.name not in scored),
        *(_item(skip.name, skip.reason) for skip in report.skipped if not wording.has_share(skip.name)),
    ]
    if not_scored:
        heading("Shown but not scored", "These don't add or cost points.")
        st.html(bullets(not_scored))
    heading("What this score covers")
    share = "All" if report.coverage >= 1 else f"{100 * report.coverage:.0f} %"
    prose(f"{share} of the score could be measured in this reel. {CANNOT_KNOW}")
    with st.expander("Technical details and your post"):
        st.html(_technical_details(report) + _post(post))


def _item(name: str, text: str) -> str:
    return f"<b>{safe(wording.title(name))}</b>: {safe(text)}"


def _technical_details(report: Report) -> str:
    used, video = report.provenance, report.provenance.video
    stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in report.timings.items() if stage != "total")
    picture = f"{video.codec}, {video.width} × {video.height}, {video.frame_rate:.3g} frames per second"
    return facts(
        {
            "Profile": f"{used.profile}, used: {used.ran}",
            "Device": used.device,
            "Models": ", ".join(map(_model, used.models)) or "none",
            "Shares": "standard (prior)" if used.fusion == "prior" else f"fitted ({used.fusion})",
            "Time": f"{report.timings['total']:.1f} s ({stages})",
            "Video": f"{picture}, {video.transfer.upper()}",
            "Sound": "none" if video.audio is None else f"{video.audio.codec}, {video.audio.sample_rate} Hz",
            "Version": used.version,
        }
    )


def _model(model: ModelInfo) -> str:
    variant = f"{model.variant}, " if weights.has_both_variants(model.id) else ""
    return f"{model.id} ({variant}sha256 {model.sha256[:12]}…)"


def _post(post: Post) -> str:
    given = {
        "Platform": post.platform,
        "Followers": None if post.followers is None else f"{post.followers:,}",
        "Following": None if post.following is None else f"{post.following:,}",
        "Videos posted": None if post.videos is None else f"{post.videos:,}",
        "Posting time": None if post.posted_at is None else f"{post.posted_at:%Y-%m-%d %H:%M %Z}",
        "Music": post.music,
    }
    caption = safe(post.caption) or "No caption."
    return (
        facts({name: value or "not given" for name, value in given.items()})
        + f'<div class="rv-caption" dir="auto" tabindex="0" aria-label="Caption">{caption}</div>'
    )
