"""The post that the video will be part of, as far as it is known before posting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from numbers import Integral
from typing import Any, Literal, get_args

from virality_core.errors import UsageError

Platform = Literal["instagram", "tiktok", "youtube"]

MAX_FOLLOWERS = 10**10  # more than there are people

#: field → its type, and how a message begins
_CHECKS: dict[str, tuple[Any, str]] = {
    "caption": (str, "The caption must be text"),
    "followers": (Integral, "The number of followers must be"),
    "posted_at": (datetime, "The time of posting must be a datetime"),
    "music": (str, "The music title must be text"),
    "following": (Integral, "The number of accounts followed must be"),
    "videos": (Integral, "The number of videos must be"),
    "music_original": (bool, "Whether the sound is original must be True or False"),
    "music_uses": (Integral, "The number of videos that use the music must be"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What will be posted with the reel. Raises UsageError for a value of the wrong type or out of range."""

    caption: str = ""
    platform: Platform | None = None
    followers: int | None = None
    posted_at: datetime | None = None
    music: str | None = None
    following: int | None = None  # accounts that the account follows
    videos: int | None = None  # posts of the account
    music_original: bool | None = None  # whether the sound is the post's own
    music_uses: int | None = None  # videos that use the sound already

    def __post_init__(self) -> None:
        if self.platform is not None and self.platform not in get_args(Platform):
            raise UsageError(f"The platform must be instagram, tiktok or youtube, not {self.platform!r:.40}.")
        for name, (kind, message) in _CHECKS.items():
            value = getattr(self, name)
            if value is None and name != "caption":
                continue
            if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
                message += " a whole number" if kind is Integral else ""
                raise UsageError(f"{message}, not {value!r:.40}.")
            if kind is Integral and not 0 <= int(value) <= MAX_FOLLOWERS:
                raise UsageError(f"{message} 0 to {MAX_FOLLOWERS:,}, not {value}.")
        if self.posted_at is not None and self.posted_at.tzinfo is not None:
            try:
                self.posted_at.astimezone(UTC)
            except OverflowError:
                raise UsageError(f"The time {self.posted_at.isoformat()} is outside the years 1 to 9999.") from None
