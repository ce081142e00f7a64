"""The rules of weights/keywords/*.toml as expressions that find their words in a caption, wherever it was typed from.

Text is compared after compatibility normalisation (NFKC) and without regard to case; offsets always point into the
caption as typed. Every expression is made of words and bounded gaps, so matching is linear in the length of the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from virality_core.config.toml_table import naming, read_table
from virality_core.models import weights

_GAP = r"[ \t\u00a0]{1,3}"
_ANY_WORD = r"[^\s.!?…]{1,30}"
_BEGINS = r"(?:\A|[.!?…:|\n–—\-])[\s\"'“”‘(\[]{0,4}"
_ENDS = r"(?=[ \"'”’)\]]{0,3}(?:[.!?…,|]|\Z|[ ]{0,3}\n))"
_APOSTROPHES = str.maketrans("’‘`´ʼ", "'''''")
_NUMERAL = r"(?<!\w)(?:[$€£₫]|[pte](?=\d))?\d[\d.,:/]{0,20}(?:[^\W\d_]{1,6}|%)?(?!\w)"
_BULLET = r"^[ \t]{0,8}[-•*▪◦][ \t]"  # a list has at least two of them
_LIST = f"(?P<said>{_BULLET})(?=[^\\n]{{0,300}}\\n{_BULLET[1:]})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of a language: `name`, the `title` and meaning that are shown, and the expressions that fire it."""

    name: str
    title: str
    means: str
    expressions: tuple[re.Pattern[str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """Normalised text for matching; `starts[i]`, `ends[i]` bound the typed characters that became character i."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]


def fold(text: str) -> Folded:
    """NFKC of `text` with plain apostrophes, and where each of its characters was typed."""
    plain = text.translate(_APOSTROPHES)
    if unicodedata.is_normalized("NFKC", plain):
        return Folded(text=plain, starts=tuple(range(len(plain))), ends=tuple(range(1, len(plain) + 1)))
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    while at < len(plain):
        end = at + 1
        while end < len(plain) and unicodedata.combining(plain[end]) and end - at < 32:
            end += 1
        piece = unicodedata.normalize("NFKC", plain[at:end])
        pieces.append(piece)
        starts.extend([at] * len(piece))
        ends.extend([end] * len(piece))
        at = end
    return Folded(text="".join(pieces), starts=tuple(starts), ends=tuple(ends))


def find(rule: Rule, folded: Folded) -> tuple[tuple[int, int], ...]:
    """The stretches of the caption as typed that fire `rule`: (start, end), in order, none inside another."""
    found = sorted(
        {
            (folded.starts[match.start("said")], folded.ends[match.end("said") - 1])
            for expression in rule.expressions
            for match in expression.finditer(folded.text)
            if match.end("said") > match.start("said")
        },
        key=lambda stretch: (stretch[0], -stretch[1]),
    )
    kept: list[tuple[int, int]] = []
    for start, end in found:
        if not kept or end > kept[-1][1]:
            kept.append((start, end))
    return tuple(kept)


def languages() -> dict[str, str]:
    """The languages whose rules are shipped: ISO 639-1 code → name."""
    files = sorted((weights.folder() / "keywords").glob("*.toml"))
    return {path.stem: _name(path) for path in files}


def _name(path: Path) -> str:
    table = read_table(path)
    with naming(path):
        return str(table["name"])


def rules(language: str) -> tuple[Rule, ...]:
    """The rules of a language, in the file's order.

    Raises:
        KeyError: no rules are shipped for `language`.
    """
    path = weights.folder() / "keywords" / f"{language}.toml"
    if not (language.isalpha() and path.is_file()):
        raise KeyError(language)
    return _read(path)


@lru_cache
def _read(path: Path) -> tuple[Rule, ...]:
    table = read_table(path)
    with naming(path):
        return tuple(_rule(name, entry) for name, entry in table["rules"].items())


def _rule(name: str, entry: Mapping[str, Any]) -> Rule:
    phrases = [str(phrase) for phrase in entry["phrases"]] if "phrases" in entry else []
    sources = [*_expressions(phrases)]
    if entry.get("characters"):
        sources.append(f"(?P<said>[{re.escape(entry['characters'])}]+)")
    if entry.get("digits"):
        sources += [f"(?P<said>{_NUMERAL})", _LIST]
    return Rule(
        name=name,
        title=str(entry["title"]),
        means=str(entry["means"]),
        expressions=tuple(re.compile(source, re.IGNORECASE | re.MULTILINE) for source in sources),
    )


def _expressions(phrases: list[str]) -> list[str]:
    anywhere = "|".join(_phrase(phrase) for phrase in phrases if not phrase.startswith("^"))
    opening = "|".join(_phrase(phrase[1:]) for phrase in phrases if phrase.startswith("^"))
    found = [f"(?<![\\w'])(?P<said>{anywhere})(?!\\w)"] if anywhere else []
    return found + ([f"{_BEGINS}(?P<said>{opening})(?!\\w)"] if opening else [])


def _phrase(phrase: str) -> str:
    at_end = phrase.endswith("$")
    slots = phrase.removesuffix("$").split()
    pattern = ""
    for index, slot in enumerate(slots):
        if slot == "…":
            pattern += r"[ ]?(?:…|\.{3,6})"
            continue
        gap = _GAP if index else ""
        words = slot.removesuffix("?")
        choice = _ANY_WORD if words == "*" else "(?:" + "|".join(re.escape(word) for word in words.split("|")) + ")"
        pattern += f"(?:{gap}{choice})?" if slot.endswith("?") else f"{gap}{choice}"
    return pattern + (_ENDS if at_end else "")
