"""On real clips: does the worse of two strengths of one distortion of one clip score lower?"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from virality_core.media import open_reel, probe
from virality_core.models.quality_lite import LiteQuality
from virality_core.scorers.quality_networks import tau_of
from virality_core.training.quality import ffmpeg
from virality_core.training.quality.distortions import CODECS, MEASURED, ORDERED, crf_of
from virality_core.types import Plan

STRENGTHS = (0.1, 0.3, 0.5, 0.7, 0.9)
SECONDS = 2.0  # of each clip, from its start
KINDS = (*CODECS, *MEASURED)
_SAVED_CRF = 18.0
_PLAN = Plan(stills=16, hook_stills=6)  # as a reel is scored


def real_clips(model: LiteQuality, paths: list[Path]) -> dict[str, object]:
    """Score 5 strengths of 6 distortions (and of low light and over-exposure, told apart) of the start of each clip."""
    right: dict[str, list[bool]] = {}
    values: dict[str, dict[str, list[float]]] = {}
    for path in paths:
        info = probe(path)
        clean = ffmpeg.decode(path, (0, info.height, info.width, 3), seconds=SECONDS)
        values[path.stem] = {"as it is": [round(score_file(model, path), 4)]}
        for kind in (*KINDS, *ORDERED):
            scores = [_distorted(model, clean, kind, strength) for strength in STRENGTHS]
            values[path.stem][kind] = [round(score, 4) for score in scores]
            right.setdefault(kind, []).extend(good > bad for good, bad in combinations(scores, 2))
    six = [one for kind in KINDS for one in right[kind]]
    return {
        "strengths": list(STRENGTHS),
        "pairs": len(six),
        "in_order": round(float(np.mean(six)), 4),
        "in_order_by_kind": {kind: round(float(np.mean(ones)), 4) for kind, ones in right.items()},
        "scores": values,
    }


def score_file(model: LiteQuality, path: Path) -> float:
    """The model's answer for a file, from the stills that the scorer gets."""
    reel = open_reel(path, _PLAN)
    return model.score(reel.frames.rgb, tau_of(reel.frames.seconds, reel.info.frame_rate))[0]


def _distorted(model: LiteQuality, clean: ffmpeg.Clip, kind: str, strength: float) -> float:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "distorted.mp4"
        if kind in CODECS:
            ffmpeg.encode(clean, file, CODECS[kind][0], crf_of(kind, strength))
        else:
            ffmpeg.encode((MEASURED | ORDERED)[kind](clean, strength, 1), file, "libx264", _SAVED_CRF)
        return score_file(model, file)
