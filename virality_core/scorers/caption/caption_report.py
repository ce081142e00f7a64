"""A caption read without a reel: its sentiment word by word, its keywords, its hashtags. For the page and the CLI."""

from __future__ import annotations

from dataclasses import dataclass

from virality_core.config.platforms import PlatformRules, shown_on
from virality_core.scorers.caption.hashtags import Hashtags, HashtagScorer, TagReading, read_hashtags
from virality_core.scorers.caption.keyword_effects import KeywordFit, KeywordScorer, fit_for
from virality_core.scorers.caption.keywords import Keywords, read_keywords
from virality_core.scorers.caption.language import READ_LANGUAGES, UNDETERMINED, language_name
from virality_core.scorers.caption.phrase_rules import languages
from virality_core.scorers.caption.sentiment import CaptionReader, CaptionScorer, Sentiment
from virality_core.scorers.caption.trend_table import TrendTable, load_trends
from virality_core.types import ModelInfo, Platform, Post, Profile, Signal, Skipped

__all__ = ["CaptionDesk", "CaptionReading", "Sentiment", "TagReading"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionReading:
    """What was read in one caption.

    `sentiment` is the model's answer whatever the language is; `sentiment_holds` whether it is in one that the model
    was trained on. `keywords` is None where there are no rules for the language; `notes` says so, one plain sentence
    each. `fit` is what the keyword features were found to go with in public posts of that language. `shown_on` is the
    platform whose first line was read: the one asked for, else the one that shows least.
    """

    text: str
    platform: Platform | None
    language: str
    sentiment: Sentiment
    sentiment_holds: bool
    keywords: Keywords | None
    fit: KeywordFit | None
    hashtags: Hashtags
    shown_on: PlatformRules
    notes: tuple[str, ...]
    model: ModelInfo


class CaptionDesk:
    """Reads captions: holds the sentiment model, the language detector and the hashtag table, and no caption."""

    def __init__(self, profile: Profile = "auto") -> None:
        """Load the weights. Raises WeightsError where the profile can't have them."""
        self._sentiment = CaptionScorer(profile=profile)
        self._reader: CaptionReader = self._sentiment.reader
        self._table: TrendTable = load_trends()
        self._keywords = KeywordScorer(self._reader.known_language)
        self._hashtags = HashtagScorer(self._table)

    def read(self, text: str, platform: Platform | None = None) -> CaptionReading:
        """Read a caption of any length and content; what is beyond the stated lengths is not read, and said."""
        sentiment = self._reader.read(text)
        language = sentiment.language
        notes = list(self._reader.notes(sentiment))
        known = languages()
        keywords = read_keywords(text, language, platform) if language in known else None
        if keywords is None and sentiment.tokens:
            which = " and ".join(known.values())
            found = f"this caption seems to be in {language_name(language)}"
            if language == UNDETERMINED:
                found = "it has no words to tell its language from"
            notes.append(f"Keywords were not read: there are rules for {which} only, and {found}.")
        return CaptionReading(
            text=text,
            platform=platform,
            language=language,
            sentiment=sentiment,
            sentiment_holds=bool(sentiment.tokens) and language in READ_LANGUAGES,
            keywords=keywords,
            fit=fit_for(language) if keywords is not None else None,
            hashtags=read_hashtags(text, platform, self._table),
            shown_on=shown_on(platform),
            notes=tuple(notes),
            model=self._reader.model,
        )

    def answers(self, post: Post) -> tuple[Signal | Skipped, ...]:
        """What the caption's scorers answer for a post: the same as in a report of a reel with it."""
        return (
            self._sentiment.answer(post.caption),
            self._keywords.read(post),
            self._hashtags.read(post),
        )
