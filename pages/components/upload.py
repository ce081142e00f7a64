"""The form: a reel, its caption, and what is known of the account; or the sample reel with one click."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.components import text
from virality_core.media import DEFAULT_LIMITS
from virality_core.types import MAX_FOLLOWERS, Platform, Post

MAX_UPLOAD_MB = DEFAULT_LIMITS.max_bytes // 2**20  # Streamlit counts in MB of 2^20 bytes
MAX_CAPTION_CHARACTERS = 50_000
FILE_TYPES = ("mp4", "mov", "m4v", "webm", "mkv", "avi", "gif")
SAMPLE = Path(__file__).resolve().parents[2] / "assets" / "sample_reel.mp4"
_SAMPLE_STRIP = SAMPLE.with_name("sample_strip.jpg")
SAMPLE_CAPTION = "Wait for the light ☀️ Which of the four would you wake up early for? #sunrise #slowtravel"

_PLATFORMS: dict[str, Platform | None] = {
    "Any": None,
    "Instagram": "instagram",
    "TikTok": "tiktok",
    "YouTube": "youtube",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a visitor asks to have scored. `typed` is what stood in the form, which the sample reel has no part in."""

    source: BytesIO
    name: str
    post: Post
    typed: Post


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The form as it stands in this run: what is typed, and the wish in the run that follows a button."""

    typed: Post
    wish: Wish | None


def form(draft: Post, error: str, forget_error: Callable[[], None]) -> Form:
    """Show the form, filled with `draft`.

    Args:
        draft: What the visitor typed before.
        error: Why the last reel was refused; shown at the button.
        forget_error: Called when another file is chosen, which the error is not about.
    """
    with st.container(border=True, key="reel_form"):
        left, right = st.columns([5, 6], gap="medium")
        with left:
            upload = st.file_uploader(
                "Your reel: drop it here, or choose a file",
                type=list(FILE_TYPES),
                max_upload_size=MAX_UPLOAD_MB,
                key="reel_file",
                on_change=forget_error,
            )
            st.html(f'<p class="rv-soft">{limits_sentence()}</p>')
        with right:
            typed = _post(draft)
        sent = st.button("Score this reel", type="primary", width="stretch", key="score")
        notice = st.container(key="notice", gap=None)
    if _sample():
        sample = Wish(
            source=BytesIO(SAMPLE.read_bytes()), name=SAMPLE.name, post=Post(caption=SAMPLE_CAPTION), typed=typed
        )
        return Form(typed=typed, wish=sample)
    refused = _refused(upload) if sent else error
    if refused:
        with notice:
            alert(refused)
    if not sent or refused or upload is None:
        return Form(typed=typed, wish=None)
    # A fresh BytesIO over the same bytes: Streamlit's own object is closed over by the widget's state.
    wish = Wish(source=BytesIO(upload.getvalue()), name=upload.name, post=typed, typed=typed)
    return Form(typed=typed, wish=wish)


def _post(draft: Post) -> Post:
    caption = st.text_area(
        "Caption",
        value=draft.caption,
        key="caption",
        height=126,
        max_chars=MAX_CAPTION_CHARACTERS,
        placeholder="What you will post with it, hashtags and all",
    )
    one, two = st.columns(2)
    platform = one.selectbox(
        "Platform",
        list(_PLATFORMS),
        index=_place(draft.platform),
        key="platform",
        help="Sets how much of your caption shows and how many hashtags are taken. It moves no points.",
    )
    followers = two.number_input(
        "Followers (optional)",
        min_value=0,
        max_value=MAX_FOLLOWERS,
        value=draft.followers,
        step=1,
        placeholder="Not stated",
        key="followers",
        help="Kept in your report. Nothing in the score uses it yet.",
    )
    return Post(caption=caption or "", platform=_PLATFORMS[platform or "Any"], followers=followers)


def _refused(upload: UploadedFile | None) -> str:
    """Why no reel can be scored with this file; empty where it can be tried."""
    if upload is None:
        return "Choose a video file first, or try the sample reel."
    if upload.size > DEFAULT_LIMITS.max_bytes:
        return f"This file is larger than {MAX_UPLOAD_MB} MB; export it at a lower bit rate."
    return ""


def _place(platform: Platform | None) -> int:
    return list(_PLATFORMS.values()).index(platform)


def _sample() -> bool:
    """The invitation to try the page without a reel of one's own; whether it was taken up."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="sample"):
        st.image(str(_SAMPLE_STRIP), width=220, alt="Four drawn scenes: a sunrise, a boat, a night forest, balloons")
        with st.container(width=360, gap="xsmall"):
            st.html(
                '<p class="rv-soft">No reel at hand? Here is one of ours, drawn for this page, ten seconds long.</p>'
            )
            return st.button("Try the sample reel", icon=":material/play_arrow:", key="try_sample")


def limits_sentence() -> str:
    """What the page takes in, and where it stays."""
    limits = DEFAULT_LIMITS
    return (
        f"Up to {MAX_UPLOAD_MB} MB, {limits.max_seconds / 60:.0f} minutes and 8K "
        f"({limits.max_pixels / 1e6:.0f} megapixels a frame). "
        "Your reel stays in memory while you are here and is gone when you leave."
    )


def alert(sentence: str) -> None:
    """One sentence of what went wrong; it may hold a file's name, so nothing in it is taken as markup."""
    st.html(f'<div class="rv-alert" role="alert" dir="auto">{text.safe(sentence)}</div>')
