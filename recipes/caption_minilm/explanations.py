"""Whether explanations hold: their sums, whether the strongest words matter most, and how long one takes.

python -m recipes.caption_minilm.explanations --data val.tsv --out explanations.json [--profile lite]
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch

from recipes.caption_minilm.options import trial
from virality_core.models.language.owen_values import explain
from virality_core.models.language.sentiment_model import Reading, SentimentModel

_STRONGEST = 3
_SMALLEST_CHANGE = 0.1  # logits: a change smaller than this is matched as if it were this large
_DRAWS = 5  # of random words a caption


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """`strongest_win` is how often deleting the three strongest words moved the output more than three random ones.

    `worst_sum_error` is relative to the change in the output (or to `_SMALLEST_CHANGE` logits where that is larger);
    times are processor seconds of one warm explanation, over all of `threads` threads: on a busy machine the clock on
    the wall says nothing.
    """

    n: int
    strongest_win: float
    worst_sum_error: float
    median_cpu_seconds: float
    cpu_seconds_95_percent: float
    threads: int


def check(model: SentimentModel, texts: Sequence[str], seed: int = 0) -> Held:
    """Explain each text of more than three words and try the explanation out."""
    chance = random.Random(seed)
    wins, errors, seconds = [], [], []
    explain(model, model.read("warm up"))
    for text in texts:
        reading = model.read(text)
        count = len(reading.words)
        if count <= _STRONGEST:
            continue
        begun = time.process_time()
        found = explain(model, reading)
        seconds.append(time.process_time() - begun)
        errors.append(abs(sum(found.weights) - found.change) / max(abs(found.change), _SMALLEST_CHANGE))
        strongest = sorted(range(count), key=lambda word: -abs(found.weights[word]))[:_STRONGEST]
        moved = [
            abs(_without(model, reading, words) - _without(model, reading, ()))
            for words in (strongest, *(chance.sample(range(count), _STRONGEST) for _ in range(_DRAWS)))
        ]
        wins += [moved[0] > other for other in moved[1:]]
    return Held(
        n=len(seconds),
        strongest_win=float(np.mean(wins)),
        worst_sum_error=max(errors),
        median_cpu_seconds=float(np.median(seconds)),
        cpu_seconds_95_percent=float(np.quantile(seconds, 0.95)),
        threads=torch.get_num_threads(),
    )


@torch.inference_mode()
def _without(model: SentimentModel, reading: Reading, words: Sequence[int]) -> float:
    """The positive minus the negative logit when those words are deleted."""
    ids = [token for token, word in zip(reading.ids, reading.word_of_token, strict=True) if word not in words]
    logits = model.from_words(model.embed(torch.tensor([ids])))[0]
    return float(logits[2] - logits[0])


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    asked = trial((__doc__ or "").split("\n")[0], arguments)
    held = check(asked.model, asked.texts)
    asked.out.write_text(json.dumps(asdict(held), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
