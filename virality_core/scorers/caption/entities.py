"""Hashtags, mentions, links and emoji of a caption, with character offsets into the caption as typed.

Hashtags follow what TikTok registered for 4,138 captions of 2025: letters, marks, numbers, underscores and emoji of any
script; `#2025` is a tag; `#one#two` and `word#tag` are too. Instagram's published expression is the same apart from
emoji details: any word characters or emoji after a `#` that no `&` precedes (Instagram Engineering, Emojineering part
2, 2015). One pass, linear in the length of the text.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass

from emoji import EMOJI_DATA, STATUS

from virality_core.models.language.text_normalizer import TONES, emoji_pattern

_HASHES = "#＃"  # number sign and its full-width form, which Japanese keyboards type
_HASH = re.compile(f"[{_HASHES}]")
_KEYCAP = ("\ufe0f", "\u20e3")  # "#️⃣" is an emoji, not a hashtag
_FIRST_TAG, _LAST_TAG = "\U000e0020", "\U000e007f"  # spell out the flags of England, Scotland, Wales
_JOINERS = "\u200c\u200d"  # Persian and Indic spelling, and emoji sequences, need them inside a tag

_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"]+", re.IGNORECASE)
_MENTION = re.compile(r"(?<![\w@＠./])[@＠]\w[\w.]{0,48}")

_SINGLE_EMOJI = [
    character for character in EMOJI_DATA if len(character) == 1 and not TONES[0] <= character <= TONES[-1]
]
#: Phones draw these in color even without U+FE0F: Unicode's Emoji_Presentation, ☀ … ➿, and the pictograph blocks.
_COLORED = "".join(
    character
    for character in _SINGLE_EMOJI
    if EMOJI_DATA[character]["status"] == STATUS["fully_qualified"]
    or "\u2600" <= character <= "\u27bf"
    or character >= "\U0001f300"
)
_TEXT_BY_DEFAULT = "".join(character for character in _SINGLE_EMOJI if character not in _COLORED)  # © ™ ↔: need U+FE0F
_EMOJI = re.compile(emoji_pattern(f"(?:[{_COLORED}]|[{_TEXT_BY_DEFAULT}](?=\ufe0f))"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Part of the caption as typed: `text == caption[start:end]`, offsets in characters (code points)."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashtag(Span):
    """A hashtag as typed, with its sign; `key` is the name it is counted under: no sign, NFC, case folded."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entities:
    """Everything in a caption that is not prose, each in order of appearance."""

    hashtags: tuple[Hashtag, ...]
    mentions: tuple[Span, ...]
    links: tuple[Span, ...]
    emoji: tuple[Span, ...]


def find_entities(caption: str) -> Entities:
    """Find hashtags, mentions, links and emoji. Emoji inside a hashtag belong to the hashtag alone."""
    links = _spans(_LINK, caption)
    hashtags = _hashtags(caption, links)
    outer = tuple(sorted((*links, *hashtags), key=lambda span: span.start))
    return Entities(
        hashtags=hashtags,
        mentions=tuple(span for span in _spans(_MENTION, caption, strip=".") if not _inside(outer, span.start)),
        links=links,
        emoji=tuple(span for span in _spans(_EMOJI, caption) if not _inside(outer, span.start)),
    )


def hashtag_key(name: str) -> str:
    """The name a tag is counted under, from a name with or without its sign: NFC, case folded, no variation selector.

    TikTok's own lists are lower case (all but 17 of 23,573 tags of the 2025 US collection).
    """
    return unicodedata.normalize("NFC", name.lstrip(_HASHES).replace("\ufe0f", "")).casefold()


def _spans(pattern: re.Pattern[str], text: str, *, strip: str = "") -> tuple[Span, ...]:
    found = []
    for match in pattern.finditer(text):
        kept = match.group().rstrip(strip) if strip else match.group()
        found.append(Span(text=kept, start=match.start(), end=match.start() + len(kept)))
    return tuple(found)


def _hashtags(text: str, links: tuple[Span, ...]) -> tuple[Hashtag, ...]:
    found: list[Hashtag] = []
    end = 0
    while match := _HASH.search(text, end):
        start = match.start()
        end = _tag_end(text, start + 1)
        name = text[start + 1 : end]
        is_escape = start > 0 and text[start - 1] == "&"  # "&#39;"
        has_content = any(unicodedata.category(character)[0] in "LNS" for character in name)
        if has_content and not is_escape and not _inside(links, start):
            found.append(Hashtag(text=text[start:end], start=start, end=end, key=hashtag_key(name)))
    return tuple(found)


def _tag_end(text: str, start: int) -> int:
    if text.startswith(_KEYCAP, start):
        return start
    end = start
    while end < len(text):
        if text[end] in _JOINERS:
            if not (end > start and end + 1 < len(text) and _in_tag(text[end + 1])):
                break
        elif not _in_tag(text[end]):
            break
        end += 1
    return end


def _in_tag(character: str) -> bool:
    # Letters, marks, numbers, underscore; and symbols, for emoji (So), skin tones (Sk), flags' tag characters (Cf).
    category = unicodedata.category(character)
    if character == "\u2800":  # the blank braille cell is typed as a space
        return False
    return character == "_" or category[0] in "LMN" or category in ("So", "Sk") or _FIRST_TAG <= character <= _LAST_TAG


def _inside(spans: tuple[Span, ...], offset: int) -> bool:
    index = bisect_right(spans, offset, key=lambda span: span.start) - 1
    return index >= 0 and offset < spans[index].end
