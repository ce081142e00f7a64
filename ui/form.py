"""The form: a reel, its caption, and what is known about the account; or the sample reel with one click."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import picture
from ui.styles import alert, note
from virality_core.files import printable
from virality_core.media import DEFAULT_LIMITS
from virality_core.types import MAX_FOLLOWERS, Platform, Post

MAX_UPLOAD_MB = DEFAULT_LIMITS.max_bytes // 2**20  # Streamlit counts in MB of 2^20 bytes
MAX_CAPTION_CHARACTERS = 50_000
MAX_MUSIC_CHARACTERS = 200
FILE_TYPES = ("mp4", "mov", "m4v", "webm", "mkv", "avi", "gif")
SAMPLE = Path(__file__).resolve().parents[1] / "assets" / "sample_reel.mp4"
_SAMPLE_STRIP = SAMPLE.with_name("sample_strip.jpg")
SAMPLE_CAPTION = "Wait for the light ☀️ Which of the four would you wake up early for? #sunrise #slowtravel"

_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)
_PLATFORMS: dict[str, Platform | None] = {
    "Any": None,
    "Instagram": "instagram",
    "TikTok": "tiktok",
    "YouTube": "youtube",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRequest:
    """A reel to score. `typed` is what the form holds, which for the sample reel is not its `post`."""

    source: BytesIO
    name: str
    post: Post
    typed: Post


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The form in this run: what is typed and, in the run after a button was pressed, what was asked for.

    `check_caption`: the caption is to be checked without a reel. `messages`: a container at the buttons.
    """

    typed: Post
    request: ScoreRequest | None
    check_caption: bool
    messages: DeltaGenerator


def form(draft: Post, error: str) -> Form:
    """Show the form, filled with `draft`, and at its buttons the `error` that the last reel ended with."""
    # A Streamlit form: its buttons can't be pressed during an upload, and each sends everything that was typed.
    with st.form("reel"):
        left, right = st.columns([5, 6], gap="medium")
        with left:
            upload = st.file_uploader(
                "Your reel", type=list(FILE_TYPES), max_upload_size=MAX_UPLOAD_MB, key="reel_file"
            )
            note(limits_sentence())
        with right:
            typed, invalid = _post(draft)
        with st.container(horizontal=True, gap="small"):
            score = st.form_submit_button("Score this reel", type="primary", width="stretch", key="score")
            check_caption = st.form_submit_button("Check the caption only", key="read_caption")
        messages = st.container(key="notice", gap=None)
        sample = _sample()
    if score and upload is None:
        problem = "Choose a video file first, or try the sample reel."
    elif score and upload is not None and upload.size > DEFAULT_LIMITS.max_bytes:
        problem = f"This file is larger than {MAX_UPLOAD_MB} MB. Export a smaller version."
    elif check_caption and not typed.caption.strip():
        problem = "There is no caption yet. Write one first."
    else:
        problem = invalid if score or check_caption else ""
    if problem or (error and not score):
        with messages:
            alert(problem or error)
    request = None
    if sample:
        post = Post(caption=SAMPLE_CAPTION)
        request = ScoreRequest(source=BytesIO(SAMPLE.read_bytes()), name=SAMPLE.name, post=post, typed=typed)
    elif score and upload is not None and not problem:
        # A new BytesIO over the same bytes, because the widget closes Streamlit's own object.
        source = BytesIO(upload.getvalue())
        request = ScoreRequest(source=source, name=printable(upload.name), post=typed, typed=typed)
    return Form(typed=typed, request=request, check_caption=check_caption and not problem, messages=messages)


def _post(draft: Post) -> tuple[Post, str]:
    """What was typed, and one sentence about what is wrong with it."""
    caption = st.text_area(
        "Caption",
        value=draft.caption,
        key="caption",
        height=126,
        placeholder="The caption you'll post, hashtags included",
    )
    left, right = st.columns(2)
    platform = left.selectbox(
        "Platform",
        list(_PLATFORMS),
        index=list(_PLATFORMS.values()).index(draft.platform),
        key="platform",
        help="Sets how much of your caption shows and how many hashtags are allowed. It doesn't change the score.",
    )
    followers = _number(
        right,
        "Followers (optional)",
        "followers",
        draft.followers,
        "Narrows the forecast of likes and plays. It doesn't change the score.",
    )
    music = st.text_input(
        "Music (optional)",
        value=draft.music or "",
        key="music",
        placeholder="Song title, as the platform shows it",
        help="Shows how many videos use it and how posts with it did, if known. It doesn't change the score.",
    )
    zone, zone_name = time_zone()
    with st.expander("Account and posting time (optional)"):
        left, right = st.columns(2)
        following = _number(left, "Following", "following", draft.following)
        videos = _number(right, "Videos posted", "videos", draft.videos)
        posted_at = None if draft.posted_at is None else draft.posted_at.astimezone(zone)
        # Streamlit itself refuses a number or a date out of bounds, with a message at the field.
        day = left.date_input(
            "Posting date",
            value=None if posted_at is None else posted_at.date(),
            min_value=_FIRST_DAY,
            max_value=_LAST_DAY,
            key="post_day",
        )
        hour = right.selectbox(
            f"Posting hour ({zone_name})",
            list(range(24)),
            index=None if posted_at is None else posted_at.hour,
            format_func=lambda hour: f"{hour}:00",
            placeholder="Not given",
            key="post_hour",
        )
        note(
            "Date and hour are used in the forecast of likes and plays. Following and videos posted are used for a "
            "popularity index from one data set only. None of this changes the score."
        )
    at, invalid = _posting_time(day if isinstance(day, date) else None, hour, zone)
    typed = Post(
        caption=caption or "",
        platform=_PLATFORMS[platform or "Any"],
        followers=followers,
        music=(music or "").strip() or None,
        following=following,
        videos=videos,
        posted_at=at,
    )
    if len(typed.music or "") > MAX_MUSIC_CHARACTERS:
        invalid = f"The song title has {len(typed.music or ''):,} characters. The limit is {MAX_MUSIC_CHARACTERS}."
    return typed, too_long_caption(typed.caption) or invalid


def _number(place: DeltaGenerator, label: str, key: str, value: int | None, tooltip: str | None = None) -> int | None:
    number: int | None = place.number_input(
        label,
        min_value=0,
        max_value=MAX_FOLLOWERS,
        value=value,
        step=1,
        placeholder="Not given",
        key=key,
        help=tooltip,
    )
    return number


def time_zone() -> tuple[tzinfo, str]:
    """The browser's time zone and its name; UTC if the browser states none that is known on this machine."""
    name = st.context.timezone
    try:
        return (ZoneInfo(name), name) if name else (UTC, "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC, "UTC"


def _posting_time(day: date | None, hour: int | None, zone: tzinfo) -> tuple[datetime | None, str]:
    if day is None and hour is None:
        return None, ""
    if day is None:
        return None, "Add a posting date, or clear the posting hour."
    if hour is None:
        return None, "Add a posting hour, or clear the posting date."
    return datetime.combine(day, time(hour), zone), ""


def too_long_caption(caption: str) -> str:
    """One sentence if a caption is too long. A limit on the text box would silently drop a long paste instead."""
    if len(caption) <= MAX_CAPTION_CHARACTERS:
        return ""
    return f"The caption has {len(caption):,} characters. The limit is {MAX_CAPTION_CHARACTERS:,}."


def _sample() -> bool:
    """Offer the sample reel; whether its button was pressed."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="sample"):
        with st.container(width=220):
            scenes = "Four drawn scenes: a sunrise, a boat, a night forest, balloons"
            picture.embed(_SAMPLE_STRIP.read_bytes(), "image/jpeg", scenes)
        with st.container(width=360, gap="xsmall"):
            note("No reel at hand? Try our ten-second sample.")
            return st.form_submit_button("Try the sample reel", icon=":material/play_arrow:", key="try_sample")


def limits_sentence() -> str:
    """What can be uploaded, and what becomes of it."""
    return (
        f"Up to {MAX_UPLOAD_MB} MB, {DEFAULT_LIMITS.max_seconds / 60:.0f} minutes and 8K. "
        "Your reel stays in memory while you're here and is deleted when you leave."
    )
