"""The figures of the model card: rank correlation with VMAF, pairs in order, and the baselines.

`python -m recipes.vsfa_lite.measure VIDEO…` measures the bundled model on graded copies of any videos: does it follow
VMAF, and does the stronger of two distortions of a clip score lower? Writes JSON to standard output; takes about three
minutes per video. Needs the PyPI package brisque.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from numpy.typing import NDArray

from recipes.vsfa_lite import ffmpeg
from recipes.vsfa_lite.brisque import Brisque
from recipes.vsfa_lite.clips import CODECS, MEASURED, ORDERED, crf_of
from recipes.vsfa_lite.samples import GROUPS, STILLS, Sample, clip_path, pairs_of
from virality_core.errors import ViralityError
from virality_core.media import open_reel, probe
from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.vision.vsfa_lite import LiteQuality
from virality_core.models.weights.cache import sha256
from virality_core.scorers.measures.letterbox import picture_box
from virality_core.scorers.picture.quality import tau_of
from virality_core.training.statistics import spearman
from virality_core.types import Plan

Scores = NDArray[np.float64]

STRENGTHS = (0.1, 0.3, 0.5, 0.7, 0.9)
SECONDS = 2.0  # of each video, from its start
KINDS = (*CODECS, *MEASURED)
_SAVED_CRF = 18.0
_BASELINE_STILLS = 4  # per copy; BRISQUE and sharpness are means over them
_PLAN = Plan(stills=16, hook_stills=6)  # as a reel is scored


def metrics(scores: Scores, samples: Sequence[Sample]) -> dict[str, object]:
    """Spearman with VMAF over all kinds and by group (each with the clean clips), and the share of pairs in order."""
    vmaf = np.array([np.nan if one.vmaf is None else one.vmaf for one in samples])
    kinds = np.array([one.kind for one in samples])
    masks = {name: np.isin(kinds, [*group, "clean"]) for name, group in GROUPS.items()}
    unmixed = np.any([mask for name, mask in masks.items() if name != "mixture"], axis=0)
    better, worse = pairs_of(samples)
    in_order, of = scores[better] > scores[worse], kinds[worse]

    def rank(mask: NDArray[np.bool_]) -> float:
        return round(spearman(scores[mask], vmaf[mask]) or 0.0, 4)

    return {
        "clips": int(unmixed.sum()),
        "spearman_together": rank(unmixed),
        "spearman_with_mixtures": rank(~np.isnan(vmaf)),
        "spearman": {name: rank(mask) for name, mask in masks.items() if np.isin(kinds, GROUPS[name]).any()},
        "pair_order": {str(kind): round(float(in_order[of == kind].mean()), 4) for kind in sorted(set(of))},
        "pairs_of_light": {kind: int((of == kind).sum()) for kind in ORDERED},
    }


def sharpness(rgb: NDArray[np.uint8]) -> float:
    """Standard deviation of the Laplacian of a frame's luma, uint8 (H, W, 3): higher is sharper."""
    return float(cv2.Laplacian(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.CV_64F).std())


def _still_baselines() -> dict[str, Callable[[NDArray[np.uint8]], float]]:
    """Baselines that score a still, higher is better."""
    brisque = Brisque()
    return {"brisque": lambda still: -brisque(still), "laplacian_sharpness": sharpness}


def baselines(samples: Sequence[Sample], clips: Path) -> dict[str, Scores]:
    """Test clips scored by BRISQUE, sharpness and bit rate, higher is better. Raises InputError without BRISQUE."""
    by_still = _still_baselines()
    scores: dict[str, list[float]] = {name: [] for name in (*by_still, "bit_rate")}
    numbers: dict[str, int] = {}
    for sample in samples:
        number = numbers.get(sample.picture, 0)
        numbers[sample.picture] = number + 1
        stills = open_reel(clip_path(clips, sample.picture, number), Plan(stills=STILLS)).frames.rgb
        for name, score in by_still.items():
            scores[name].append(float(np.mean([score(still) for still in stills])))
        scores["bit_rate"].append(float(sample.bytes))
    return {name: np.array(values) for name, values in scores.items()}


def measure_videos(model: LiteQuality, paths: list[Path]) -> dict[str, object]:
    """Score the start of each video under every kind of distortion in five strengths.

    Returns the share of pairs in order (of the kinds with VMAF), the `metrics` of the model and the baselines, the
    scores of the videos as they are, and every score.
    """
    samples: list[Sample] = []
    by_still = _still_baselines()
    scores: dict[str, list[float]] = {name: [] for name in ("model", *by_still, "bit_rate")}
    as_they_are = {path.stem: round(score_file(model, path), 4) for path in paths}
    for path in paths:
        info = probe(path)
        even = (0, info.height // 2 * 2, info.width // 2 * 2, 3)  # the encoders need even sides
        clean = ffmpeg.decode(path, even, seconds=SECONDS)
        for kind in (*KINDS, *ORDERED):
            for strength in STRENGTHS:
                with TemporaryDirectory() as folder:
                    file = Path(folder) / "distorted.mp4"
                    size = _distort(clean, kind, strength, file)
                    vmaf = ffmpeg.vmaf(file, clean) if kind in KINDS else None
                    stills = open_reel(file, Plan(stills=_BASELINE_STILLS)).frames.rgb
                    scores["model"].append(score_file(model, file))
                for name, score in by_still.items():
                    scores[name].append(float(np.mean([score(still) for still in stills])))
                scores["bit_rate"].append(float(size))
                samples.append(
                    Sample(picture=path.stem, split="real", kind=kind, strength=strength, vmaf=vmaf, bytes=size)
                )
    better, worse = pairs_of(samples)
    model_scores = np.array(scores["model"])
    with_vmaf = np.isin([samples[row].kind for row in worse], KINDS)
    in_order = (model_scores[better] > model_scores[worse])[with_vmaf].mean()
    return {
        "strengths": list(STRENGTHS),
        "pairs": len(paths) * len(KINDS) * len(list(combinations(STRENGTHS, 2))),
        "in_order": round(float(in_order), 4),
        "figures": {name: metrics(np.array(values), samples) for name, values in scores.items()},
        "as_they_are": as_they_are,
        "scores": [
            [one.picture, one.kind, one.strength, one.vmaf, round(score, 4)]
            for one, score in zip(samples, scores["model"], strict=True)
        ],
    }


def score_file(model: LiteQuality, path: Path) -> float:
    """The model's score of a file, from the stills that the scorer gets, black bars cut off."""
    reel = open_reel(path, _PLAN)
    stills = picture_box(reel.frames.rgb).cut_all(reel.frames.rgb)
    return model.score(stills, tau_of(reel.frames.seconds, reel.info.frame_rate))[0]


def _distort(clean: ffmpeg.Clip, kind: str, strength: float, file: Path) -> int:
    """Write the distorted clip; returns the file's bytes."""
    if kind in CODECS:
        return ffmpeg.encode(clean, file, CODECS[kind][0], crf_of(kind, strength))
    return ffmpeg.encode((MEASURED | ORDERED)[kind](clean, strength, 1), file, "libx264", _SAVED_CRF)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m recipes.vsfa_lite.measure", description=__doc__)
    parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO")
    options = parser.parse_args(arguments)
    try:
        path = weights.resolve_component("quality", "lite").path
        found = {"sha256": sha256(path)} | measure_videos(LiteQuality(load_tensors(path)), options.videos)
    except ViralityError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
