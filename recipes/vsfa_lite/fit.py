"""Fits heads on stored features, to VMAF, to its ranks, and to the order of strengths of every kind.

One noisy clip in six has a VMAF over 98: the distance to VMAF teaches little about noise. Ranks within each kind do, so
noise has the largest weight there; ranks over all kinds keep one kind from sinking below the others.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from recipes.vsfa_lite.samples import GROUPS, Sample, load, pairs_of, view_of
from virality_core.models.vision.vsfa_lite import HEADS, LiteHead, log_scale

STEPS = 600
#: Whether each head, by seed, learns VMAF's ranks. The mean of two that do and one that doesn't ranks noise as well as
#: three that do, and ranks kinds against each other better.
RANKED = (True, True, False)
_VIEWS_PER_STEP = 40
_RATE, _DECAY, _DROPOUT = 1e-3, 0.05, 0.3
_MAX_STILLS = 4  # a clip's still is repeated up to this often, with other crops: one still or more, the same answer
_ORDER_WEIGHT = 0.3
_NOISE_ORDER = 2.0  # weight of a pair of noise; other kinds have 1
_MARGIN, _NOISE_MARGIN = 0.5, 0.1  # logits between neighboring strengths that cost nothing more
_RANK_WEIGHT = 0.05
_NOISE_RANKS, _OVERALL_RANKS = 6.0, 8.0  # weights of noise's and of all clips' ranks; other kinds have 1
_RANKED_CLIPS = 400  # random clips per step ranked over all kinds


class Dataset:
    """Features (S, T, crops, F) and samples by view: all clips of a view are in the same step."""

    def __init__(self, features: NDArray[np.float32], samples: Sequence[Sample]) -> None:
        self.features = torch.from_numpy(features)
        self.vmaf = torch.tensor([np.nan if one.vmaf is None else one.vmaf / 100 for one in samples]).float()
        kinds = np.array([one.kind for one in samples])
        self.noise = torch.from_numpy(kinds == "noise")
        self.groups = {name: torch.from_numpy(np.isin(kinds, [*group, "clean"])) for name, group in GROUPS.items()}
        _, view = np.unique([view_of(one) for one in samples], return_inverse=True)
        self.views = int(view.max()) + 1
        self._rows = [np.flatnonzero(view == number) for number in range(self.views)]
        self._better, self._worse = pairs_of(samples)
        self._pairs = [np.flatnonzero(view[self._better] == number) for number in range(self.views)]

    def step(self, views: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """Rows of all samples of those views, and positions among these of the pairs' better and worse clips."""
        rows = np.concatenate([self._rows[view] for view in views])
        position = np.zeros(len(self.vmaf), np.int64)
        position[rows] = np.arange(len(rows))
        pairs = np.concatenate([self._pairs[view] for view in views])
        better, worse = position[self._better[pairs]], position[self._worse[pairs]]
        return torch.from_numpy(rows), torch.from_numpy(better), torch.from_numpy(worse)


def fit(
    features: NDArray[np.float32], samples: Sequence[Sample], *, seed: int = 0, ranked: bool = True, steps: int = STEPS
) -> LiteHead:
    """A head trained on features (S, T, crops, F); the same seed and data give the same head.

    Without `ranked` it learns only VMAF's values and the order of strengths, not VMAF's ranks.
    """
    torch.manual_seed(seed)
    data, rng = Dataset(features, samples), np.random.default_rng(seed)
    head = LiteHead()
    logs = log_scale(data.features.flatten(0, 2))
    head.mean, head.spread = logs.mean(0), logs.std(0) + 0.05
    del logs
    optimizer = torch.optim.AdamW(head.parameters(), lr=_RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=_RATE * 3, total_steps=steps)
    head.train()
    queue = np.empty(0, np.int64)  # views left in this epoch
    for _ in range(steps):
        if len(queue) < _VIEWS_PER_STEP:
            queue = rng.permutation(data.views)
        views, queue = queue[:_VIEWS_PER_STEP], queue[_VIEWS_PER_STEP:]
        rows, better, worse = data.step(views)
        stills = _random_crops(data.features[rows])
        keep = (torch.rand(len(stills), 1, stills.shape[2]) > _DROPOUT).float() / (1 - _DROPOUT)
        video, _frames = head.head(head.standard(stills) * keep, torch.full((len(stills),), stills.shape[1]), tau=1)
        vmaf = data.vmaf[rows]
        known = ~vmaf.isnan()
        loss = F.smooth_l1_loss(torch.sigmoid(video[known]), vmaf[known], beta=0.05)
        loss = loss + _ORDER_WEIGHT * _order_loss(video, better, worse, data.noise[rows])
        if ranked:
            within = {name: known & group[rows] for name, group in data.groups.items()}
            loss = loss + _RANK_WEIGHT * _rank_loss(video, vmaf, known, within)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return head.eval().requires_grad_(False)


def _rank_loss(video: Tensor, vmaf: Tensor, known: Tensor, within: dict[str, Tensor]) -> Tensor:
    """How far logits (R,) are from VMAF's ranks, over all clips and within each kind."""
    rows = torch.nonzero(known)[:, 0]
    loss = _OVERALL_RANKS * _pairwise_loss(video, vmaf, rows[torch.randperm(len(rows))[:_RANKED_CLIPS]])
    for name, mask in within.items():
        weight = _NOISE_RANKS if name == "noise" else 1.0
        loss = loss + weight * _pairwise_loss(video, vmaf, torch.nonzero(mask)[:, 0])
    return loss


def _pairwise_loss(video: Tensor, vmaf: Tensor, rows: Tensor) -> Tensor:
    better = vmaf[rows][:, None] > vmaf[rows][None]
    difference = (video[rows][:, None] - video[rows][None])[better]
    return F.softplus(-difference).mean() if len(difference) else video.sum() * 0.0


def _order_loss(video: Tensor, better: Tensor, worse: Tensor, noise: Tensor) -> Tensor:
    """How far pairs of logits are from being in order by a margin."""
    if not len(worse):
        return video.sum() * 0.0
    of_noise = noise[worse]
    margin = torch.where(of_noise, _NOISE_MARGIN, _MARGIN)
    weight = torch.where(of_noise, _NOISE_ORDER, 1.0)
    return (weight * F.relu(margin - (video[better] - video[worse]))).mean()


def _random_crops(features: Tensor) -> Tensor:
    """(S, T, K, F) → (S, t, F): 1 to `_MAX_STILLS` random stills per clip, each the mean of some of its crops."""
    clips, stills, crops, _ = features.shape
    count = int(torch.randint(1, _MAX_STILLS + 1, ()))
    chosen = torch.randint(stills, (clips, count))
    weights = torch.rand(clips, count, crops) * (torch.rand(clips, count, crops) < 0.7) + 1e-3
    weights = weights / weights.sum(-1, keepdim=True)
    return torch.einsum("stkf,stk->stf", features[torch.arange(clips)[:, None], chosen], weights)


def predict(heads: Sequence[LiteHead], features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Quality 0–1 (S,) of clips by features (S, T, crops, F), from the mean of the heads' logits."""
    with torch.inference_mode():
        frames = torch.from_numpy(features).mean(2)
        lengths = torch.full((len(frames),), frames.shape[1])
        video = torch.stack([head(frames, lengths)[0] for head in heads]).mean(0)
    quality: NDArray[np.float64] = torch.sigmoid(video).double().numpy()
    return quality


def fit_all(files: list[Path]) -> tuple[list[LiteHead], list[LiteHead]]:
    """Heads fitted on the training split, to measure on validation pictures, and heads fitted on both, to ship."""
    jobs = [(files, splits, seed) for splits in (["train", "val"], ["train"]) for seed in range(HEADS)]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        heads = list(pool.map(_fit_one, *zip(*jobs, strict=True)))
    return heads[HEADS:], heads[:HEADS]


def _fit_one(files: list[Path], splits: list[str], seed: int) -> LiteHead:
    torch.set_num_threads(1)  # the same head on every machine, and one core per head
    return fit(*load(files, splits), seed=seed, ranked=RANKED[seed])
