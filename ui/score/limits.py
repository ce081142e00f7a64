"""What was skipped and why, what was missing in the file, what ran, and what the score can't know."""

from __future__ import annotations

import streamlit as st

from ui import html_text
from ui.styles import heading
from virality_core.models import weights
from virality_core.report import wording
from virality_core.types import ModelInfo, Post, Report, Skipped

CANNOT_KNOW = (
    "This is a pre-flight check of the reel itself, not a forecast of its reach. How large the account is explains "
    "most of how far a post goes, and picture quality is not engagement. The score does not know your account, your "
    "topic, the day's trends, or who will see the reel first. A high score says that the reel itself won't hold the "
    "post back. Nor is the score a percentile: 62 means that 62 of 100 points were won, not that 62 of 100 reels are "
    "worse."
)


def show(report: Report, post: Post) -> None:
    """Everything a careful reader asks about how far to trust the score."""
    missing = [skip for skip in report.skipped if wording.weighs(skip.name)]
    if missing:
        heading("Not measured", "These had nothing to go by. Their weight was shared out among the rest.")
        st.html(f'<ul class="rv-list">{"".join(_item(skip.name, skip.reason) for skip in missing)}</ul>')
    unweighed = _unweighed(report)
    if unweighed:
        heading(
            "Without weight in the score",
            "These add or cost no points: what was read, and why the others could not be.",
        )
        st.html(f'<ul class="rv-list">{unweighed}</ul>')
    heading("What this score covers")
    share = "All" if report.coverage >= 1 else f"{100 * report.coverage:.0f} %"
    st.html(
        f'<p class="rv-prose">{share} of what the score weighs was measured in this reel. '
        f"{html_text.safe(CANNOT_KNOW)}</p>"
    )
    with st.expander("What ran, and your post as it was read"):
        st.html(_ran(report) + _post(post))


def _unweighed(report: Report) -> str:
    counted = {contribution.signal for contribution in report.contributions}
    read = [
        _item(signal.name, f"{html_text.capital(wording.says(signal))}.")
        for signal in report.signals
        if signal.name not in counted
    ]
    not_read: list[Skipped] = [skip for skip in report.skipped if not wording.weighs(skip.name)]
    return "".join([*read, *(_item(skip.name, skip.reason) for skip in not_read)])


def _item(name: str, what: str) -> str:
    return f"<li><b>{html_text.safe(wording.title(name))}</b>: {html_text.safe(what)}</li>"


def _model(model: ModelInfo) -> str:
    which = model.variant if weights.has_both_variants(model.id) else "the only one"
    return f"{model.id} ({which}, sha256 {model.sha256[:12]}…)"


def _ran(report: Report) -> str:
    ran = report.provenance
    models = ", ".join(_model(model) for model in ran.models) or "none"
    stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in report.timings.items() if stage != "total")
    video = ran.video
    picture = f"{video.codec}, {video.width} × {video.height}, {video.frame_rate:.3g} frames a second"
    audio = "none" if video.audio is None else f"{video.audio.codec}, {video.audio.sample_rate} Hz"
    facts = {
        "Profile": f"{ran.profile}; ran: {ran.ran}",
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
        "Accounts followed": "not stated" if post.following is None else f"{post.following:,}",
        "Videos of the account": "not stated" if post.videos is None else f"{post.videos:,}",
        "Posted at": "not stated" if post.posted_at is None else f"{post.posted_at:%Y-%m-%d %H:%M %Z}",
        "Music": post.music or "not stated",
    }
    caption = html_text.safe(post.caption) or "No caption."
    return f'{_facts(facts)}<div class="rv-caption" dir="auto" tabindex="0" aria-label="Caption">{caption}</div>'


def _facts(facts: dict[str, str]) -> str:
    rows = "".join(f"<dt>{html_text.safe(key)}</dt><dd>{html_text.safe(what)}</dd>" for key, what in facts.items())
    return f'<dl class="rv-facts">{rows}</dl>'
