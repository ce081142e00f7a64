"""What is known of a post before it is published, and the numbers that a model reads from it.

`facts_from` is the only way from columns to facts. It refuses every column that exists only after posting (the
platform's counters, words it suggested, the absolute date), so that none can reach a model.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from virality_core.errors import UsageError

Array = NDArray[np.float64]
Embed = Callable[[Sequence[str]], NDArray[np.float32]]  # captions → vectors (N, 384)

#: Columns of both schemas (TikTok posts, SMP-Video) that depend on success or on when the post was collected.
POST_ONLY = frozenset(
    (
        *("plays", "likes", "comments", "shares", "saves", "popularity", "posted_at", "observed_at", "post_time"),
        *("user_likes_count", "user_heart_count", "user_digg_count", "post_suggested_words"),
    )
)
#: Columns of both schemas that are known before posting.
KNOWN = frozenset(
    (
        *("caption", "hashtags", "music_title", "music_original", "music_uses", "duration_s", "followers"),
        *("following", "videos", "width", "height"),
        *("post_content", "post_location", "post_text_language", "video_height", "video_width", "video_duration"),
        *("music_duration", "user_following_count", "user_follower_count", "user_video_count"),
    )
)

GROUPS: dict[str, tuple[str, ...]] = {
    "account": ("followers", "following", "videos", "followers_per_video", "followers_per_following"),
    "caption": (
        *("characters", "words", "hashtags", "mentions", "emoji", "capitals", "digits", "question", "exclamation"),
        *("latin", "tag_for_you", "tag_viral", "tag_other_reach", "text", "embedding"),
    ),
    "video": ("duration", "aspect", "short_side"),
    "music": ("music_original", "music_uses", "music_seconds", "music_per_video", "music_title"),
    "time": ("hour_sine", "hour_cosine", "weekday"),
    "place": ("us", "gb", "ca", "ph", "au", "id", "de", "mx", "my", "english", "no_language"),
}
NAMES = tuple(name for group in GROUPS.values() for name in group)
#: Filled in by the model: the predictions from the words and from the caption's vector.
TEXT_COLUMN, EMBEDDING_COLUMN = NAMES.index("text"), NAMES.index("embedding")

_FOR_YOU = re.compile(r"^(?:fyp\w*|fy|fypシ\w*|foryou\w*|xuhuong\w*|pourtoi|parati|xyzbca|viraltiktok)$")
_VIRAL = re.compile(r"^(?:\w*viral\w*|trend\w*|\w*trending)$")
_REACH = re.compile(r"^(?:tiktok\w*|duet|stitch|follow\w*|like\w*|comment\w*|learnontiktok|capcut\w*)$")
_WORD = re.compile(r"\w+")
_TAG = re.compile(r"#(\w+)")
_ORIGINAL = re.compile(
    r"original|originalton|оригинал|nhạc nền|suara asli|som original|sonido original|son original|orijinal ses", re.I
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One post before it is published. None: not known. Counts are of the account now."""

    caption: str = ""
    hashtags: tuple[str, ...] = ()
    followers: float | None = None
    following: float | None = None
    videos: float | None = None
    duration_seconds: float | None = None
    width: float | None = None
    height: float | None = None
    music_title: str | None = None
    music_original: bool | None = None
    music_uses: float | None = None
    music_seconds: float | None = None
    hour: float | None = None  # of the day, UTC, 0 to 24
    weekday: int | None = None  # Monday is 0
    country: str | None = None  # ISO 3166 alpha-2
    language: str | None = None  # ISO 639-1; `un` where it could not be detected


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadPosts:
    """N posts as numbers.

    `features` (N, len(NAMES)), with `text` and `embedding` left NaN; `words` of each; `vectors` (N, 384) of captions.
    """

    features: Array
    words: tuple[tuple[str, ...], ...]
    vectors: Array

    def rows(self, indices: Sequence[int] | NDArray[np.int64]) -> ReadPosts:
        """Some of them, in that order."""
        chosen = np.asarray(indices, dtype=np.int64)
        return ReadPosts(
            features=self.features[chosen],
            words=tuple(self.words[index] for index in chosen.tolist()),
            vectors=self.vectors[chosen],
        )


def as_read(posts: Sequence[Facts], embed: Embed) -> ReadPosts:
    """Posts as numbers; `embed` makes vectors of captions. Raises what it raises."""
    return ReadPosts(
        features=matrix(posts),
        words=tuple(words(post) for post in posts),
        vectors=embed([post.caption for post in posts]).astype(np.float64),
    )


def facts_from(columns: Mapping[str, Any], when: datetime | None = None) -> Facts:
    """Facts from columns of either schema; null, missing and unreadable values count as not known.

    Args:
        columns: by the schema's names; only what is known before posting.
        when: the time of posting, of which only hour and weekday are kept.

    Raises:
        UsageError: a column exists only after posting, or is unknown.
    """
    for name in sorted(set(columns) - KNOWN):
        reason = "is known only after posting" if name in POST_ONLY else "is no known column"
        raise UsageError(f"`{name}` {reason}, and can't be a feature; {', '.join(sorted(KNOWN))} can.")
    title = _text(columns.get("music_title"))
    original = columns.get("music_original")
    if original is None and title is not None:
        original = _ORIGINAL.search(title) is not None
    caption = _text(columns.get("caption"))
    tags = columns.get("hashtags")
    if caption is None and columns.get("post_content") is not None:  # keywords separated by commas: mostly hashtags
        caption = str(columns["post_content"]).replace(",", " ")
        tags = caption.split()
    if not isinstance(tags, Sequence) or isinstance(tags, str):
        tags = _TAG.findall(caption or "")
    return Facts(
        caption=caption or "",
        hashtags=tuple(str(tag).lower() for tag in tags),
        followers=number_or_none(columns.get("followers", columns.get("user_follower_count"))),
        following=number_or_none(columns.get("following", columns.get("user_following_count"))),
        videos=number_or_none(columns.get("videos", columns.get("user_video_count"))),
        duration_seconds=number_or_none(columns.get("duration_s", columns.get("video_duration"))),
        width=number_or_none(columns.get("width", columns.get("video_width"))),
        height=number_or_none(columns.get("height", columns.get("video_height"))),
        music_title=title,
        music_original=None if original is None else bool(original),
        music_uses=number_or_none(columns.get("music_uses")),
        music_seconds=number_or_none(columns.get("music_duration")),
        hour=None if when is None else when.hour + when.minute / 60.0,
        weekday=None if when is None else when.weekday(),
        country=_text(columns.get("post_location")),
        language=_text(columns.get("post_text_language")),
    )


def number_or_none(value: Any) -> float | None:
    """A number of 0 or more, also from text, else None."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0.0 <= number < 1e15 else None


def matrix(posts: Sequence[Facts]) -> Array:
    """The features of posts (N, len(NAMES)), NaN where not known; `text` and `embedding` are left NaN."""
    return np.array([_row(post) for post in posts], dtype=np.float64).reshape(len(posts), len(NAMES))


def words(post: Facts) -> tuple[str, ...]:
    """What the text model reads: the caption's words and hashtags, lower case, each once."""
    text = unicodedata.normalize("NFC", post.caption.lower())
    return tuple(dict.fromkeys((*(f"#{tag}" for tag in post.hashtags), *_WORD.findall(text))))[:200]


def _row(post: Facts) -> list[float]:
    caption, letters = post.caption, sum(map(str.isalpha, post.caption))
    followers, following, videos = (_ln(count) for count in (post.followers, post.following, post.videos))
    seconds = _ln(post.duration_seconds)
    sides = (post.width, post.height) if post.width and post.height else None
    hour = math.nan if post.hour is None else post.hour / 24.0 * 2.0 * math.pi
    country, language = (post.country or "").upper(), post.language
    values: dict[str, float | None] = {
        "followers": followers,
        "following": following,
        "videos": videos,
        "followers_per_video": followers - videos,
        "followers_per_following": followers - following,
        "characters": len(caption),
        "words": len(caption.split()),
        "hashtags": len(post.hashtags),
        "mentions": caption.count("@"),
        "emoji": sum(unicodedata.category(char) == "So" for char in caption),
        "capitals": sum(map(str.isupper, caption)) / letters if letters else 0.0,
        "digits": sum(map(str.isdigit, caption)),
        "question": "?" in caption,
        "exclamation": caption.count("!"),
        "latin": sum(char.isascii() and char.isalpha() for char in caption) / letters if letters else 0.0,
        "tag_for_you": sum(bool(_FOR_YOU.match(tag)) for tag in post.hashtags),
        "tag_viral": sum(bool(_VIRAL.match(tag)) for tag in post.hashtags),
        "tag_other_reach": sum(bool(_REACH.match(tag)) for tag in post.hashtags),
        "duration": seconds,
        "aspect": sides and sides[1] / sides[0],
        "short_side": sides and min(sides),
        "music_original": post.music_original,
        "music_uses": _ln(post.music_uses),
        "music_seconds": _ln(post.music_seconds),
        "music_per_video": _ln(post.music_seconds) - seconds,
        "music_title": None if post.music_title is None else len(post.music_title),
        "hour_sine": math.sin(hour),
        "hour_cosine": math.cos(hour),
        "weekday": post.weekday,
        "english": None if language is None else language == "en",
        "no_language": None if language is None else language == "un",
    }
    for code in GROUPS["place"][:-2]:
        values[code] = country == code.upper() if country else None
    return [math.nan if (value := values.get(name)) is None else float(value) for name in NAMES]


def _ln(count: float | None) -> float:
    return math.nan if count is None else math.log1p(count)


def _text(value: Any) -> str | None:
    return str(value)[:10_000] if value not in (None, "") else None
