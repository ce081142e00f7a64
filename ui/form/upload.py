"""The form: a reel, its caption, and what is known of the account; or the sample reel with one click."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import html_text, picture
from ui.form import account
from virality_core.files import printable
from virality_core.media import DEFAULT_LIMITS
from virality_core.types import MAX_FOLLOWERS, Platform, Post

MAX_UPLOAD_MB = DEFAULT_LIMITS.max_bytes // 2**20  # Streamlit counts in MB of 2^20 bytes
MAX_CAPTION_CHARACTERS = 50_000
MAX_MUSIC_CHARACTERS = 200
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
    """The form in this run: what is typed, the wish in the run that follows a button.

    `read_now`: the caption is to be read without a reel. `notice`: room at the button for what went wrong.
    """

    typed: Post
    wish: Wish | None
    read_now: bool
    notice: DeltaGenerator


def form(draft: Post, error: str) -> Form:
    """Show the form, filled with `draft`, and at its button the `error` that the last reel ended with."""
    # A Streamlit form: its buttons can't be pressed during an upload, and each sends all that is typed.
    with st.form("reel"):
        left, right = st.columns([5, 6], gap="medium")
        with left:
            upload = st.file_uploader(
                "Your reel: drop it here, or choose a file",
                type=list(FILE_TYPES),
                max_upload_size=MAX_UPLOAD_MB,
                key="reel_file",
            )
            st.html(f'<p class="rv-soft">{limits_sentence()}</p>')
        with right:
            typed, unusable = _post(draft)
        with st.container(horizontal=True, gap="small"):
            sent = st.form_submit_button("Score this reel", type="primary", width="stretch", key="score")
            read_now = st.form_submit_button("Read the caption only", key="read_caption")
        notice = st.container(key="notice", gap=None)
        sample = _sample()
    with notice:
        if sent and upload is None:
            alert("Choose a video file first, or try the sample reel.")
        elif sent and upload is not None and upload.size > DEFAULT_LIMITS.max_bytes:
            alert(f"This file is larger than {MAX_UPLOAD_MB} MB; export it at a lower bit rate.")
            sent = False
        elif sent and unusable:
            alert(unusable)
            sent = False
        elif read_now and not typed.caption.strip():
            alert("There is no caption to read; write one first.")
        elif read_now and unusable:
            alert(unusable)
            read_now = False
        elif error and not sent:
            alert(error)
    wish = None
    if sample:
        post = Post(caption=SAMPLE_CAPTION)
        wish = Wish(source=BytesIO(SAMPLE.read_bytes()), name=SAMPLE.name, post=post, typed=typed)
    elif sent and upload is not None:
        # A fresh BytesIO over the same bytes: Streamlit's own object is closed over by the widget's state.
        wish = Wish(source=BytesIO(upload.getvalue()), name=printable(upload.name), post=typed, typed=typed)
    return Form(typed=typed, wish=wish, read_now=read_now and bool(typed.caption.strip()), notice=notice)


def _post(draft: Post) -> tuple[Post, str]:
    """What was typed, and one sentence on what of it can't be used."""
    caption = st.text_area(
        "Caption",
        value=draft.caption,
        key="caption",
        height=126,
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
        help="Narrows the ranges of likes and plays. It moves no points.",
    )
    music = st.text_input(
        "Music (optional)",
        value=draft.music or "",
        key="music",
        placeholder="Title of the music it uses, as the platform shows it",
        help="How many videos use it and how posts with it did, where that is known. It moves no points.",
    )
    more = account.ask(draft)
    typed = Post(
        caption=caption or "",
        platform=_PLATFORMS[platform or "Any"],
        followers=followers,
        music=(music or "").strip() or None,
        following=more.following,
        videos=more.videos,
        posted_at=more.posted_at,
    )
    too_long = too_long_caption(typed.caption)
    if len(typed.music or "") > MAX_MUSIC_CHARACTERS:
        too_long = f"The music's title has {len(typed.music or ''):,} characters; up to {MAX_MUSIC_CHARACTERS} work."
    return typed, too_long or more.error


def too_long_caption(caption: str) -> str:
    """One sentence where a caption is longer than is read. A text box with a limit would drop a long paste silently."""
    if len(caption) <= MAX_CAPTION_CHARACTERS:
        return ""
    return f"The caption has {len(caption):,} characters; up to {MAX_CAPTION_CHARACTERS:,} work."


def _place(platform: Platform | None) -> int:
    return list(_PLATFORMS.values()).index(platform)


def _sample() -> bool:
    """The invitation to try the page without a reel of one's own; whether it was taken up."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="sample"):
        with st.container(width=220):
            scenes = "Four drawn scenes: a sunrise, a boat, a night forest, balloons"
            picture.embedded(_SAMPLE_STRIP.read_bytes(), "image/jpeg", scenes)
        with st.container(width=360, gap="xsmall"):
            st.html(
                '<p class="rv-soft">No reel at hand? Here is one of ours, drawn for this page, ten seconds long.</p>'
            )
            return st.form_submit_button("Try the sample reel", icon=":material/play_arrow:", key="try_sample")


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
    st.html(f'<div class="rv-alert" role="alert" dir="auto">{html_text.safe(sentence)}</div>')
