"""The form's rarer questions: what else is known of the account, and when it will be posted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from virality_core.types import MAX_FOLLOWERS, Post

_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What was stated; `error` is one sentence on what can't be used, and empty otherwise."""

    following: int | None
    videos: int | None
    posted_at: datetime | None
    error: str


def ask(draft: Post) -> Account:
    """The expander with the questions, filled with `draft`."""
    zone, zone_name = time_zone()
    with st.expander("More about the account and the time (optional)"):
        one, two = st.columns(2)
        following = _number(one, "Accounts it follows", "following", draft.following)
        videos = _number(two, "Videos it has", "videos", draft.videos)
        before = None if draft.posted_at is None else draft.posted_at.astimezone(zone)
        # Streamlit itself refuses a number or a day out of bounds, with a sentence at the field.
        day = one.date_input(
            "Day of posting",
            value=None if before is None else before.date(),
            min_value=_FIRST_DAY,
            max_value=_LAST_DAY,
            key="post_day",
        )
        hour = two.selectbox(
            f"Hour of posting ({zone_name})",
            list(range(24)),
            index=None if before is None else before.hour,
            format_func=lambda at: f"{at}:00",
            placeholder="Not stated",
            key="post_hour",
        )
        st.html(
            '<p class="rv-soft">Day and hour go into the ranges of likes and plays. Accounts followed and videos are '
            "known to one collection of posts only, which counts in an index of its own. None of it moves points.</p>"
        )
    posted_at, error = _when(day if isinstance(day, date) else None, hour, zone)
    return Account(following=following, videos=videos, posted_at=posted_at, error=error)


def time_zone() -> tuple[tzinfo, str]:
    """The browser's time zone and its name; UTC where the browser states none that is known here."""
    name = st.context.timezone
    try:
        return (ZoneInfo(name), name) if name else (UTC, "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC, "UTC"


def _when(day: date | None, hour: int | None, zone: tzinfo) -> tuple[datetime | None, str]:
    if day is None and hour is None:
        return None, ""
    if day is None or hour is None:
        missing = "day" if day is None else "hour"
        return None, f"The {missing} of posting is missing: choose both day and hour, or neither."
    return datetime.combine(day, time(hour), zone), ""


def _number(place: st.delta_generator.DeltaGenerator, label: str, key: str, value: int | None) -> int | None:
    number: int | None = place.number_input(
        label, min_value=0, max_value=MAX_FOLLOWERS, value=value, step=1, placeholder="Not stated", key=key
    )
    return number
