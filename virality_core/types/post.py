"""The post that the video will be part of, as far as it is known before posting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from numbers import Integral
from typing import Literal, get_args

from virality_core.errors import UsageError

Platform = Literal["instagram", "tiktok", "youtube"]

MAX_FOLLOWERS = 10**10  # more than there are people
_TEXTS = {"caption": "caption", "music": "music title"}
_COUNTS = {
    "followers": "followers",
    "following": "accounts followed",
    "videos": "videos",
    "music_uses": "videos that use the music",
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
        for name, what in _TEXTS.items():
            text = getattr(self, name)
            if not isinstance(text, str) and (text is not None or name == "caption"):
                raise UsageError(f"The {what} must be text, not {text!r:.40}.")
        if self.platform is not None and self.platform not in get_args(Platform):
            raise UsageError(f"The platform must be instagram, tiktok or youtube, not {self.platform!r:.40}.")
        for name, what in _COUNTS.items():
            count = getattr(self, name)
            if count is None:
                continue
            if not isinstance(count, Integral) or isinstance(count, bool):
                raise UsageError(f"The number of {what} must be a whole number, not {count!r:.40}.")
            if not 0 <= int(count) <= MAX_FOLLOWERS:
                raise UsageError(f"The number of {what} must be 0 to {MAX_FOLLOWERS:,}, not {count}.")
        if self.music_original is not None and not isinstance(self.music_original, bool):
            raise UsageError(f"Whether the sound is original must be True or False, not {self.music_original!r:.40}.")
        if self.posted_at is None:
            return
        if not isinstance(self.posted_at, datetime):
            raise UsageError(f"The time of posting must be a datetime, not {self.posted_at!r:.40}.")
        if self.posted_at.tzinfo is not None:
            try:
                self.posted_at.astimezone(UTC)
            except OverflowError:
                raise UsageError(f"The time {self.posted_at.isoformat()} is outside the years 1 to 9999.") from None
