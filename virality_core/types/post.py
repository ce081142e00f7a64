"""What goes in beside the video: the post it will be part of, as far as it is known before posting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

from virality_core.errors import UsageError

Platform = Literal["instagram", "tiktok", "youtube"]

MAX_FOLLOWERS = 10**10  # more than there are people
_COUNTS = {
    "followers": "followers",
    "following": "accounts followed",
    "videos": "videos",
    "music_uses": "videos that use the music",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What will be posted with the reel. Raises UsageError on a value no platform knows."""

    caption: str = ""
    platform: Platform | None = None
    followers: int | None = None
    posted_at: datetime | None = None
    music: str | None = None
    following: int | None = None  # accounts that the account follows
    videos: int | None = None  # posts the account has
    music_original: bool | None = None  # whether the sound is the post's own
    music_uses: int | None = None  # videos that use the sound already

    def __post_init__(self) -> None:
        if self.platform is not None and self.platform not in get_args(Platform):
            raise UsageError(f"The platform {self.platform!r} is not known; use instagram, tiktok or youtube.")
        if self.posted_at is not None and self.posted_at.tzinfo is not None:
            try:
                self.posted_at.astimezone(UTC)
            except OverflowError:
                raise UsageError(f"The time {self.posted_at.isoformat()} lies outside the years 1 to 9999.") from None
        for name, what in _COUNTS.items():
            count = getattr(self, name)
            if count is not None and not 0 <= count <= MAX_FOLLOWERS:
                raise UsageError(f"The number of {what} must be 0 to {MAX_FOLLOWERS}, not {count}.")
