"""How much each word pushed a caption towards positive, in weights that add up to how far the model's output moved.

Captions of usual length get Shapley values, estimated over permutations (Castro et al. 2009; each is taken with its
reverse, Mitchell et al. 2022): words are put in one after the other and each gets what the output moved by, on average
over a few orders. Each order's moves add up, so the averages do. For longer captions that takes too long, and
integrated gradients (Sundararajan, Taly & Yan, ICML 2017) take over; their sum is checked. Of the two, deleting the
strongest words by Shapley values moved the output further on tweets.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from virality_core.models.sentiment import Reading, SentimentModel

TOLERANCE = 0.01  # of the change in the output: the sum of integrated gradients must be this near
SMALLEST_CHANGE = 0.1  # logits: a change smaller than this is matched as if it were this large
_TOKENS_A_CAPTION = 1600  # that orders may cost where more than two fit: about a quarter of a second on two cores
_MOST_ORDERS = 16
_MOST_WORDS = 48  # beyond, two orders cost more than integrated gradients do
_POINTS = (24, 48, 96, 192)  # Gauss-Legendre points on the line: more only where the sum is not near enough
_TOKENS_A_BATCH = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """`weights` has one push on the positive minus the negative logit for each word of the reading.

    `probabilities` are of negative, neutral and positive. `change` is the caption's output less the `baseline`, which
    is that of no words at all (`shapley`) or of every word masked (`integrated gradients`); the weights add up to it.
    """

    probabilities: tuple[float, float, float]
    weights: tuple[float, ...]
    change: float
    baseline: float
    method: Literal["shapley", "integrated gradients"]


def explain(model: SentimentModel, reading: Reading) -> Explanation:
    """The weights of the reading's words. Deterministic; holds gradients only while it runs."""
    orders = _orders(reading)
    if orders:
        before, after, weights, logits = _shapley(model, reading, orders)
    else:
        before, after, weights, logits = _integrated_gradients(model, reading)
    negative, neutral, positive = logits.softmax(-1).tolist()
    return Explanation(
        probabilities=(negative, neutral, positive),
        weights=tuple(weights),
        change=after - before,
        baseline=before,
        method="shapley" if orders else "integrated gradients",
    )


def _orders(reading: Reading) -> int:
    """How many orders to put the words in: even, at least two; 0 where there are too many words for any."""
    if len(reading.words) > _MOST_WORDS:
        return 0
    mean_tokens = len(reading.ids) - sum(word >= 0 for word in reading.word_of_token) / 2
    fit = _TOKENS_A_CAPTION / (mean_tokens * max(1, len(reading.words)))
    return min(_MOST_ORDERS, max(2, 2 * int(fit / 2)))


def _shapley(model: SentimentModel, reading: Reading, orders: int) -> tuple[float, float, list[float], Tensor]:
    count = len(reading.words)
    chance = np.random.default_rng(0)
    some = [chance.permutation(count) for _ in range(orders // 2)]
    every = [order for pair in some for order in (pair, pair[::-1])]
    # Row k of an order holds which of the words are in after k of them were put in.
    rank = np.stack([np.argsort(order) for order in every])  # (orders, words)
    present = rank[:, None, :] < np.arange(count + 1)[:, None]  # (orders, words + 1, words)
    distinct, row = np.unique(present.reshape(len(every) * (count + 1), count), axis=0, return_inverse=True)
    logits = _logits_with(model, reading, distinct)  # (D, 3)
    outputs = _margin(logits).double().numpy()[row.reshape(len(every), count + 1)]
    weights = np.zeros(count)
    for order, output in zip(every, outputs, strict=True):
        weights[order] += np.diff(output)
    whole = int(row.reshape(len(every), count + 1)[0, -1])
    return float(outputs[0, 0]), float(outputs[0, -1]), (weights / len(every)).tolist(), logits[whole]


@torch.inference_mode()
def _logits_with(model: SentimentModel, reading: Reading, present: NDArray[np.bool_]) -> Tensor:
    """Logits float32 (D, 3) with only the words that are True in each row of `present` bool (D, words)."""
    always = np.ones((len(present), 1), dtype=bool)
    kept = np.concatenate([present, always], axis=1)[:, reading.word_of_token]  # (D, T); −1 is the last column
    lengths = kept.sum(1)
    by_length = np.argsort(lengths, kind="stable")
    ids = np.asarray(reading.ids)
    logits = torch.empty(len(present), 3)
    first = 0
    while first < len(by_length):
        size = 1
        while first + size < len(by_length) and lengths[by_length[first + size]] * (size + 1) <= _TOKENS_A_BATCH:
            size += 1
        chosen = by_length[first : first + size]
        longest = int(lengths[chosen].max())
        tokens = np.full((size, longest), model.mask_id)
        mask = np.arange(longest) < lengths[chosen][:, None]
        tokens[mask] = np.concatenate([ids[kept[index]] for index in chosen])
        logits[chosen] = model.from_words(model.embed(torch.from_numpy(tokens)), torch.from_numpy(mask))
        first += size
    return logits


def _integrated_gradients(model: SentimentModel, reading: Reading) -> tuple[float, float, list[float], Tensor]:
    ids = torch.tensor([reading.ids])
    place = torch.tensor(reading.word_of_token)
    words = model.embed(ids)  # (1, T, C)
    masked = model.embed(torch.where(place >= 0, model.mask_id, ids))
    with torch.no_grad():
        ends = model.from_words(torch.cat([masked, words]))  # (2, 3)
    before, after = _margin(ends).tolist()
    for points in _POINTS:
        pushes = _integrate(model, masked, words, points)  # (T,)
        if abs(pushes.sum().item() - (after - before)) <= TOLERANCE * max(abs(after - before), SMALLEST_CHANGE):
            break
    # Tokens that belong to no word are the same in the baseline: their push is zero.
    weights = torch.zeros(len(reading.words), dtype=torch.float64)
    weights.index_add_(0, place[place >= 0], pushes[place >= 0])
    return before, after, weights.tolist(), ends[1]


def _integrate(model: SentimentModel, masked: Tensor, words: Tensor, points: int) -> Tensor:
    """Each token's push, float64 (T,), on the straight line from the masked caption to the caption itself."""
    places, shares = _quadrature(points)
    total = torch.zeros(words.shape[1:], dtype=torch.float64)
    step = max(1, _TOKENS_A_BATCH // words.shape[1])
    for first in range(0, points, step):
        along = torch.tensor(places[first : first + step], dtype=words.dtype)[:, None, None]
        with torch.enable_grad():
            line = (masked + along * (words - masked)).requires_grad_()  # (P, T, C)
            (slope,) = torch.autograd.grad(_margin(model.from_words(line)).sum(), line)
        total += (slope.double() * torch.tensor(shares[first : first + step])[:, None, None]).sum(0)
    return (total * (words - masked)[0].double()).sum(-1)


@lru_cache
def _quadrature(points: int) -> tuple[list[float], list[float]]:
    """Places 0–1 and their shares, which add up to 1."""
    places, shares = np.polynomial.legendre.leggauss(points)
    return ((places + 1) / 2).tolist(), (shares / 2).tolist()


def _margin(logits: Tensor) -> Tensor:
    return logits[:, 2] - logits[:, 0]
