"""A caption read without a reel: its sentiment word by word, its keywords, its hashtags. For the page and the CLI."""

from __future__ import annotations

from dataclasses import dataclass

from virality_core.config.platforms import PlatformRules, shown_on
from virality_core.scorers.caption.hashtags import Hashtags, HashtagScorer, TagReading, read_hashtags
from virality_core.scorers.caption.keyword_effects import KeywordFit, KeywordScorer, fit_for
from virality_core.scorers.caption.keywords import Keywords, languages, not_read_reason, read_keywords
from virality_core.scorers.caption.language import READ_LANGUAGES
from virality_core.scorers.caption.sentiment import Sentiment, SentimentScorer
from virality_core.scorers.caption.trend_table import load_trends
from virality_core.types import ModelInfo, Platform, Post, Profile, Signal, Skipped

__all__ = ["CaptionReader", "CaptionReading", "Sentiment", "TagReading"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionReading:
    """What was read in one caption.

    `sentiment` is the model's answer whatever the language is; `sentiment_holds` whether the model was trained on that
    language. `keywords` is None where there are no rules for the language; `notes` says so, one sentence each. `fit`:
    how the keyword features went with engagement in public posts of that language. `shown_on` is the platform whose
    first line was read: the one asked for, else the one that shows least.
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


class CaptionReader:
    """Reads captions: holds the sentiment model, the language detector and the hashtag table, and no caption."""

    def __init__(self, profile: Profile = "auto") -> None:
        """Load the weights. Raises WeightsError where the profile can't have them."""
        self._sentiment = SentimentScorer(profile=profile)
        self._table = load_trends()
        self._keywords = KeywordScorer(self._sentiment.reader.known_language)
        self._hashtags = HashtagScorer(self._table)

    def read(self, text: str, platform: Platform | None = None) -> CaptionReading:
        """Read a caption of any length and content; `notes` say what was not read."""
        reader = self._sentiment.reader
        sentiment = reader.read(text)
        language = sentiment.language
        notes = list(reader.notes(sentiment))
        keywords = read_keywords(text, language, platform) if language in languages() else None
        if keywords is None and sentiment.tokens:
            notes.append(not_read_reason(language))
        return CaptionReading(
            text=text,
            platform=platform,
            language=language,
            sentiment=sentiment,
            sentiment_holds=bool(sentiment.tokens) and language in READ_LANGUAGES,
            keywords=keywords,
            fit=None if keywords is None else fit_for(language),
            hashtags=read_hashtags(text, platform, self._table),
            shown_on=shown_on(platform),
            notes=tuple(notes),
            model=reader.model,
        )

    def answers(self, post: Post) -> tuple[Signal | Skipped, ...]:
        """What the caption's scorers answer for a post, as in a report."""
        return (self._sentiment.answer(post.caption), self._keywords.read(post), self._hashtags.read(post))
