"""What both sentiment models have in common: a caption read into tokens, three logits, and an explanation by word."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

LABELS = ("negative", "neutral", "positive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A whole word, emoji, hashtag or mark: characters `start` to `end` of the caption as typed."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A caption as token ids, and the words they belong to.

    `word_of_token` has an index into `words` for each id, −1 for tokens that belong to none. `read_to` is how many
    characters of the caption were read: all of them, or up to the first that did not fit.
    """

    ids: tuple[int, ...]
    word_of_token: tuple[int, ...]
    words: tuple[Word, ...]
    read_to: int


class SentimentModel(ABC):
    """Tells negative, neutral and positive captions apart. Holds weights and nothing else."""

    mask_id: int  # the token that stands for "a word is here, not known which"

    @abstractmethod
    def read(self, text: str) -> Reading:
        """The caption's tokens. Takes any string, also one with lone surrogates or of any length."""

    @abstractmethod
    def embed(self, ids: Tensor) -> Tensor:
        """Word embeddings float32 (B, T, C) of token ids int64 (B, T), before positions are added."""

    @abstractmethod
    def from_words(self, words: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits float32 (B, 3) from word embeddings (B, T, C); `mask` bool (B, T) is True where there is a token."""

    @torch.inference_mode()
    def probabilities(self, reading: Reading) -> Tensor:
        """Of negative, neutral and positive, float32 (3,)."""
        return self.from_words(self.embed(torch.tensor([reading.ids])))[0].softmax(-1)
