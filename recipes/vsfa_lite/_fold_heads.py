"""The heads of a model, fitted side by side: each core has one at a time."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from recipes.vsfa_lite.fit import fit
from recipes.vsfa_lite.samples import Sample, load
from virality_core.models.vision.vsfa_lite import HEADS, LiteHead

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
