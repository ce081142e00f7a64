"""The full sentiment model: RoBERTa base trained on 124 million tweets, through transformers' own classes.

Loureiro et al., TimeLMs, ACL 2022; `cardiffnlp/twitter-roberta-base-sentiment-latest`. Preprocessing as in its card:
words that begin with @ are read as `@user`, words that begin with http as `http`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from virality_core.errors import WeightsError
from virality_core.models.language.sentiment_model import LABELS, Reading, SentimentModel
from virality_core.models.language.text_normalizer import MAX_CHARACTERS, pieces

if TYPE_CHECKING:
    from transformers import RobertaForSequenceClassification

MAX_TOKENS = 512  # positions it was trained with
_WORD = re.compile(r"(?:(?<= )|\A)(?:@[^ ]+|http[^ ]*)|.", re.DOTALL)  # a word that is replaced, or a character
_NOT_USED = ("roberta.embeddings.position_ids", "roberta.pooler.")  # in the published file, not in the model


class RobertaSentiment(SentimentModel):
    """RoBERTa for sequence classification with three labels."""

    def __init__(self, tensors: Mapping[str, Tensor], *, config: Path, vocabulary: Path, merges: Path) -> None:
        """From the checkpoint's tensors and the paths of its config.json, vocab.json and merges.txt.

        Raises:
            WeightsError: the files don't make a three-label RoBERTa.
        """
        from transformers import RobertaTokenizer  # takes seconds

        self._network = _network(tensors, config)
        self._tokenizer = RobertaTokenizer(vocab=str(vocabulary), merges=str(merges))
        self.mask_id = int(self._tokenizer.mask_token_id)

    def read(self, text: str) -> Reading:
        """See `SentimentModel.read`; at most `MAX_TOKENS` tokens, cut as transformers' pipeline cuts."""
        plain, positions = preprocess(text[:MAX_CHARACTERS])
        encoded = self._tokenizer(plain, truncation=True, max_length=MAX_TOKENS, return_offsets_mapping=True)
        ids: list[int] = encoded["input_ids"]
        offsets: list[tuple[int, int]] = encoded["offset_mapping"]
        found = pieces(text, is_known=lambda _: True)
        piece_at = [-1] * min(len(text), MAX_CHARACTERS)
        for index, piece in enumerate(found):
            piece_at[piece.start : piece.end] = [index] * (piece.end - piece.start)
        piece_of_token = [piece_at[positions[start]] if end > start else -1 for start, end in offsets]
        last = max((end for _, end in offsets), default=0)
        cut = len(ids) == MAX_TOKENS and last < len(plain)
        return Reading.of_pieces(ids, piece_of_token, found, positions[last] if cut else len(piece_at))

    def embed(self, ids: Tensor) -> Tensor:
        """See `SentimentModel.embed`."""
        embedded: Tensor = self._network.roberta.embeddings.word_embeddings(ids)
        return embedded

    def from_words(self, words: Tensor, mask: Tensor | None = None) -> Tensor:
        """See `SentimentModel.from_words`."""
        attended = None if mask is None else mask.long()
        logits: Tensor = self._network(inputs_embeds=words, attention_mask=attended).logits
        return logits


def preprocess(text: str) -> tuple[str, list[int]]:
    """The text as the model was trained on it, and for each of its characters (and its end) the position in `text`.

    Lone surrogates, which UTF-8 has no bytes for, become U+FFFD.
    """
    plain = ""
    positions: list[int] = []
    for match in _WORD.finditer(text):
        word, start = match[0], match.start()
        reads = "\ufffd" if "\ud800" <= word <= "\udfff" else word
        if len(word) > 1:
            reads = "@user" if word.startswith("@") else "http"
        plain += reads
        # All letters of a replacement are at the start of what they replace.
        positions += range(start, start + len(word)) if len(reads) == len(word) else [start] * len(reads)
    return plain, [*positions, len(text)]


def _network(tensors: Mapping[str, Tensor], config: Path) -> RobertaForSequenceClassification:
    from transformers import RobertaConfig, RobertaForSequenceClassification

    settings = RobertaConfig.from_json_file(config)
    by_index = {int(index): str(name).lower() for index, name in (settings.id2label or {}).items()}
    names = tuple(by_index[index] for index in sorted(by_index))
    if names != LABELS:
        raise WeightsError(f"{config.name} names the labels {', '.join(names)}; {', '.join(LABELS)} are needed.")
    settings.dtype = torch.float32  # transformers 5 would take the checkpoint's
    network = RobertaForSequenceClassification(settings)
    state = {name: tensor.float() for name, tensor in tensors.items() if not name.startswith(_NOT_USED)}
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise WeightsError(
            f"The sentiment weights don't fit {config.name}: {str(error).splitlines()[-1].strip()}"
        ) from error
    network.train(False)
    network.requires_grad_(False)
    return network
