"""How much each word pushed a caption towards positive: integrated gradients over the word embeddings.

Integrated gradients (Sundararajan, Taly & Yan, ICML 2017) follow the model along the straight line from a baseline, the
same caption with every word masked, to the caption itself; by completeness the words' weights add up to how far the
model's output moved between the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from virality_core.models.sentiment import Reading, SentimentModel

TOLERANCE = 0.01  # of the change in the output: the sum must be this near
_POINTS = (24, 48, 96, 192)  # Gauss-Legendre points on the line: more only where the sum is not near enough
SMALLEST_CHANGE = 0.1  # logits: a change smaller than this is matched as if it were this large
_BATCH_TOKENS = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """`weights` has one push on the positive minus the negative logit for each word of the reading.

    `probabilities` are of negative, neutral and positive. `change` is the output of the caption less that of the
    baseline, `baseline` the latter; `weights` add up to `change` to within `TOLERANCE`.
    """

    probabilities: tuple[float, float, float]
    weights: tuple[float, ...]
    change: float
    baseline: float


def explain(model: SentimentModel, reading: Reading) -> Explanation:
    """The weights of the reading's words. Deterministic; holds gradients only while it runs."""
    ids = torch.tensor([reading.ids])
    place = torch.tensor(reading.word_of_token)
    words = model.embed(ids)  # (1, T, C)
    masked = model.embed(torch.where(place >= 0, model.mask_id, ids))
    with torch.no_grad():
        ends = model.from_words(torch.cat([masked, words]))  # (2, 3)
    before, after = _margin(ends).tolist()
    change = after - before
    negative, neutral, positive = ends[1].softmax(-1).tolist()
    weights = torch.zeros(len(reading.words), dtype=torch.float64)
    if reading.words:
        for points in _POINTS:
            pushes = _integrate(model, masked, words, points)  # (T,)
            if abs(pushes.sum().item() - change) <= TOLERANCE * max(abs(change), SMALLEST_CHANGE):
                break
        # Tokens that belong to no word are the same in the baseline: their push is zero.
        weights.index_add_(0, place[place >= 0], pushes[place >= 0])
    return Explanation(
        probabilities=(negative, neutral, positive),
        weights=tuple(weights.tolist()),
        change=change,
        baseline=before,
    )


def _margin(logits: Tensor) -> Tensor:
    return logits[:, 2] - logits[:, 0]


def _integrate(model: SentimentModel, masked: Tensor, words: Tensor, points: int) -> Tensor:
    """Each token's push, float64 (T,)."""
    places, shares = _quadrature(points)
    total = torch.zeros(words.shape[1:], dtype=torch.float64)
    step = max(1, _BATCH_TOKENS // words.shape[1])
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
