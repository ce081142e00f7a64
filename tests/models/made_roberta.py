"""A right-shaped RoBERTa with random weights: two layers, the published layout of files, names and labels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers.pre_tokenizers import ByteLevel
from torch import Tensor
from transformers import RobertaConfig, RobertaForSequenceClassification

from virality_core.models.checkpoint import load_tensors
from virality_core.models.language.roberta import RobertaSentiment

_MERGES = (
    "Ġ t",
    "h e",
    "Ġt he",
    "l o",
    "lo v",
    "lov e",
    "Ġ g",
    "o o",
    "Ġg oo",
    "u s",
    "us e",
    "use r",
    "h t",
    "ht t",
    "htt p",
)


@dataclass(frozen=True, slots=True)
class MadeRoberta:
    """A folder as the hub has it: config.json, vocab.json, merges.txt, pytorch_model.bin."""

    folder: Path

    @property
    def tensors(self) -> dict[str, Tensor]:
        return load_tensors(self.folder / "pytorch_model.bin")

    def load(self, tensors: Mapping[str, Tensor] | None = None) -> RobertaSentiment:
        return RobertaSentiment(
            self.tensors if tensors is None else tensors,
            config=self.folder / "config.json",
            vocabulary=self.folder / "vocab.json",
            merges=self.folder / "merges.txt",
        )


def made_roberta(folder: Path) -> MadeRoberta:
    """Write one into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    words = ["<s>", "<pad>", "</s>", "<unk>", *sorted(ByteLevel.alphabet())]
    words += ["".join(merge.split(" ")) for merge in _MERGES] + ["<mask>"]
    (folder / "vocab.json").write_text(json.dumps({word: index for index, word in enumerate(words)}), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(_MERGES) + "\n", encoding="utf-8")
    config = RobertaConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        id2label={0: "negative", 1: "neutral", 2: "positive"},
        label2id={"negative": 0, "neutral": 1, "positive": 2},
        architectures=["RobertaForSequenceClassification"],
    )
    config.save_pretrained(folder)
    torch.manual_seed(0)
    network = RobertaForSequenceClassification(config)
    state = {name: tensor + 0.3 * torch.randn_like(tensor) for name, tensor in network.state_dict().items()}
    # The published file also has a pooler and a table of positions, which the classifier does not use.
    state["roberta.pooler.dense.weight"] = torch.zeros(32, 32)
    state["roberta.pooler.dense.bias"] = torch.zeros(32)
    state["roberta.embeddings.position_ids"] = torch.arange(514)[None]
    torch.save(state, folder / "pytorch_model.bin")
    return MadeRoberta(folder)
