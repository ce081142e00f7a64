"""MiniLM, the bundled language model: the sentiment of a caption, and captions as vectors.

The encoder is all-MiniLM-L6-v2's (Wang et al. 2020; Reimers & Gurevych, EMNLP 2019): BERT with 6 layers, 384 channels
and 12 heads, here with mean pooling and three logits, fine-tuned by `recipes/caption_minilm`. It is written out so that
lite needs no hub library and an explanation can start from the embeddings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn
from torch.nn import functional as F

from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.language.sentiment_model import LABELS, Reading, SentimentModel
from virality_core.models.language.text_normalizer import MAX_CHARACTERS, pieces

PAD, UNKNOWN, CLS, SEP, MASK = 0, 100, 101, 102, 103
CHANNELS = 384
HEADS = 12
LAYERS = 6
INNER = 1536
POSITIONS = 512
VOCABULARY = 30522
MAX_TOKENS = 128  # of a caption for sentiment: twice what it was trained on, about 90 words
EMBEDDING_LAYERS = 3  # the lower layers: the sentiment fit moved them least
EMBEDDING_TOKENS, EMBEDDING_CHARACTERS = 64, 1000  # 64 tokens, about 45 words, are what the encoder was published for
_BATCH = 64
_EPSILON = 1e-12  # BERT's LayerNorm


def wordpiece_tokenizer(vocabulary: Path) -> Tokenizer:
    """BERT's uncased WordPiece tokenizer over a vocab.txt (one token per line); adds [CLS] and [SEP]."""
    tokens = vocabulary.read_text(encoding="utf-8").split("\n")[:VOCABULARY]
    index_of = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(WordPiece(index_of, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = BertNormalizer(clean_text=True, handle_chinese_chars=True, lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)]
    )
    return tokenizer


class Layer(nn.Module):
    """One post-norm transformer layer: (B, T, 384) → (B, T, 384)."""

    def __init__(self) -> None:
        super().__init__()
        self.query_key_value = nn.Linear(CHANNELS, 3 * CHANNELS)
        self.attended = nn.Linear(CHANNELS, CHANNELS)
        self.attended_norm = nn.LayerNorm(CHANNELS, eps=_EPSILON)
        self.wide = nn.Linear(CHANNELS, INNER)
        self.narrow = nn.Linear(INNER, CHANNELS)
        self.norm = nn.LayerNorm(CHANNELS, eps=_EPSILON)

    def forward(self, x: Tensor, mask: Tensor, dropout: float = 0.0) -> Tensor:
        """`mask` is bool (B, 1, 1, T), True where there is a token; `dropout` drops whole channels of a text."""
        batch, tokens, _ = x.shape
        q, k, v = self.query_key_value(x).view(batch, tokens, 3, HEADS, -1).permute(2, 0, 3, 1, 4)  # 3 × (B, 12, T, 32)
        heads = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        attended = self.attended(heads.transpose(1, 2).reshape(batch, tokens, CHANNELS))
        x = self.attended_norm(x + _drop(attended, dropout))
        transformed: Tensor = self.norm(x + _drop(self.narrow(F.gelu(self.wide(x))), dropout))
        return transformed


class MiniLM(nn.Module):
    """Token ids or embeddings to the logits (B, 3) of negative, neutral and positive."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, CHANNELS)
        self.positions = nn.Embedding(POSITIONS, CHANNELS)
        self.embedding_norm = nn.LayerNorm(CHANNELS, eps=_EPSILON)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.head = nn.Linear(CHANNELS, len(LABELS))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """`ids` int64 (B, T), `mask` bool (B, T) → logits float32 (B, 3)."""
        return self.from_words(self.words(ids), mask)

    def from_words(self, words: Tensor, mask: Tensor, dropout: float = 0.0) -> Tensor:
        """The same from word embeddings float32 (B, T, 384)."""
        x = self.embedding_norm(words + self.positions.weight[: words.shape[1]])
        logits: Tensor = self.head(_encode(self.layers, x, mask, dropout))
        return logits


def _encode(layers: Iterable[nn.Module], x: Tensor, mask: Tensor, dropout: float = 0.0) -> Tensor:
    """Embeddings (B, T, 384) through the layers to the mean over a text's tokens, float32 (B, 384)."""
    for layer in layers:
        x = layer(x, mask[:, None, None, :], dropout)
    weight = mask.to(x.dtype)[:, :, None]
    return (x * weight).sum(1) / weight.sum(1)


def _drop(x: Tensor, probability: float) -> Tensor:
    """Drops whole channels of a text (one mask for all its tokens): as dropout, at a fraction of its cost."""
    if probability == 0.0:
        return x
    keep = torch.empty((x.shape[0], 1, x.shape[2]), dtype=x.dtype).bernoulli_(1.0 - probability)
    return x * keep.div_(1.0 - probability)


class MiniLMSentiment(SentimentModel):
    """The fine-tuned network, and how it reads a caption."""

    mask_id = MASK

    def __init__(self, packed: Mapping[str, Tensor], vocabulary: Path) -> None:
        """From the tensors of model.safetensors and its vocab.txt."""
        self._network = MiniLM()
        self._network.load_state_dict(unpack(packed))
        self._network.eval().requires_grad_(False)
        self._tokenizer = wordpiece_tokenizer(vocabulary)

    def read(self, text: str) -> Reading:
        """See `SentimentModel.read`; at most `MAX_TOKENS` tokens."""
        found = pieces(text, is_known=lambda word: self._tokenizer.token_to_id(word) is not None)
        encoded = self._tokenizer.encode([piece.reads for piece in found], is_pretokenized=True)
        piece_of_token = [-1 if index is None else index for index in encoded.word_ids]
        ids: list[int] = encoded.ids
        read_to = min(len(text), MAX_CHARACTERS)
        if len(ids) > MAX_TOKENS:
            cut = piece_of_token[MAX_TOKENS - 1]  # the first piece that does not fit whole
            keep = piece_of_token.index(cut)
            read_to = found[cut].start
            ids, piece_of_token = [*ids[:keep], ids[-1]], [*piece_of_token[:keep], -1]
        return Reading.of_pieces(ids, piece_of_token, found, read_to)

    def embed(self, ids: Tensor) -> Tensor:
        """See `SentimentModel.embed`."""
        embedded: Tensor = self._network.words(ids)
        return embedded

    def from_words(self, words: Tensor, mask: Tensor | None = None) -> Tensor:
        """See `SentimentModel.from_words`."""
        if mask is None:
            mask = torch.ones(words.shape[:2], dtype=torch.bool)
        return self._network.from_words(words, mask)


class CaptionEmbedder:
    """Captions as vectors: what they are about. The mean over a caption's tokens after `EMBEDDING_LAYERS` layers.

    The encoder learned meaning from a billion pairs of sentences, most of them English.
    """

    def __init__(self, packed: Mapping[str, Tensor], vocabulary: Path) -> None:
        """From the tensors of the sentiment model's file and its vocab.txt."""
        self._words, self._steps = packed["words.weight"], packed["words.weight.step"]  # int8: a quarter of the memory
        self._positions = unpack({name: packed[name] for name in ("positions.weight", "positions.weight.step")})
        self._norm = nn.LayerNorm(CHANNELS, eps=_EPSILON)
        self._norm.load_state_dict({part: packed[f"embedding_norm.{part}"] for part in ("weight", "bias")})
        self._layers = nn.ModuleList(Layer() for _ in range(EMBEDDING_LAYERS))
        prefixes = tuple(f"layers.{layer}." for layer in range(EMBEDDING_LAYERS))
        lower = unpack({name: tensor for name, tensor in packed.items() if name.startswith(prefixes)})
        self._layers.load_state_dict({name.removeprefix("layers."): tensor for name, tensor in lower.items()})
        for part in (self._norm, self._layers):
            part.eval().requires_grad_(False)
        self._tokenizer = wordpiece_tokenizer(vocabulary)

    def embed(self, captions: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (N, 384). Hashtags are read as words; only the first `EMBEDDING_TOKENS` tokens are read."""
        texts = [
            caption[:EMBEDDING_CHARACTERS].replace("#", " ").encode("utf-8", "replace").decode() for caption in captions
        ]
        row_of = {text: row for row, text in enumerate(dict.fromkeys(texts))}  # many posts have no caption, or the same
        encoded = self._tokenizer.encode_batch(list(row_of)) if row_of else []
        ids = [one.ids[:EMBEDDING_TOKENS] for one in encoded]
        found = np.zeros((len(ids), CHANNELS), np.float32)
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))  # a batch has captions of similar length
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            found[rows] = self._means([ids[row] for row in rows]).numpy()
        return np.asarray(found[[row_of[text] for text in texts]], np.float32)

    @torch.inference_mode()
    def _means(self, ids: Sequence[Sequence[int]]) -> Tensor:
        longest = max(map(len, ids))
        padded = torch.zeros((len(ids), longest), dtype=torch.int64)
        mask = torch.zeros((len(ids), longest), dtype=torch.bool)
        for row, tokens in enumerate(ids):
            padded[row, : len(tokens)], mask[row, : len(tokens)] = torch.tensor(tokens), True
        words = self._words[padded].float() * self._steps[padded][:, :, None]
        return _encode(self._layers, self._norm(words + self._positions["positions.weight"][:longest]), mask)


@lru_cache(maxsize=1)
def caption_embedder() -> CaptionEmbedder:
    """The one embedder that all share. Raises WeightsError if its files are missing or not what the manifest states."""
    return CaptionEmbedder(load_tensors(weights.resolve("caption-minilm")), weights.resolve("caption-minilm-vocab"))


def embed_captions(captions: Sequence[str]) -> NDArray[np.float32]:
    """Vectors (N, 384) of captions. Raises as `caption_embedder`."""
    return caption_embedder().embed(captions)


def unpack(packed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The float32 state of a file whose matrices are int8, with one float32 step per row (`name.step`)."""
    return {
        name: tensor.float() * packed[f"{name}.step"][:, None] if tensor.dtype == torch.int8 else tensor
        for name, tensor in packed.items()
        if not name.endswith(".step")
    }
