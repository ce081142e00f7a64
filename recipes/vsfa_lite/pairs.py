"""Pairs of clips whose order is known, and kinds of distortion that are looked at together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recipes.vsfa_lite.samples import Sample

#: What is told apart in the figures, and ranked apart in the fit: kinds that belong together.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "compression": ("h264", "hevc"),
    "scaling": ("rescale",),
    "blur": ("defocus", "motion_blur"),
    "noise": ("noise",),
    "mixture": ("mixture",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Rows of samples of one picture and kind, `better` of the lower strength: int64 (P,) each."""

    better: NDArray[np.int64]
    worse: NDArray[np.int64]


def pairs_of(samples: Sequence[Sample]) -> Pairs:
    """All pairs that must come in order: one picture, one kind (a clean clip is strength 0 of each), two strengths."""
    of_picture: dict[str, list[int]] = {}
    for row, sample in enumerate(samples):
        of_picture.setdefault(sample.picture, []).append(row)
    found = [(a, b) for rows in of_picture.values() for a in rows for b in rows if _in_order(samples[a], samples[b])]
    rows = np.array(found, np.int64).reshape(-1, 2)
    return Pairs(better=rows[:, 0], worse=rows[:, 1])


def _in_order(good: Sample, bad: Sample) -> bool:
    if bad.kind in ("mixture", "clean"):
        return False
    return good.kind == "clean" or (good.kind == bad.kind and good.strength < bad.strength)
