"""What a caption's words do: call to action, question, first line and more, with the words that show it.

The rules are those of weights/keywords/*.toml. Text is compared after NFKC and without regard to case; offsets always
point into the caption as typed. Every rule's pattern is made of words and bounded gaps, so matching is linear in the
length of the text.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from virality_core.config.platforms import visible_characters
from virality_core.config.toml_table import naming, read_table
from virality_core.models import weights
from virality_core.models.language.text_normalizer import MAX_CHARACTERS
from virality_core.scorers.caption.entities import Entities, Span, find_entities
from virality_core.scorers.caption.language import UNDETERMINED, language_name
from virality_core.types import Details, Platform

#: What is measured in a caption, in the order of the fit. The first six are 1 where the rule matched, else 0.
FEATURES = (
    "call_to_action",
    "question",
    "curiosity_gap",
    "second_person",
    "urgency",
    "number_or_list",
    "mention",  # 1 where an account is named
    "length",  # ln(1 + words of prose)
    "beyond_cut",  # 1 where prose goes on behind "more"
    "word_length",  # mean characters of a word before "more"
    "emoji",  # ln(1 + emoji)
)

_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")

_GAP = r"[ \t\u00a0]{1,3}"
_ANY_WORD = r"[^\s.!?…]{1,30}"
_SENTENCE_START = r"(?:\A|[.!?…:|\n–—\-])[\s\"'“”‘(\[]{0,4}"
_SENTENCE_END = r"(?=[ \"'”’)\]]{0,3}(?:[.!?…,|]|\Z|[ ]{0,3}\n))"
_APOSTROPHES = str.maketrans("’‘`´ʼ", "'''''")
_NUMERAL = r"(?<!\w)(?:[$€£₫]|[pte](?=\d))?\d[\d.,:/]{0,20}(?:[^\W\d_]{1,6}|%)?(?!\w)"
_BULLET = r"^[ \t]{0,8}[-•*▪◦][ \t]"  # a list has at least two of them
_LIST = f"(?P<match>{_BULLET})(?=[^\\n]{{0,300}}\\n{_BULLET[1:]})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule that matched: its `name`, shown `title` and meaning, and the words it matched, as typed."""

    name: str
    title: str
    means: str
    words: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLine:
    """What shows before "more": up to the first line break or the platform's cut, whichever comes first.

    `words` and `word_length` (mean characters of a word) are of the prose that shows; `hidden_words` is the prose
    behind "more", including a word cut in two unless nothing else shows; `hidden_hashtags` are the hashtags there.
    `readability_index` is the automated readability index (Smith and Senter 1967), about the US school grade that reads
    it with ease; English only, None elsewhere or without words.
    """

    text: str
    cut_characters: int
    words: int
    word_length: float
    hidden_words: int
    hidden_hashtags: int
    readability_index: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keywords(Details):
    """All that was read in a caption. `features` has one value for each of FEATURES.

    `read_characters` is less than `characters` where a caption is longer than any platform allows and was cut.
    """

    language: str
    findings: tuple[Finding, ...]
    first_line: FirstLine
    mentions: tuple[Span, ...]
    emoji: tuple[Span, ...]
    words: int
    characters: int
    read_characters: int
    features: dict[str, float]


def read_keywords(caption: str, language: str, platform: Platform | None = None) -> Keywords:
    """Read a caption by the rules of its language.

    Args:
        caption: As typed; read up to MAX_CHARACTERS characters.
        language: ISO 639-1 code; one of `languages()`.
        platform: Where it will be posted; None takes the shortest cut of the three.

    Raises:
        KeyError: there are no rules for `language`.
    """
    text = caption[:MAX_CHARACTERS]
    entities = find_entities(text)
    prose = _prose(text, entities)
    normalized = _normalize(prose)
    findings = []
    for rule in rules(language):
        words = tuple(Span(text=text[start:end], start=start, end=end) for start, end in _matches(rule, *normalized))
        if words:
            findings.append(Finding(name=rule.name, title=rule.title, means=rule.means, words=words))
    line = _first_line(text, prose, visible_characters(platform), language, entities)
    all_words = line.words + line.hidden_words
    matched = {finding.name for finding in findings}
    features = {name: float(name in matched) for name in FEATURES[:6]} | {
        "mention": float(bool(entities.mentions)),
        "length": math.log1p(all_words),
        "beyond_cut": float(line.hidden_words > 0),
        "word_length": line.word_length,
        "emoji": math.log1p(len(entities.emoji)),
    }
    return Keywords(
        language=language,
        findings=tuple(findings),
        first_line=line,
        mentions=entities.mentions,
        emoji=entities.emoji,
        words=all_words,
        characters=len(caption),
        read_characters=len(text),
        features=features,
    )


def has_prose(caption: str) -> bool:
    """Whether there is a word besides hashtags, mentions, links and emoji."""
    text = caption[:MAX_CHARACTERS]
    return _WORD.search(_prose(text, find_entities(text))) is not None


def not_read_reason(language: str | None) -> str:
    """Why a caption in a language without rules was not read."""
    known = " and ".join(languages().values())
    unclear = language in (None, UNDETERMINED)
    found = "its language is not clear" if unclear else f"this caption seems to be in {language_name(str(language))}"
    return f"Keywords were not read: there are rules for {known} only, and {found}."


def languages() -> dict[str, str]:
    """The languages that have rules: ISO 639-1 code → name."""
    return {path.stem: _read(path)[0] for path in sorted((weights.folder() / "keywords").glob("*.toml"))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of a language: `name`, the `title` and meaning that are shown, and the patterns that match it."""

    name: str
    title: str
    means: str
    patterns: tuple[re.Pattern[str], ...]


def rules(language: str) -> tuple[Rule, ...]:
    """The rules of a language, in the file's order. Raises KeyError where it has none."""
    path = weights.folder() / "keywords" / f"{language}.toml"
    if not (language.isalpha() and path.is_file()):
        raise KeyError(language)
    return _read(path)[1]


@lru_cache
def _read(path: Path) -> tuple[str, tuple[Rule, ...]]:
    table = read_table(path)
    with naming(path):
        return str(table["name"]), tuple(_rule(name, entry) for name, entry in table["rules"].items())


def _rule(name: str, entry: Mapping[str, Any]) -> Rule:
    phrases = [str(phrase) for phrase in entry.get("phrases", ())]
    anywhere = "|".join(_phrase(phrase) for phrase in phrases if not phrase.startswith("^"))
    opening = "|".join(_phrase(phrase[1:]) for phrase in phrases if phrase.startswith("^"))
    sources = [f"(?<![\\w'])(?P<match>{anywhere})(?!\\w)"] if anywhere else []
    if opening:
        sources.append(f"{_SENTENCE_START}(?P<match>{opening})(?!\\w)")
    if entry.get("characters"):
        sources.append(f"(?P<match>[{re.escape(entry['characters'])}]+)")
    if entry.get("digits"):
        sources += [f"(?P<match>{_NUMERAL})", _LIST]
    return Rule(
        name=name,
        title=str(entry["title"]),
        means=str(entry["means"]),
        patterns=tuple(re.compile(source, re.IGNORECASE | re.MULTILINE) for source in sources),
    )


def _phrase(phrase: str) -> str:
    """A phrase of the table, whose syntax weights/keywords/en.toml explains, as a regular expression."""
    pattern = ""
    for index, slot in enumerate(phrase.removesuffix("$").split()):
        if slot == "…":
            pattern += r"[ ]?(?:…|\.{3,6})"
            continue
        gap = _GAP if index else ""
        words = slot.removesuffix("?")
        choice = _ANY_WORD if words == "*" else "(?:" + "|".join(re.escape(word) for word in words.split("|")) + ")"
        pattern += f"(?:{gap}{choice})?" if slot.endswith("?") else f"{gap}{choice}"
    return pattern + (_SENTENCE_END if phrase.endswith("$") else "")


def _normalize(text: str) -> tuple[str, Sequence[int], Sequence[int]]:
    """NFKC of `text` with plain apostrophes; and for each character the start and end of the typed ones it is of."""
    plain = text.translate(_APOSTROPHES)
    if unicodedata.is_normalized("NFKC", plain):
        return plain, range(len(plain)), range(1, len(plain) + 1)
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    end = 0
    while (start := end) < len(plain):
        end += 1
        while end < len(plain) and unicodedata.combining(plain[end]) and end - start < 32:
            end += 1
        piece = unicodedata.normalize("NFKC", plain[start:end])
        characters += piece
        starts += [start] * len(piece)
        ends += [end] * len(piece)
    return "".join(characters), starts, ends


def _matches(rule: Rule, text: str, starts: Sequence[int], ends: Sequence[int]) -> list[tuple[int, int]]:
    """Where the rule matches the caption as typed: (start, end), in order, none inside another."""
    found = {
        (starts[match.start("match")], ends[match.end("match") - 1])
        for pattern in rule.patterns
        for match in pattern.finditer(text)
        if match.end("match") > match.start("match")
    }
    kept: list[tuple[int, int]] = []
    for start, end in sorted(found, key=lambda span: (span[0], -span[1])):
        if not kept or end > kept[-1][1]:
            kept.append((start, end))
    return kept


def _prose(text: str, entities: Entities) -> str:
    # Same length, so that offsets hold; a blanked entity separates sentences as a line break would.
    characters = list(text)
    for span in (*entities.hashtags, *entities.mentions, *entities.links, *entities.emoji):
        characters[span.start : span.end] = "\n" * (span.end - span.start)
    return "".join(characters)


def _first_line(text: str, prose: str, cut: int, language: str, entities: Entities) -> FirstLine:
    line_break = re.search(r"[\r\n\u2028\u2029]", text)
    end = min(cut, line_break.start() if line_break else len(text))
    words = list(_WORD.finditer(prose))
    whole = [match for match in words if match.end() <= end]
    lengths = [len(match.group()) for match in whole or _WORD.finditer(prose, 0, end)]
    sentences = max(1, len(re.findall(r"[.!?…\n]+\s*(?=\w)", prose[:end].strip())) + 1)
    word_length = sum(lengths) / len(lengths) if lengths else 0.0
    index = 4.71 * word_length + 0.5 * len(lengths) / sentences - 21.43
    return FirstLine(
        text=text[:end],
        cut_characters=cut,
        words=len(lengths),
        word_length=word_length,
        hidden_words=max(0, len(words) - len(lengths)),
        hidden_hashtags=sum(span.end > end for span in entities.hashtags),
        readability_index=index if lengths and language == "en" else None,
    )
