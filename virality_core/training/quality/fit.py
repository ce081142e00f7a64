"""Fits the head on kept features: VMAF where there is one, the order of strengths for every kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from virality_core.models.quality_lite import LiteHead, log_scale
from virality_core.training.quality.samples import Sample

STEPS = 600
_RATE, _DECAY, _DROPOUT = 1e-3, 0.05, 0.3
_LONGEST = 4  # times that a clip's still is shown, by other crops: the head must answer alike for one and for more
_MARGIN = 0.5  # logits between neighbouring strengths that cost nothing more
_ORDER_WEIGHT = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Rows of samples of one picture and kind, `better` of the lower strength: int64 (P,) each."""

    better: NDArray[np.int64]
    worse: NDArray[np.int64]


def pairs_of(samples: list[Sample]) -> Pairs:
    """All pairs that must come in order: one picture, one kind (a clean clip is strength 0 of each), two strengths."""
    found = [
        (a, b)
        for a, good in enumerate(samples)
        for b, bad in enumerate(samples)
        if good.picture == bad.picture
        and bad.kind not in ("mixture", "clean")
        and good.kind in (bad.kind, "clean")
        and (good.kind == "clean" or good.strength < bad.strength)
    ]
    rows = np.array(found, np.int64).reshape(-1, 2)
    return Pairs(better=rows[:, 0], worse=rows[:, 1])


def fit(features: NDArray[np.float32], samples: list[Sample], *, seed: int = 0, steps: int = STEPS) -> LiteHead:
    """A head trained on features (S, T, crops, F). The same seed and material give the same head.

    In each step every clip's stills are shown 1 to `_LONGEST` times, each time by one to all of its crops, drawn anew.
    """
    torch.manual_seed(seed)
    given = torch.from_numpy(features)  # (S, T, K, F)
    head = LiteHead()
    logs = log_scale(given.flatten(0, 2))
    head.mean, head.spread = logs.mean(0), logs.std(0) + 0.05
    measured = torch.tensor([place for place, one in enumerate(samples) if one.vmaf is not None])
    target = torch.tensor([one.vmaf / 100 for one in samples if one.vmaf is not None])
    pairs = pairs_of(samples)
    better, worse = torch.from_numpy(pairs.better), torch.from_numpy(pairs.worse)
    optimizer = torch.optim.AdamW(head.parameters(), lr=_RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=_RATE * 3, total_steps=steps)
    head.train()
    for _ in range(steps):
        shown = _drawn(given)
        keep = (torch.rand(len(shown), 1, shown.shape[2]) > _DROPOUT).float() / (1 - _DROPOUT)
        standard = head.standard(shown) * keep
        video, _frames = head.head(standard, torch.full((len(shown),), shown.shape[1]), tau=1)
        loss = F.smooth_l1_loss(torch.sigmoid(video[measured]), target, beta=0.05)
        loss = loss + _ORDER_WEIGHT * F.relu(_MARGIN - (video[better] - video[worse])).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return head.eval().requires_grad_(False)


def judge(head: LiteHead, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Quality 0–1 of clips by features (S, T, crops, F): (S,)."""
    with torch.inference_mode():
        frames = torch.from_numpy(features).mean(2)
        video, _ = head(frames, torch.full((len(frames),), frames.shape[1]))
    judged: NDArray[np.float64] = torch.sigmoid(video).double().numpy()
    return judged


def _drawn(given: Tensor) -> Tensor:
    """(S, T, K, F) → (S, t, F): t drawn stills of each clip, each the mean of its drawn crops."""
    clips, stills, crops, _ = given.shape
    count = int(torch.randint(1, _LONGEST + 1, ()))
    chosen = torch.randint(stills, (clips, count))
    weights = torch.rand(clips, count, crops) * (torch.rand(clips, count, crops) < 0.7) + 1e-3
    weights = weights / weights.sum(-1, keepdim=True)
    return torch.einsum("stkf,stk->stf", given[torch.arange(clips)[:, None], chosen], weights)
