"""The bundled sentiment model: the fine-tuned MiniLM with the way it reads a caption."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from virality_core.models.language.minilm import MASK, MiniLM, lite_tokenizer, unpack
from virality_core.models.language.sentiment_model import Reading, SentimentModel, Word
from virality_core.models.language.text_normalizer import MAX_CHARACTERS, pieces

MAX_TOKENS = 128  # twice what it was trained on; about 90 words


class LiteSentiment(SentimentModel):
    """Fine-tuned MiniLM (`recipes.caption_minilm.finetune`)."""

    mask_id = MASK

    def __init__(self, packed: Mapping[str, Tensor], vocabulary: Path) -> None:
        """From the tensors of model.safetensors and the vocab.txt beside it."""
        self._network = MiniLM()
        self._network.load_state_dict(unpack(packed))
        self._network.eval().requires_grad_(False)
        self._tokenizer = lite_tokenizer(vocabulary)

    def read(self, text: str) -> Reading:
        """See `SentimentModel.read`; at most `MAX_TOKENS` tokens."""
        found = pieces(text, is_known=lambda word: self._tokenizer.token_to_id(word) is not None)
        encoded = self._tokenizer.encode([piece.reads for piece in found], is_pretokenized=True)
        places: list[int] = [-1 if place is None else place for place in encoded.word_ids]
        ids: list[int] = encoded.ids
        read_to = min(len(text), MAX_CHARACTERS)
        if len(ids) > MAX_TOKENS:
            cut = places[MAX_TOKENS - 1]  # the first piece that does not fit whole
            keep = places.index(cut)
            read_to = found[cut].start
            ids, places = [*ids[:keep], ids[-1]], [*places[:keep], -1]
        used = sorted({place for place in places if place >= 0})
        index = {place: number for number, place in enumerate(used)}
        return Reading(
            ids=tuple(ids),
            word_of_token=tuple(index.get(place, -1) for place in places),
            words=tuple(Word(start=found[place].start, end=found[place].end) for place in used),
            read_to=read_to,
        )

    def embed(self, ids: Tensor) -> Tensor:
        """See `SentimentModel.embed`."""
        embedded: Tensor = self._network.words(ids)
        return embedded

    def from_words(self, words: Tensor, mask: Tensor | None = None) -> Tensor:
        """See `SentimentModel.from_words`."""
        if mask is None:
            mask = torch.ones(words.shape[:2], dtype=torch.bool)
        return self._network.from_words(words, mask)
