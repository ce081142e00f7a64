"""How much each word pushed a caption towards positive, in weights that add up to the change of the model's output.

Owen values (Owen 1977: Shapley values where words join their neighbors first) over a tree that halves the caption down
to its words. The worth of a part is measured twice: by the part alone, and by what the caption loses without it. What
two halves are worth together beyond each by itself is split equally, down to the words; two words get their exact
Shapley values. To limit the cost, longer captions are only measured by leaving out single words, all of which share the
rest equally; the longest only by parts alone, which are short and so take far fewer tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from virality_core.models.language.sentiment_model import Reading, SentimentModel

_MAX_TOKENS = 1500  # that both ways may cost: about half a second on one slow core
_BATCH_TOKENS = 1024
_MAX_PADDING = 1.34  # the longest row of a batch to the shortest: 3 and 4 tokens, 9 and 12

_Part = tuple[int, int]  # words `start` to `end`, `end` not included


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """`weights` has each word's push on the output, the positive minus the negative logit.

    `probabilities` are of negative, neutral and positive. The weights add up to `change`: the caption's output minus
    the `baseline`, the output without any words.
    """

    probabilities: tuple[float, float, float]
    weights: tuple[float, ...]
    change: float
    baseline: float


def explain(model: SentimentModel, reading: Reading) -> Explanation:
    """The weights of the reading's words. Deterministic."""
    count = len(reading.words)
    parts = _parts(0, count)
    alone = np.zeros((len(parts) + 1, count), dtype=bool)  # the last row has no words
    for row, (start, end) in enumerate(parts):
        alone[row, start:end] = True
    without_part = ~alone[1:-1]  # the whole and nothing are there already
    without_word = ~np.eye(count, dtype=bool)
    both_ways, each_word = np.concatenate([alone, without_part]), np.concatenate([alone[[0, -1]], without_word])
    present = next((rows for rows in (both_ways, each_word) if _kept(reading, rows).sum() <= _MAX_TOKENS), alone)
    logits = _logits_with(model, reading, present)
    outputs = (logits[:, 2] - logits[:, 0]).double().numpy()
    whole, nothing = outputs[0], outputs[1 if present is each_word else len(parts)]
    if present is each_word:
        lost = whole - outputs[2:]
        weights = lost + (whole - nothing - lost.sum()) / count
    else:
        weights = _shared(0, count, dict(zip(parts, outputs[: len(parts)] - nothing, strict=True)))
    if present is both_ways:
        losses = np.concatenate([[whole - nothing], whole - outputs[len(alone) :]])
        weights = (weights + _shared(0, count, dict(zip(parts, losses, strict=True)))) / 2
    negative, neutral, positive = logits[0].softmax(-1).tolist()
    return Explanation(
        probabilities=(negative, neutral, positive),
        weights=tuple(weights.tolist()),
        change=float(whole - nothing),
        baseline=float(nothing),
    )


def _parts(start: int, end: int) -> list[_Part]:
    """The words from `start` to `end`, their halves, and so on down to single words; the whole first."""
    if end - start < 2:
        return [(start, end)]
    middle = (start + end) // 2
    return [(start, end), *_parts(start, middle), *_parts(middle, end)]


def _shared(start: int, end: int, worth: dict[_Part, float]) -> NDArray[np.float64]:
    """Each word's share of a part's worth, float64 (end − start,); they add up to it."""
    if end - start < 2:
        return np.full(end - start, worth[start, end])
    middle = (start + end) // 2
    together = worth[start, end] - worth[start, middle] - worth[middle, end]
    halves = (_shared(*half, worth) + together / 2 / (half[1] - half[0]) for half in ((start, middle), (middle, end)))
    return np.concatenate(list(halves))


def _kept(reading: Reading, present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which tokens stay, bool (D, T), if only the words in each row of `present` bool (D, words) do."""
    always = np.ones((len(present), 1), dtype=bool)
    kept: NDArray[np.bool_] = np.concatenate([present, always], axis=1)[:, reading.word_of_token]  # −1: last column
    return kept


@torch.inference_mode()
def _logits_with(model: SentimentModel, reading: Reading, present: NDArray[np.bool_]) -> Tensor:
    """Logits float32 (D, 3) with only the words that are True in each row of `present` bool (D, words)."""
    kept = _kept(reading, present)
    lengths = kept.sum(1)
    by_length = np.argsort(lengths, kind="stable")
    ids = np.asarray(reading.ids)
    logits = torch.empty(len(present), 3)
    first = 0
    while first < len(by_length):
        within = _MAX_PADDING * lengths[by_length[first]]
        size = 1
        while first + size < len(by_length) and lengths[by_length[first + size]] <= within:
            if lengths[by_length[first + size]] * (size + 1) > _BATCH_TOKENS:
                break
            size += 1
        chosen = by_length[first : first + size]
        longest = int(lengths[chosen].max())
        tokens = np.full((size, longest), model.mask_id)
        mask = np.arange(longest) < lengths[chosen][:, None]
        tokens[mask] = np.concatenate([ids[kept[index]] for index in chosen])
        logits[chosen] = model.from_words(model.embed(torch.from_numpy(tokens)), torch.from_numpy(mask))
        first += size
    return logits
