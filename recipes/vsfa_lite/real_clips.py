"""`python -m recipes.vsfa_lite.real_clips VIDEO…`: what the bundled model says of graded copies of videos.

Does it follow VMAF, and does the worse of two strengths of one distortion of one clip score lower? One JSON object on
standard output; about three minutes a video. Needs the PyPI package brisque.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from recipes.vsfa_lite import ffmpeg
from recipes.vsfa_lite.baselines import Brisque, sharpness
from recipes.vsfa_lite.distortions import CODECS, MEASURED, ORDERED, crf_of
from recipes.vsfa_lite.measure import figures
from recipes.vsfa_lite.pairs import pairs_of
from recipes.vsfa_lite.samples import Sample
from virality_core.errors import ViralityError
from virality_core.media import open_reel, probe
from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.vision.vsfa_lite import LiteQuality
from virality_core.models.weights.cache import sha256
from virality_core.scorers.measures.letterbox import picture_box
from virality_core.scorers.picture.quality_networks import tau_of
from virality_core.types import Plan

STRENGTHS = (0.1, 0.3, 0.5, 0.7, 0.9)
SECONDS = 2.0  # of each clip, from its start
KINDS = (*CODECS, *MEASURED)
_SAVED_CRF = 18.0
_COMPARED = 4  # stills of a copy that BRISQUE and sharpness are the mean of: a real clip's are not alike
_PLAN = Plan(stills=16, hook_stills=6)  # as a reel is scored


def real_clips(model: LiteQuality, paths: list[Path]) -> dict[str, object]:
    """Score 5 strengths of 6 distortions (and of low light and over-exposure, told apart) of the start of each clip.

    Returns the share of pairs of strengths in order, the figures of `measure.figures` for the model and for what it is
    compared with, and every score.
    """
    samples, scores = [], dict[str, list[float]](model=[], brisque=[], laplacian_sharpness=[], bit_rate=[])
    judges: dict[str, Callable[[NDArray[np.uint8]], float]] = {"laplacian_sharpness": sharpness}
    brisque = Brisque()
    judges["brisque"] = lambda still: -brisque(still)
    as_they_are = {path.stem: round(score_file(model, path), 4) for path in paths}
    for path in paths:
        info = probe(path)
        shape = (0, info.height // 2 * 2, info.width // 2 * 2, 3)  # even, as the encoders ask
        clean = ffmpeg.decode(path, shape, seconds=SECONDS)
        for kind in (*KINDS, *ORDERED):
            for strength in STRENGTHS:
                with TemporaryDirectory() as folder:
                    file = Path(folder) / "distorted.mp4"
                    size = _distort(clean, kind, strength, file)
                    vmaf = ffmpeg.vmaf(file, clean) if kind in KINDS else None
                    stills = open_reel(file, Plan(stills=_COMPARED)).frames.rgb
                    scores["model"].append(score_file(model, file))
                for name, judge in judges.items():
                    scores[name].append(float(np.mean([judge(still) for still in stills])))
                scores["bit_rate"].append(float(size))
                samples.append(
                    Sample(picture=path.stem, split="real", kind=kind, strength=strength, vmaf=vmaf, bytes=size)
                )
    found = {name: figures(np.array(values), samples) for name, values in scores.items()}
    by_row = zip(samples, scores["model"], strict=True)
    return {
        "strengths": list(STRENGTHS),
        "pairs": len(paths) * len(KINDS) * len(list(combinations(STRENGTHS, 2))),
        "in_order": _in_order(samples, np.array(scores["model"])),
        "figures": found,
        "as_they_are": as_they_are,
        "scores": [[one.picture, one.kind, one.strength, one.vmaf, round(score, 4)] for one, score in by_row],
    }


def _in_order(samples: list[Sample], scores: NDArray[np.float64]) -> float:
    """The share of pairs of one clip and one of the six distortions whose worse one scores lower."""
    pairs = pairs_of(samples)
    six = np.isin([samples[row].kind for row in pairs.worse], KINDS)
    return round(float((scores[pairs.better] > scores[pairs.worse])[six].mean()), 4)


def score_file(model: LiteQuality, path: Path) -> float:
    """The model's answer for a file, from the stills that the scorer gets, without black bars as there."""
    reel = open_reel(path, _PLAN)
    pictures = picture_box(reel.frames.rgb).cut_all(reel.frames.rgb)
    return model.score(pictures, tau_of(reel.frames.seconds, reel.info.frame_rate))[0]


def _distort(clean: ffmpeg.Clip, kind: str, strength: float, file: Path) -> int:
    """Write the distorted clip; returns the file's bytes."""
    if kind in CODECS:
        return ffmpeg.encode(clean, file, CODECS[kind][0], crf_of(kind, strength))
    return ffmpeg.encode((MEASURED | ORDERED)[kind](clean, strength, 1), file, "libx264", _SAVED_CRF)


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m recipes.vsfa_lite.real_clips", description=__doc__)
    parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO")
    options = parser.parse_args(arguments)
    try:
        path = weights.obtain("quality", "lite").path
        found = {"sha256": sha256(path)} | real_clips(LiteQuality(load_tensors(path)), options.videos)
    except ViralityError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    json.dump(found, sys.stdout, indent=1)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
