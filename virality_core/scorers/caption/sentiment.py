"""How positive a caption sounds, and which of its words make it so: RoBERTa (full) or the bundled MiniLM (lite)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.language.minilm import MiniLMSentiment
from virality_core.models.language.owen_values import explain
from virality_core.models.language.roberta import RobertaSentiment
from virality_core.models.language.sentiment_model import SentimentModel
from virality_core.models.weights import ComponentFiles
from virality_core.scorers.base import Answer, Scorer, rated
from virality_core.scorers.caption.language import READ_LANGUAGES, UNDETERMINED, LanguageDetector, language_name
from virality_core.types import Details, ModelInfo, Post, Profile, Progress, Reel, Skipped

ONLY_ENGLISH = "Sentiment was not read: the model reads English, and this caption seems to be in {language}."
TRUNCATED = "Sentiment was read from the first {read} of the caption's {all} characters."
NO_CAPTION = "There is no caption to read."


@dataclass(frozen=True, slots=True, kw_only=True)
class Probabilities:
    """Of the three classes; they add up to 1."""

    negative: float
    neutral: float
    positive: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAttribution:
    """A word, emoji or hashtag `text == caption[start:end]`; `weight` is its push, in logits, towards positive."""

    text: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentiment(Details):
    """A caption's sentiment, explained.

    The tokens' weights add up to how far the caption moved the positive minus the negative logit from `baseline`, its
    value without words (`models.language.owen_values`). `read_characters` is less than `characters` for a cut caption.
    """

    language: str
    probabilities: Probabilities
    tokens: tuple[TokenAttribution, ...]
    baseline: float
    characters: int
    read_characters: int

    @property
    def value(self) -> float:
        """P(positive) − P(negative), −1…1."""
        return self.probabilities.positive - self.probabilities.negative


class SentimentReader:
    """A sentiment model and a language detector: captions in, sentiments out. Needs no reel."""

    def __init__(self, *, profile: Profile = "auto") -> None:
        """Load the weights. Raises WeightsError where the profile can't have them."""
        files = weights.resolve_component("caption", profile)
        self.variant = files.variant
        self.model, self.network = _load(files)  # what is reported, and what computes
        self._languages = LanguageDetector()

    def language(self, caption: str) -> str:
        """The caption's language as BCP 47; UNDETERMINED without words."""
        return self._languages.detect(caption).code

    def known_language(self, caption: str) -> str | None:
        """The caption's language, or None without words."""
        code = self.language(caption)
        return None if code == UNDETERMINED else code

    def read(self, caption: str) -> Sentiment:
        """The caption's sentiment, whatever its language is."""
        reading = self.network.read(caption)
        found = explain(self.network, reading)
        negative, neutral, positive = found.probabilities
        return Sentiment(
            language=self.language(caption),
            probabilities=Probabilities(negative=negative, neutral=neutral, positive=positive),
            tokens=tuple(
                TokenAttribution(text=caption[word.start : word.end], start=word.start, end=word.end, weight=weight)
                for word, weight in zip(reading.words, found.weights, strict=True)
            ),
            baseline=found.baseline,
            characters=len(caption),
            read_characters=reading.read_to,
        )

    def notes(self, sentiment: Sentiment) -> tuple[str, ...]:
        """One sentence for each thing that limits what `sentiment` says."""
        found = []
        if not sentiment.tokens:
            found.append(NO_CAPTION)
        elif sentiment.language not in READ_LANGUAGES:
            found.append(ONLY_ENGLISH.format(language=language_name(sentiment.language)))
        if sentiment.read_characters < sentiment.characters:
            found.append(TRUNCATED.format(read=sentiment.read_characters, all=sentiment.characters))
        return tuple(found)

    def probabilities(self, caption: str) -> tuple[float, float, float]:
        """Of negative, neutral and positive, without the explanation: many times faster."""
        negative, neutral, positive = self.network.probabilities(self.network.read(caption)).tolist()
        return negative, neutral, positive


class SentimentScorer(Scorer):
    """The caption's sentiment. Signal: `sentiment`, skipped for captions that are not in English."""

    stage = "caption"
    names: ClassVar[tuple[str, ...]] = ("sentiment",)

    def __init__(self, *, profile: Profile = "auto") -> None:
        """Load the weights. Raises WeightsError where the profile can't have them."""
        self.reader = SentimentReader(profile=profile)

    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Answer]:  # noqa: ARG002
        """Read the post's caption; see `Scorer.score`."""
        progress(self.stage, 0.0)
        answer = self.answer(post.caption)
        progress(self.stage, 1.0)
        return (answer,)

    def answer(self, caption: str) -> Answer:
        """The signal of a caption, or why there is none."""
        if not caption.strip():
            return Skipped(name="sentiment", reason=NO_CAPTION)
        language = self.reader.language(caption)
        if language not in READ_LANGUAGES:
            return Skipped(name="sentiment", reason=ONLY_ENGLISH.format(language=language_name(language)))
        sentiment = self.reader.read(caption)
        if not sentiment.tokens:
            return Skipped(name="sentiment", reason=NO_CAPTION)
        return rated(
            "sentiment",
            sentiment.value,
            unit="P(positive) − P(negative)",
            native_range=(-1.0, 1.0),
            model=self.reader.model,
            details=sentiment,
        )


def _load(files: ComponentFiles) -> tuple[ModelInfo, SentimentModel]:
    """RoBERTa from the manifest's full files, MiniLM from the lite ones."""
    paths = files.paths
    if "caption-roberta" in paths:
        roberta = RobertaSentiment(
            load_tensors(paths["caption-roberta"]),
            config=paths["caption-roberta-config"],
            vocabulary=paths["caption-roberta-vocab"],
            merges=paths["caption-roberta-merges"],
        )
        return files.model_info("caption-roberta"), roberta
    lite = MiniLMSentiment(load_tensors(paths["caption-minilm"]), paths["caption-minilm-vocab"])
    return files.model_info("caption-minilm"), lite
