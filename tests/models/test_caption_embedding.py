"""Captions as vectors: those of the sentiment model's own lower layers, one at a time or together."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.language.minilm import (
    EMBEDDING_LAYERS,
    EMBEDDING_TOKENS,
    MiniLM,
    embed_captions,
    unpack,
    wordpiece_tokenizer,
)

CAPTIONS = ["Wait for it", "A cat learns to swim in our garden pool 🐈 #catsoftiktok #summer", "Chào buổi sáng", "!"]


def test_they_are_the_means_of_the_lower_layers() -> None:
    network = MiniLM()
    network.load_state_dict(unpack(load_tensors(weights.resolve("caption-minilm"))))
    network.eval()
    tokenizer = wordpiece_tokenizer(weights.resolve("caption-minilm-vocab"))
    found = embed_captions(CAPTIONS)
    for caption, vector in zip(CAPTIONS, found, strict=True):
        ids = torch.tensor([tokenizer.encode(caption.replace("#", " ")).ids])
        mask = torch.ones_like(ids, dtype=torch.bool)
        with torch.inference_mode():
            x = network.embedding_norm(network.words(ids) + network.positions.weight[: ids.shape[1]])
            for layer in network.layers[:EMBEDDING_LAYERS]:
                x = layer(x, mask[:, None, None, :])
        assert vector == pytest.approx(x.mean(1)[0].numpy(), abs=2e-5)


def test_a_vector_does_not_depend_on_its_company() -> None:
    together = embed_captions([f"{caption} {number}" for number in range(40) for caption in CAPTIONS])
    alone = embed_captions([f"{CAPTIONS[1]} 7"])
    assert together.shape == (160, 384)
    assert together[7 * 4 + 1] == pytest.approx(alone[0], abs=2e-5)


def test_what_is_about_the_same_is_near() -> None:
    cat, kitten, tax = embed_captions(["my cat sleeps", "a kitten is napping", "how to file a tax return"])

    def cosine(one: np.ndarray, other: np.ndarray) -> float:
        return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))

    assert cosine(cat, kitten) > cosine(cat, tax) + 0.05


@pytest.mark.parametrize("caption", ["", "\x00", "\ud800", "🐈" * 30, "a" * 50_000, "# # #", "שלום"])
def test_odd_captions_have_vectors(caption: str) -> None:
    vector = embed_captions([caption])
    assert vector.shape == (1, 384)
    assert np.isfinite(vector).all()


def test_nothing_gives_nothing_and_what_is_too_long_is_cut() -> None:
    assert embed_captions([]).shape == (0, 384)
    long = " ".join(["word"] * EMBEDDING_TOKENS)
    assert embed_captions([long])[0] == pytest.approx(embed_captions([long + " and more of it"])[0], abs=2e-5)
