"""The figures of the model's card, on pictures it has not seen: rank correlation with VMAF, pair order, baselines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recipes.vsfa_lite.baselines import Brisque, sharpness
from recipes.vsfa_lite.distortions import ORDERED
from recipes.vsfa_lite.pairs import GROUPS, pairs_of
from recipes.vsfa_lite.samples import STILLS, Sample, clip_path
from virality_core.media import open_reel
from virality_core.training.statistics import spearman
from virality_core.types import Plan

Scores = NDArray[np.float64]


def figures(scores: Scores, samples: Sequence[Sample]) -> dict[str, object]:
    """Spearman with VMAF over compression, scaling, blur and noise together and apart (each with the clean clips), and
    the share of pairs of one picture and kind whose better one has the higher score."""
    vmaf = np.array([np.nan if one.vmaf is None else one.vmaf for one in samples])
    kinds = np.array([one.kind for one in samples])
    within = {name: np.isin(kinds, [*group, "clean"]) for name, group in GROUPS.items()}
    alone = np.any([mask for name, mask in within.items() if name != "mixture"], axis=0)
    pairs = pairs_of(samples)
    right, of = scores[pairs.better] > scores[pairs.worse], kinds[pairs.worse]
    return {
        "clips": int(alone.sum()),
        "spearman_together": _rank(scores[alone], vmaf[alone]),
        "spearman_with_mixtures": _rank(scores[~np.isnan(vmaf)], vmaf[~np.isnan(vmaf)]),
        "spearman": {
            name: _rank(scores[mask], vmaf[mask]) for name, mask in within.items() if np.isin(kinds, GROUPS[name]).any()
        },
        "pair_order": {str(kind): round(float(right[of == kind].mean()), 4) for kind in sorted(set(of))},
        "pairs_of_light": {kind: int((of == kind).sum()) for kind in ORDERED},
    }


def baselines(samples: Sequence[Sample], clips: Path) -> dict[str, Scores]:
    """Scores of test clips, more is better, by BRISQUE, sharpness and bit rate. Raises InputError without BRISQUE."""
    brisque = Brisque()
    names: dict[str, int] = {}
    found: dict[str, list[float]] = {"brisque": [], "laplacian_sharpness": [], "bit_rate": []}
    for sample in samples:
        number = names.get(sample.picture, 0)
        names[sample.picture] = number + 1
        stills = open_reel(clip_path(clips, sample.picture, number), Plan(stills=STILLS)).frames.rgb
        found["brisque"].append(-float(np.mean([brisque(still) for still in stills])))
        found["laplacian_sharpness"].append(float(np.mean([sharpness(still) for still in stills])))
        found["bit_rate"].append(float(sample.bytes))
    return {name: np.array(values) for name, values in found.items()}


def _rank(scores: Scores, truth: Scores) -> float:
    return round(float(spearman(scores, truth)), 4)
