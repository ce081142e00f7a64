"""What in a caption is not prose — hashtags, mentions, links, emoji — with character offsets into the caption as typed.

Hashtags follow what TikTok itself registered for 4,138 captions of 2025: letters, marks, numbers, underscores and emoji
of any script; `#2025` is a tag; `#one#two` and `word#tag` are too. Instagram's published expression is the same but for
the emoji's details: any word characters or emoji after a `#` that no `&` precedes (Instagram Engineering, Emojineering
part 2, 2015). One pass, linear in the length of the text: no expression here backtracks over an unbounded stretch.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass

#: A caption is read up to here: YouTube takes 5,000 characters of description, TikTok 4,000, Instagram 2,200.
MAX_CHARACTERS = 5_000

_HASHES = "#＃"  # number sign and its full-width form, which Japanese keyboards type
_KEYCAP = "\ufe0f\u20e3"  # "#️⃣" is an emoji, not a hashtag
_FIRST_TAG, _LAST_TAG = "\U000e0020", "\U000e007f"  # spell out the flags of England, Scotland, Wales
_JOINERS = "\u200c\u200d"  # Persian and Indic spelling, and emoji sequences, need them inside a tag

_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"]+", re.IGNORECASE)
_MENTION = re.compile(r"(?<![\w@＠./])[@＠]\w[\w.]{0,48}")

# Characters that are shown as pictures: Unicode's Emoji_Presentation and, of Extended_Pictographic, the blocks whose
# members phones draw in colour even without a variation selector (☀ … ➿). © ® ™ and arrows need U+FE0F to count.
_PICTURE = (
    "\u231a\u231b\u23e9-\u23f3\u23f8-\u23fa\u2600-\u2604\u260e\u2611\u2614\u2615\u2618\u261d\u2620\u2622\u2623\u2626"
    "\u262a\u262e\u262f\u2638-\u263a\u2640\u2642\u2648-\u2653\u265f\u2660\u2663\u2665\u2666\u2668\u267b\u267e\u267f"
    "\u2692-\u2697\u2699\u269b\u269c\u26a0\u26a1\u26a7\u26aa\u26ab\u26b0\u26b1\u26bd\u26be\u26c4\u26c5\u26c8\u26ce"
    "\u26cf\u26d1\u26d3\u26d4\u26e9\u26ea\u26f0-\u26f5\u26f7-\u26fa\u26fd\u2702\u2705\u2708-\u270d\u270f\u2712\u2714"
    "\u2716\u271d\u2721\u2728\u2733\u2734\u2744\u2747\u274c\u274e\u2753-\u2755\u2757\u2763\u2764\u2795-\u2797\u27a1"
    "\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55\U0001f004\U0001f0cf\U0001f18e\U0001f191-\U0001f19a\U0001f201\U0001f21a"
    "\U0001f22f\U0001f232-\U0001f23a\U0001f250\U0001f251\U0001f300-\U0001f3fa\U0001f400-\U0001f64f"
    "\U0001f680-\U0001f6ff\U0001f7e0-\U0001f7f0\U0001f90c-\U0001f9ff\U0001fa70-\U0001faff"
)
_ONE = f"(?:[{_PICTURE}]\ufe0f?|[\u00a9\u00ae\u203c-\u3299]\ufe0f)[\U0001f3fb-\U0001f3ff]?"
_EMOJI = re.compile(
    f"[\U0001f1e6-\U0001f1ff]{{2}}"  # a flag
    f"|[0-9#*]\ufe0f?\u20e3"  # a keycap
    f"|{_ONE}(?:[\U000e0020-\U000e007e]{{1,8}}\U000e007f)?(?:\u200d{_ONE}){{0,8}}"  # joined families, tag flags
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of the caption as typed: `text == caption[start:end]`, offsets in characters (code points)."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashtag(Span):
    """A hashtag as typed, with its sign; `key` is the name it is counted under: no sign, NFC, case folded."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Everything in a caption that is not prose, each in order of appearance."""

    hashtags: tuple[Hashtag, ...]
    mentions: tuple[Span, ...]
    links: tuple[Span, ...]
    emoji: tuple[Span, ...]


def read_marks(caption: str) -> Marks:
    """Find hashtags, mentions, links and emoji. Emoji inside a hashtag belong to the hashtag alone."""
    links = _spans(_LINK, caption)
    hashtags = _hashtags(caption, links)
    taken = tuple(sorted((*links, *hashtags), key=lambda span: span.start))
    return Marks(
        hashtags=hashtags,
        mentions=tuple(span for span in _spans(_MENTION, caption, strip=".") if not _inside(taken, span.start)),
        links=links,
        emoji=tuple(span for span in _spans(_EMOJI, caption) if not _inside(taken, span.start)),
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
    at = 0
    while (at := _next_hash(text, at)) >= 0:
        end = _tag_end(text, at + 1)
        name = text[at + 1 : end]
        is_entity = at > 0 and text[at - 1] == "&"  # "&#39;"
        if any(_carries(c) for c in name) and not is_entity and not _inside(links, at):
            found.append(Hashtag(text=text[at:end], start=at, end=end, key=hashtag_key(name)))
        at = max(end, at + 1)
    return tuple(found)


def _next_hash(text: str, start: int) -> int:
    places = [place for sign in _HASHES if (place := text.find(sign, start)) >= 0]
    return min(places, default=-1)


def _tag_end(text: str, start: int) -> int:
    if text[start : start + 1] in tuple(_KEYCAP):
        return start
    end = start
    while end < len(text):
        if text[end] in _JOINERS:
            joined = end > start and end + 1 < len(text) and _in_tag(text[end + 1])
            if not joined:
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


def _carries(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNS"


def _inside(spans: tuple[Span, ...], place: int) -> bool:
    index = bisect_right(spans, place, key=lambda span: span.start) - 1
    return index >= 0 and place < spans[index].end
