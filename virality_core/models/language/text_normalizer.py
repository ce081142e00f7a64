"""A caption as the lite sentiment model reads it: pieces with their positions in the text as typed.

Captions have what an English vocabulary lacks: emoji, emoticons, hashtags, links, letters in fancy fonts, leftovers of
exports (`&amp;`, `\\u2019`). Each piece has its position and the words the model reads for it.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

#: A caption is read up to here: YouTube takes 5,000 characters of description, TikTok 4,000, Instagram 2,200.
MAX_CHARACTERS = 5_000

_CHARACTER = re.compile(  # an escape, an HTML entity, or a single character
    r"\\u[0-9a-fA-F]{4}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?|&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});|.", re.DOTALL
)

#: More than emoji: also arrows, stars and hearts whose Unicode names the model can read (★ is "black star"). With
#: the `emoji` library's table, 32 of 12,742 TikTok captions would be read differently.
_SYMBOLS = (
    "\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f900-\U0001f9ff\U0001fa70-\U0001faff\U0001f170-\U0001f251"
    "\U0001f004\U0001f0cf\U0001f7e0-\U0001f7f0\u2600-\u27bf\u2b05-\u2b55\u2934\u2935\u231a-\u23ff\u25aa-\u25fe\u2190-\u21ff\u3030"
)
TONES = "\U0001f3fb-\U0001f3ff"  # skin tones
_TAGS = "\U000e0020-\U000e007f"  # spell out the flags of England, Scotland, Wales


def emoji_pattern(symbol: str) -> str:
    """A regular expression for one emoji: a flag, a keycap, or symbols with tones and tags, joined by U+200D.

    Args:
        symbol: expression for a single symbol.
    """
    one = f"{symbol}[\ufe0e\ufe0f{TONES}{_TAGS}]*"
    return f"(?:[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f?\u20e3|{one}(?:\u200d{one})*)"


_EMOTICONS = {  # a face typed in letters reads as the emoji it stands for
    "slightly smiling face": (":)", ":-)", "=)", ":]", "(:", ":))"),
    "grinning face": (":d", ":-d", "=d"),
    "winking face": (";)", ";-)", ";d"),
    "laughing face": ("xd",),
    "disappointed face": (":(", ":-(", "=(", ":["),
    "crying face": (":'(", ":’("),
    "face with stuck out tongue": (":p", ":-p", ";p"),
    "confused face": (":/", ":-/", ":\\"),
    "red heart": ("<3",),
    "broken heart": ("</3",),
}
_EMOTICON_NAMES = {sign: name for name, signs in _EMOTICONS.items() for sign in signs}
_EMOTICON = (
    "(?:" + "|".join(re.escape(sign) for sign in sorted(_EMOTICON_NAMES, key=len, reverse=True)) + r")(?![\w/])[)(]*"
)

_PIECE = re.compile(
    "|".join(
        (
            r"(?P<link>(?:https?://|www\.|pic\.twitter\.com/)\S*)",
            rf"(?P<emoji>(?P<one>{emoji_pattern(f'[{_SYMBOLS}]')})(?P=one)*)",
            r"(?P<mention>@\w[\w.]*\w|@\w)",
            r"(?P<hashtag>#\w*[^\W\d_]\w*)",
            rf"(?P<emoticon>(?<!\w)(?i:{_EMOTICON}))",
            r"(?P<word>\w+(?:['’`]\w+)*)",
            r"(?P<mark>(?P<sign>[^\s\u200d\ufe0f\u20e3])(?P=sign)*)",
        )
    )
)
_HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+|[^\W_]+")  # the words of #NewYearSale2026
_LONG = re.compile(r"([^\W\d_])\1{2,}")

KINDS = ("link", "emoji", "mention", "hashtag", "emoticon", "word", "mark")

_JOINERS = "\u200d\ufe0e\ufe0f\u20e3"
_APOSTROPHES = str.maketrans("’`", "''")
_NAMES = {  # where Unicode's names mislead a reader of English
    "\u2764": "red heart",
    "\u2665": "heart",
    "\u263a": "smiling face",
    "\u2639": "frowning face",
    "\U0001f4af": "hundred points",
    "\U0001f64f": "folded hands",
    "\U0001f621": "angry face",
    "\U0001f624": "face with steam from nose",
    "\U0001f44f": "clapping hands",
    "\U0001f44c": "ok hand",
    "\U0001f5a4": "heart",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """One word, emoji, hashtag, mention, link or mark: `text[start:end]` as typed, and what is read for it."""

    start: int
    end: int
    kind: str  # one of KINDS
    reads: str  # may be empty: a link says nothing to the model


def pieces(text: str, *, is_known: Callable[[str], bool]) -> list[Piece]:
    """The pieces of the first `MAX_CHARACTERS` of `text`, in order, with offsets into `text` as typed.

    Args:
        is_known: says whether the vocabulary has a (lower-case) word; chooses between "so" and "soo" for "sooo".
    """
    plain, starts, ends = _decode(text[:MAX_CHARACTERS])
    found = []
    for match in _PIECE.finditer(plain):
        kind = next(name for name in KINDS if match[name] is not None)
        reads = _read_word(match[0], is_known) if kind == "word" else _READERS[kind](match[0])
        found.append(Piece(starts[match.start()], ends[match.end() - 1], kind, reads))
    return found


def _decode(text: str) -> tuple[str, list[int], list[int]]:
    """Escapes and entities decoded, fancy letters plain, unprintable characters blank; with each character's span."""
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in _CHARACTER.finditer(text):
        raw = match[0]
        if len(raw) > 1:
            units = bytes.fromhex(raw.replace("\\u", "")) if raw.startswith("\\") else b""
            raw = units.decode("utf-16-be", errors="replace") if units else html.unescape(raw)
        for character in "".join(map(_plain, raw)):
            characters.append(character)
            starts.append(match.start())
            ends.append(match.end())
    return "".join(characters), starts, ends


def _plain(character: str) -> str:
    if character.isascii():
        return character if character >= " " else " "
    category = unicodedata.category(character)
    if category in {"Cs", "Cc", "Cn", "Co"}:
        return " "
    if category == "Cf" and character != "\u200d" and not "\U000e0020" <= character <= "\U000e007f":
        return ""
    return unicodedata.normalize("NFKC", character)


def emoji_name(emoji: str) -> str:
    """The English name of an emoji, lower case, without skin tone: "face with tears of joy"; "flag" for a flag."""
    names = []
    for character in emoji:
        if "\U0001f1e6" <= character <= "\U0001f1ff":
            return "flag"
        if character in _JOINERS or "\U0001f3fb" <= character <= "\U0001f3ff" or character > "\U000e0000":
            continue
        name = _NAMES.get(character) or unicodedata.name(character, "").lower().replace("-shaped", "")
        if name and name not in names:
            names.append(name)
    return " ".join(names)


def _read_emoticon(text: str) -> str:
    sign = text.lower()
    return next(_EMOTICON_NAMES[sign[:n]] for n in range(len(sign), 0, -1) if sign[:n] in _EMOTICON_NAMES)


def _read_word(text: str, is_known: Callable[[str], bool]) -> str:
    text = text.translate(_APOSTROPHES)
    if not _LONG.search(text):
        return text
    twice, once = _LONG.sub(r"\1\1", text), _LONG.sub(r"\1", text)
    return once if is_known(once.lower()) and not is_known(twice.lower()) else twice


_READERS: dict[str, Callable[[str], str]] = {
    "link": lambda _: "",
    "emoji": emoji_name,
    "mention": lambda _: "@user",
    "hashtag": lambda text: "# " + " ".join(_HUMP.findall(text[1:])),
    "emoticon": _read_emoticon,
    "mark": lambda text: text[0] if text[0] in "\"'\\" else text[:3],
}
