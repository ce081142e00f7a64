"""Fits a head on kept features: VMAF where there is one, its ranks, and the order of strengths for every kind.

VMAF hardly moves with noise (one of six noisy clips gets more than 98), so that the distance to it teaches little of
noise: ranks within each kind do, noise's the most. Ranks over all kinds together keep one from sinking under others.
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

from recipes.vsfa_lite.pairs import GROUPS, pairs_of
from recipes.vsfa_lite.samples import Sample, load, view_of
from virality_core.models.vision.vsfa_lite import HEADS, LiteHead, log_scale

STEPS = 600
_VIEWS_A_STEP = 40
_RATE, _DECAY, _DROPOUT = 1e-3, 0.05, 0.3
_LONGEST = 4  # times that a clip's still is shown, by other crops: the head must answer alike for one and for more
_ORDER_WEIGHT = 0.3
_NOISE_ORDER = 2.0  # weight of a pair of noise, of others 1
#: Logits between neighbouring strengths that cost nothing more: few of noise, which VMAF hardly sees.
_MARGIN, _NOISE_MARGIN = 0.5, 0.1
_RANK_WEIGHT = 0.05
_NOISE_RANKS, _RANKS_TOGETHER = 6.0, 8.0  # weights of the ranks of noise and of all kinds, of each other kind's 1
_RANKED = 400  # clips of a step, drawn, that are ranked together


class Material:
    """Features (S, T, crops, F) and samples, looked up by view: all clips of one view are in one step."""

    def __init__(self, features: NDArray[np.float32], samples: Sequence[Sample]) -> None:
        self.features = torch.from_numpy(features)
        self.vmaf = torch.tensor([np.nan if one.vmaf is None else one.vmaf / 100 for one in samples]).float()
        kinds = np.array([one.kind for one in samples])
        self.noise = torch.from_numpy(kinds == "noise")
        self.groups = {name: torch.from_numpy(np.isin(kinds, [*group, "clean"])) for name, group in GROUPS.items()}
        _, view = np.unique([view_of(one) for one in samples], return_inverse=True)
        self.views = int(view.max()) + 1
        self._rows = [np.flatnonzero(view == number) for number in range(self.views)]
        pairs = pairs_of(samples)
        self._pairs = [np.flatnonzero(view[pairs.better] == number) for number in range(self.views)]
        self._better, self._worse = pairs.better, pairs.worse

    def step(self, views: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """Rows of all samples of those views, and places among these of the pairs' better and worse clips."""
        rows = np.concatenate([self._rows[view] for view in views])
        place = np.zeros(len(self.vmaf), np.int64)
        place[rows] = np.arange(len(rows))
        pairs = np.concatenate([self._pairs[view] for view in views])
        better, worse = place[self._better[pairs]], place[self._worse[pairs]]
        return torch.from_numpy(rows), torch.from_numpy(better), torch.from_numpy(worse)


def fit(
    features: NDArray[np.float32], samples: Sequence[Sample], *, seed: int = 0, ranked: bool = True, steps: int = STEPS
) -> LiteHead:
    """A head trained on features (S, T, crops, F). The same seed and material give the same head.

    Without `ranked` it learns nothing of VMAF's ranks, only its amount and the order of strengths. In each step every
    clip of `_VIEWS_A_STEP` views is shown 1 to `_LONGEST` times, each time by one to all of its crops, drawn anew.
    """
    torch.manual_seed(seed)
    material, chance = Material(features, samples), np.random.default_rng(seed)
    head = LiteHead()
    logs = log_scale(material.features.flatten(0, 2))
    head.mean, head.spread = logs.mean(0), logs.std(0) + 0.05
    del logs
    optimizer = torch.optim.AdamW(head.parameters(), lr=_RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=_RATE * 3, total_steps=steps)
    head.train()
    left = np.empty(0, np.int64)  # views of this round
    for _ in range(steps):
        if len(left) < _VIEWS_A_STEP:
            left = chance.permutation(material.views)
        views, left = left[:_VIEWS_A_STEP], left[_VIEWS_A_STEP:]
        rows, better, worse = material.step(views)
        shown = _drawn(material.features[rows])
        keep = (torch.rand(len(shown), 1, shown.shape[2]) > _DROPOUT).float() / (1 - _DROPOUT)
        video, _frames = head.head(head.standard(shown) * keep, torch.full((len(shown),), shown.shape[1]), tau=1)
        loss = _off(material, rows, video) + _ORDER_WEIGHT * _disorder(video, better, worse, material.noise[rows])
        if ranked:
            loss = loss + _RANK_WEIGHT * _misranked(material, rows, video)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return head.eval().requires_grad_(False)


def _off(material: Material, rows: Tensor, video: Tensor) -> Tensor:
    """What logits (R,) are off from VMAF by."""
    vmaf = material.vmaf[rows]
    known = ~vmaf.isnan()
    return F.smooth_l1_loss(torch.sigmoid(video[known]), vmaf[known], beta=0.05)


def _misranked(material: Material, rows: Tensor, video: Tensor) -> Tensor:
    """How far logits (R,) are from VMAF's ranks, within each kind and over all."""
    vmaf = material.vmaf[rows]
    known = ~vmaf.isnan()
    some = torch.nonzero(known)[:, 0]
    loss = _RANKS_TOGETHER * _unranked(video, vmaf, some[torch.randperm(len(some))[:_RANKED]])
    for name, group in material.groups.items():
        weight = _NOISE_RANKS if name == "noise" else 1.0
        loss = loss + weight * _unranked(video, vmaf, torch.nonzero(known & group[rows])[:, 0])
    return loss


def _unranked(video: Tensor, vmaf: Tensor, some: Tensor) -> Tensor:
    """How far the logits of some rows are from VMAF's ranks, pair by pair."""
    better = vmaf[some][:, None] > vmaf[some][None]
    apart = (video[some][:, None] - video[some][None])[better]
    return F.softplus(-apart).mean() if len(apart) else video.sum() * 0.0


def _disorder(video: Tensor, better: Tensor, worse: Tensor, noise: Tensor) -> Tensor:
    """How far pairs of logits are from being in order by a margin."""
    if not len(worse):
        return video.sum() * 0.0
    of_noise = noise[worse]
    margin = torch.where(of_noise, _NOISE_MARGIN, _MARGIN)
    weight = torch.where(of_noise, _NOISE_ORDER, 1.0)
    return (weight * F.relu(margin - (video[better] - video[worse]))).mean()


def judge(heads: Sequence[LiteHead], features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Quality 0–1 of clips by features (S, T, crops, F), by the mean of the heads' logits: (S,)."""
    with torch.inference_mode():
        frames = torch.from_numpy(features).mean(2)
        lengths = torch.full((len(frames),), frames.shape[1])
        video = torch.stack([head(frames, lengths)[0] for head in heads]).mean(0)
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


#: By seed. One of three learns no ranks: their mean tells noise as well as that of three that do, and kinds from one
#: another better.
RANKED = (True, True, False)


def fitted(files: list[Path]) -> tuple[list[LiteHead], list[LiteHead]]:
    """The heads fitted on the training part, to be judged on the one to choose by, and those on both, to be kept."""
    jobs = [(files, parts, seed) for parts in (["train", "val"], ["train"]) for seed in range(HEADS)]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        heads = list(pool.map(_head, *zip(*jobs, strict=True)))
    kept, chosen = heads[:HEADS], heads[HEADS:]
    return chosen, kept


def _head(files: list[Path], parts: list[str], seed: int) -> LiteHead:
    torch.set_num_threads(1)  # the same head on every machine, and one for each core at a time
    return fit(*part(files, parts), seed=seed, ranked=RANKED[seed])


def part(files: list[Path], splits: list[str]) -> tuple[NDArray[np.float32], list[Sample]]:
    """Features (S, T, crops, F) and samples of those files that belong to one of the splits."""
    features, samples = load(files)
    rows = [place for place, one in enumerate(samples) if one.split in splits]
    return features[rows], [samples[row] for row in rows]
