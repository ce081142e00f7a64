"""What a caption is about, as numbers: the lower layers of the bundled MiniLM, which the sentiment fit moved least.

The mean over a caption's tokens after LAYERS of its six layers. What the model knows of meaning it learned from a
billion pairs of sentences (N. Reimers, I. Gurevych, EMNLP 2019), most of them English.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.language.minilm import CHANNELS, Layer, lite_tokenizer, unpack

LAYERS = 3
MAX_TOKENS, MAX_CHARACTERS = 64, 1000  # 64 tokens are what it was published for, about 45 words
_BATCH = 64


class CaptionEmbedder:
    """Captions in, vectors out; holds no state."""

    def __init__(self, packed: Mapping[str, Tensor], vocabulary: Path) -> None:
        """From the tensors of the sentiment model's file and its vocab.txt."""
        self._words, self._steps = packed["words.weight"], packed["words.weight.step"]  # int8: a quarter of the memory
        self._positions = packed["positions.weight"].float() * packed["positions.weight.step"][:, None]
        self._norm = nn.LayerNorm(CHANNELS, eps=1e-12)
        self._norm.load_state_dict({part: packed[f"embedding_norm.{part}"] for part in ("weight", "bias")})
        self._layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        kept = {f"layers.{layer}." for layer in range(LAYERS)}
        own = {name: tensor for name, tensor in packed.items() if any(name.startswith(prefix) for prefix in kept)}
        self._layers.load_state_dict({name.removeprefix("layers."): tensor for name, tensor in unpack(own).items()})
        for part in (self._norm, self._layers):
            part.eval().requires_grad_(False)
        self._tokenizer = lite_tokenizer(vocabulary)

    def embed(self, captions: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (N, 384); hashtags are read as words, what is beyond MAX_TOKENS is not read."""
        texts = [caption[:MAX_CHARACTERS].replace("#", " ").encode("utf-8", "replace").decode() for caption in captions]
        place = {text: row for row, text in enumerate(dict.fromkeys(texts))}  # in data many have none, or the same
        ids = [encoded.ids[:MAX_TOKENS] for encoded in self._tokenizer.encode_batch(list(place))] if place else []
        found = np.zeros((len(ids), CHANNELS), np.float32)
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))  # captions of one length go together
        for begin in range(0, len(order), _BATCH):
            rows = order[begin : begin + _BATCH]
            found[rows] = self._means([ids[row] for row in rows]).numpy()
        return np.asarray(found[[place[text] for text in texts]], np.float32)

    @torch.inference_mode()
    def _means(self, ids: Sequence[Sequence[int]]) -> Tensor:
        longest = max(map(len, ids))
        padded = torch.zeros((len(ids), longest), dtype=torch.int64)
        mask = torch.zeros((len(ids), longest), dtype=torch.bool)
        for row, own in enumerate(ids):
            padded[row, : len(own)], mask[row, : len(own)] = torch.tensor(own), True
        x = self._words[padded].float() * self._steps[padded][:, :, None]
        x = self._norm(x + self._positions[:longest])
        for layer in self._layers:
            x = layer(x, mask[:, None, None, :], 0.0)
        weight = mask.float()[:, :, None]
        means: Tensor = (x * weight).sum(1) / weight.sum(1)
        return means


def embed_captions(captions: Sequence[str]) -> NDArray[np.float32]:
    """Vectors (N, 384) by the one embedder that all share. Raises as `bundled_embedder`."""
    return bundled_embedder().embed(captions)


@lru_cache(maxsize=1)
def bundled_embedder() -> CaptionEmbedder:
    """The one that all share. Raises WeightsError where its files are missing or not what the manifest states."""
    paths = (weights.resolve("caption-minilm"), weights.resolve("caption-minilm-vocab"))
    return CaptionEmbedder(load_tensors(paths[0]), paths[1])
