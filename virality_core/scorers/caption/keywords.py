"""What a caption's words do: text in, findings out, with the words that fired each rule and where they were typed.

Pure functions: no model, no file but the rules of `weights/keywords` and the settings of `config/platforms.toml`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from virality_core.config.platforms import visible_characters
from virality_core.models.language.text_normalizer import MAX_CHARACTERS
from virality_core.scorers.caption import phrase_rules
from virality_core.scorers.caption.entities import Entities, Span, find_entities
from virality_core.types import Details, Platform

#: What is measured in a caption, in the order of the fit. The first six are 1 where the rule fired, else 0.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule that fired: its `name`, shown `title` and meaning, and the words that fired it, as typed."""

    name: str
    title: str
    means: str
    words: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLine:
    """What shows before "more": up to the first line break or the platform's cut, whichever comes first.

    `words` and `word_length` (mean characters of a word) are of the prose that shows; `hidden_words` is the prose
    behind "more", a word cut in two with it unless nothing else shows; `hidden_hashtags` are the hashtags there.
    `readability_index` is the automated readability index (Smith and Senter 1967): about the US school
    grade that reads it with ease; English only, None elsewhere or without words.
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

    `read_characters` is less than `characters` where a caption is longer than any platform takes: the rest was cut.
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

    def fired(self, rule: str) -> bool:
        """Whether the rule of that name fired."""
        return any(finding.name == rule for finding in self.findings)


def read_keywords(caption: str, language: str, platform: Platform | None = None) -> Keywords:
    """Read a caption by the rules of its language.

    Args:
        caption: As typed; read up to MAX_CHARACTERS characters.
        language: ISO 639-1 code; one of `phrases.languages()`.
        platform: Where it will be posted; None takes the shortest cut of the three.

    Raises:
        KeyError: no rules are shipped for `language`.
    """
    text = caption[:MAX_CHARACTERS]
    entities = find_entities(text)
    written = _prose(text, entities)
    folded = phrase_rules.fold(written)
    findings = []
    for rule in phrase_rules.rules(language):
        if words := phrase_rules.find(rule, folded):
            spans = tuple(Span(text=text[start:end], start=start, end=end) for start, end in words)
            findings.append(Finding(name=rule.name, title=rule.title, means=rule.means, words=spans))
    line = _first_line(text, written, visible_characters(platform), language, entities)
    words_in_all = line.words + line.hidden_words
    fired = {finding.name for finding in findings}
    features = {name: float(name in fired) for name in FEATURES[:6]} | {
        "mention": float(bool(entities.mentions)),
        "length": math.log1p(words_in_all),
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
        words=words_in_all,
        characters=len(caption),
        read_characters=len(text),
        features=features,
    )


def has_prose(caption: str) -> bool:
    """Whether there is a word beside the hashtags, mentions, links and emoji."""
    text = caption[:MAX_CHARACTERS]
    return _WORD.search(_prose(text, find_entities(text))) is not None


def _prose(text: str, entities: Entities) -> str:
    # Same length, so that offsets hold; a blanked entity parts sentences as a line break would.
    characters = list(text)
    for span in (*entities.hashtags, *entities.mentions, *entities.links, *entities.emoji):
        characters[span.start : span.end] = "\n" * (span.end - span.start)
    return "".join(characters)


def _first_line(text: str, written: str, cut: int, language: str, entities: Entities) -> FirstLine:
    line_break = re.search(r"[\r\n\u2028\u2029]", text)
    end = min(cut, line_break.start() if line_break else len(text))
    words = list(_WORD.finditer(written))
    whole = [match for match in words if match.end() <= end]
    lengths = [len(match.group()) for match in whole or _WORD.finditer(written, 0, end)]
    sentences = max(1, len(re.findall(r"[.!?…\n]+\s*(?=\w)", written[:end].strip())) + 1)
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
