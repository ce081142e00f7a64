"""The lite sentiment model: MiniLM's six transformer layers, mean pooling and three logits.

The encoder is that of all-MiniLM-L6-v2 (Wang et al. 2020; Reimers & Gurevych 2019): BERT with 384 channels, 12 heads.
Written out here rather than taken from a library, so that lite needs no hub library and an explanation can start from
the embeddings. `recipes/caption_minilm/finetune.py` fine-tunes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn
from torch.nn import functional as F

from virality_core.models.language.sentiment_model import LABELS

PAD, UNKNOWN, CLS, SEP, MASK = 0, 100, 101, 102, 103


def lite_tokenizer(vocabulary: Path) -> Tokenizer:
    """BERT's uncased WordPiece tokenizer over a vocab.txt (one token a line); adds [CLS] and [SEP]."""
    words = {word: index for index, word in enumerate(vocabulary.read_text(encoding="utf-8").split("\n")[:30522])}
    tokenizer = Tokenizer(WordPiece(words, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = BertNormalizer(clean_text=True, handle_chinese_chars=True, lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)]
    )
    return tokenizer


CHANNELS = 384
HEADS = 12
LAYERS = 6
INNER = 1536
POSITIONS = 512
VOCABULARY = 30522
_EPSILON = 1e-12  # BERT's LayerNorm


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
        """`mask` is bool (B, 1, 1, T), True where there is a token; `dropout` drops whole channels of a sentence."""
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
        """The same from word embeddings float32 (B, T, 384): what an explanation differentiates."""
        x = self.embedding_norm(words + self.positions.weight[: words.shape[1]])
        logits: Tensor = self.head(self.encode(x, mask, dropout))
        return logits

    def encode(self, x: Tensor, mask: Tensor, dropout: float = 0.0) -> Tensor:
        """Embeddings (B, T, 384) through the layers to the mean over a text's tokens, float32 (B, 384)."""
        for layer in self.layers:
            x = layer(x, mask[:, None, None, :], dropout)
        weight = mask.to(x.dtype)[:, :, None]
        return (x * weight).sum(1) / weight.sum(1)


def _drop(x: Tensor, probability: float) -> Tensor:
    """Drops whole channels of a sentence (one mask for all its tokens): as dropout, at a fraction of its cost."""
    if probability == 0.0:
        return x
    keep = torch.empty((x.shape[0], 1, x.shape[2]), dtype=x.dtype).bernoulli_(1.0 - probability)
    return x * keep.div_(1.0 - probability)


def from_sentence_transformers(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The published all-MiniLM-L6-v2 checkpoint under this module's names, without a head.

    The constant token-type embedding is folded into the positions, and the three projections into one.
    """
    positions = (
        published["embeddings.position_embeddings.weight"] + published["embeddings.token_type_embeddings.weight"][0]
    )
    state = {
        "words.weight": published["embeddings.word_embeddings.weight"],
        "positions.weight": positions,
        "embedding_norm.weight": published["embeddings.LayerNorm.weight"],
        "embedding_norm.bias": published["embeddings.LayerNorm.bias"],
    }
    for index in range(LAYERS):
        theirs, ours = f"encoder.layer.{index}", f"layers.{index}"
        for part in ("weight", "bias"):
            three = [published[f"{theirs}.attention.self.{name}.{part}"] for name in ("query", "key", "value")]
            state[f"{ours}.query_key_value.{part}"] = torch.cat(three)
            for our, their in _PARTS.items():
                state[f"{ours}.{our}.{part}"] = published[f"{theirs}.{their}.{part}"]
    return state


_PARTS = {
    "attended": "attention.output.dense",
    "attended_norm": "attention.output.LayerNorm",
    "wide": "intermediate.dense",
    "narrow": "output.dense",
    "norm": "output.LayerNorm",
}


def pack(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Matrices as int8 with one float32 step a row (`name.step`), the rest as it is: a quarter of the size."""
    packed = {}
    for name, tensor in state.items():
        if tensor.ndim < 2:
            packed[name] = tensor.float().contiguous()
            continue
        step = tensor.float().abs().amax(1).clamp_min(1e-12) / 127.0
        packed[name] = (tensor.float() / step[:, None]).round().to(torch.int8)
        packed[f"{name}.step"] = step
    return packed


def unpack(packed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The float32 state that `pack` rounded."""
    return {
        name: tensor.float() * packed[f"{name}.step"][:, None] if tensor.dtype == torch.int8 else tensor
        for name, tensor in packed.items()
        if not name.endswith(".step")
    }
