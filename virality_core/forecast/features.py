"""What is known of a post before it is posted, and the numbers a model reads from it.

`facts_from` is the one way from columns to facts, and it refuses any column that exists only after posting: the
platform's own counters, words it suggested, the absolute date. So nothing of that kind can reach a model.
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

#: Columns of the two schemas that say something of the post's or the account's success, or when it was collected.
POST_ONLY = frozenset(
    (
        *("plays", "likes", "comments", "shares", "saves", "popularity", "posted_at", "observed_at", "post_time"),
        *("user_likes_count", "user_heart_count", "user_digg_count", "post_suggested_words"),
    )
)
#: Columns of the two schemas, and of a post to come, that are known before posting.
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
#: Filled in by the model: what the words go with, and what the caption's vector does.
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
    """One post as it is known before posting. None: not known. Counts are of the account as it stands."""

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
    language: str | None = None  # ISO 639-1; `un` where it was looked for and not found


def facts_from(columns: Mapping[str, Any], when: datetime | None = None) -> Facts:
    """Facts from columns of the two schemas; null and missing are the same, and an odd value counts as missing.

    Args:
        columns: By the name the schema has; only what is known before posting.
        when: The time of posting, of which only hour and weekday are kept.

    Raises:
        UsageError: a column that exists only after posting is among them, or one that nothing is known of.
    """
    for name in sorted(set(columns) - KNOWN):
        why = "is known only after posting, or says when it was" if name in POST_ONLY else "is no known column"
        raise UsageError(f"`{name}` {why}, and can't be a feature; {', '.join(sorted(KNOWN))} can.")
    title = _text(columns.get("music_title"))
    original = columns.get("music_original")
    caption = _text(columns.get("caption"))
    listed = columns.get("hashtags")
    if caption is None and columns.get("post_content") is not None:  # keywords parted by commas: hashtags, mostly
        caption = str(columns["post_content"]).replace(",", " ")
        listed = caption.split()
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        listed = _TAG.findall(caption or "")
    return Facts(
        caption=caption or "",
        hashtags=tuple(str(tag).lower() for tag in listed),
        followers=count_of(columns.get("followers", columns.get("user_follower_count"))),
        following=count_of(columns.get("following", columns.get("user_following_count"))),
        videos=count_of(columns.get("videos", columns.get("user_video_count"))),
        duration_seconds=count_of(columns.get("duration_s", columns.get("video_duration"))),
        width=count_of(columns.get("width", columns.get("video_width"))),
        height=count_of(columns.get("height", columns.get("video_height"))),
        music_title=title,
        music_original=bool(original) if original is not None else None if title is None else is_original(title),
        music_uses=count_of(columns.get("music_uses")),
        music_seconds=count_of(columns.get("music_duration")),
        hour=None if when is None else when.hour + when.minute / 60.0,
        weekday=None if when is None else when.weekday(),
        country=_text(columns.get("post_location")),
        language=_text(columns.get("post_text_language")),
    )


def is_original(title: str) -> bool:
    """Whether a track's title is what TikTok writes for a post's own sound, in the commonest languages."""
    return bool(_ORIGINAL.search(title))


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
    hour = None if post.hour is None else post.hour / 24.0 * 2.0 * math.pi
    country, language = (post.country or "").upper(), post.language
    values = {
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
        "aspect": math.nan if sides is None else sides[1] / sides[0],
        "short_side": math.nan if sides is None else min(sides),
        "music_original": math.nan if post.music_original is None else post.music_original,
        "music_uses": _ln(post.music_uses),
        "music_seconds": _ln(post.music_seconds),
        "music_per_video": _ln(post.music_seconds) - seconds,
        "music_title": math.nan if post.music_title is None else len(post.music_title),
        "hour_sine": math.nan if hour is None else math.sin(hour),
        "hour_cosine": math.nan if hour is None else math.cos(hour),
        "weekday": math.nan if post.weekday is None else post.weekday,
        "english": math.nan if language is None else language == "en",
        "no_language": math.nan if language is None else language == "un",
    }
    for code in GROUPS["place"][:-2]:
        values[code] = float(country == code.upper()) if country else math.nan
    return [float(values.get(name, math.nan)) for name in NAMES]


def _ln(count: float | None) -> float:
    return math.nan if count is None else math.log1p(count)


def count_of(value: Any) -> float | None:
    """A count of 0 or more, else None. Text is read too: a CSV knows nothing else."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0.0 <= number < 1e15 else None


def _text(value: Any) -> str | None:
    return str(value)[:10_000] if value not in (None, "") else None


Embed = Callable[[Sequence[str]], NDArray[np.float32]]  # captions → vectors (N, 384), as the models were fitted with


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadPosts:
    """N posts as numbers.

    `features` (N, len(NAMES)), with `text` and `embedding` left NaN; `words` of each; `vectors` (N, 384) of captions.
    """

    features: Array
    words: tuple[tuple[str, ...], ...]
    vectors: Array

    def rows(self, places: Sequence[int] | NDArray[np.int64]) -> ReadPosts:
        """Some of them, in that order."""
        chosen = np.asarray(places, dtype=np.int64)
        return ReadPosts(
            features=self.features[chosen],
            words=tuple(self.words[place] for place in chosen.tolist()),
            vectors=self.vectors[chosen],
        )


def as_read(posts: Sequence[Facts], embed: Embed) -> ReadPosts:
    """Posts as numbers; `embed` is handed in, as no network is known here. Raises what it raises."""
    return ReadPosts(
        features=matrix(posts),
        words=tuple(words(post) for post in posts),
        vectors=embed([post.caption for post in posts]).astype(np.float64),
    )
