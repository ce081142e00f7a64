"""What the sentiment models have in common: a caption read into tokens, and three logits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from virality_core.models.language.text_normalizer import Piece

LABELS = ("negative", "neutral", "positive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A caption as token ids, and the words they belong to.

    `word_of_token` has an index into `words` for each id, −1 for tokens that belong to none. `read_to` is the number of
    characters read: the whole caption, or up to the first that did not fit.
    """

    ids: tuple[int, ...]
    word_of_token: tuple[int, ...]
    words: tuple[Piece, ...]
    read_to: int

    @classmethod
    def of_pieces(
        cls, ids: Sequence[int], piece_of_token: Sequence[int], pieces: Sequence[Piece], read_to: int
    ) -> Reading:
        """A reading whose words are the pieces that have tokens; `piece_of_token` is −1 for tokens of none."""
        used = sorted({index for index in piece_of_token if index >= 0})
        word_of_piece = {index: number for number, index in enumerate(used)}
        return cls(
            ids=tuple(ids),
            word_of_token=tuple(word_of_piece.get(index, -1) for index in piece_of_token),
            words=tuple(pieces[index] for index in used),
            read_to=read_to,
        )


class SentimentModel(ABC):
    """Tells negative, neutral and positive captions apart. Holds weights and nothing else."""

    mask_id: int  # the token that stands for an unknown word

    @abstractmethod
    def read(self, text: str) -> Reading:
        """The caption's tokens. Takes any string, also with lone surrogates or of any length."""

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
