"""`python -m virality_core.training.quality --work FOLDER`: makes the material (resumes), trains, measures.

Needs, unpacked under --root, the Debian packages that `contents` names; for the figures the PyPI package brisque, and
real clips given with --clips. The test pictures are judged once, by the model that was kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from virality_core import weights
from virality_core.errors import InputError, ViralityError
from virality_core.models import nima
from virality_core.models.checkpoint import load_tensors
from virality_core.models.quality_lite import LiteFeatures, LiteQuality
from virality_core.training.quality.contents import pictures
from virality_core.training.quality.fit import fit, judge
from virality_core.training.quality.measure import baselines, figures
from virality_core.training.quality.real_clips import real_clips
from virality_core.training.quality.samples import Sample, load, of_picture
from virality_core.training.quality.save import save_model


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m virality_core.training.quality", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for the material, about 300 MB")
    parser.add_argument("--root", type=Path, default=Path("/"), help="where the packages of pictures are unpacked")
    parser.add_argument("--pictures", type=int, help="the first so many pictures only")
    parser.add_argument("--out", type=Path, help="default: the bundled model's place in weights/")
    parser.add_argument("--clips", type=Path, nargs="*", default=[], help="real clips to distort and score")
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    try:
        obtained = weights.obtain("aesthetics", "lite")
        network = LiteFeatures(nima.build(load_tensors(obtained.path))).eval()
        files, begun = [], time.monotonic()
        for number, picture in enumerate(pictures(options.root)[: options.pictures], start=1):
            if (path := of_picture(picture, network, options.work)) is not None:
                files.append(path)
            sys.stderr.write(f"{number}: {picture.name} ({picture.split}), {time.monotonic() - begun:.0f} s\n")
        out: Path = options.out or weights.folder() / "vsfa_lite"
        figures_of = train_and_measure(files, network, out, options.work / "clips", options.clips)
    except ViralityError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    (out / "metrics.json").write_text(json.dumps(figures_of, indent=1) + "\n", encoding="utf-8")
    return 0


def train_and_measure(
    files: list[Path], network: LiteFeatures, out: Path, test_clips: Path, clips: Sequence[Path]
) -> dict[str, object]:
    """Fit on the training pictures, write the model, and return every figure of the card."""
    features, samples = load(files)
    parts = {split: _part(features, samples, split) for split in ("train", "val", "test")}
    if empty := [split for split, (_, own) in parts.items() if not own]:
        raise InputError(f"Among {len(files)} views is none of the part {empty[0]}; take more with --pictures.")
    head = fit(*parts["train"])
    digest = save_model(network, head, out / "model.safetensors")
    model = LiteQuality(load_tensors(out / "model.safetensors"))
    found: dict[str, object] = {
        "sha256": digest,
        "views": {split: len({one.picture for one in part[1]}) for split, part in parts.items()},
        "val": figures(judge(head, parts["val"][0]), parts["val"][1]),
        "test": figures(judge(head, parts["test"][0]), parts["test"][1]),
        "test_baselines": {
            name: figures(scores, parts["test"][1]) for name, scores in baselines(parts["test"][1], test_clips).items()
        },
    }
    if clips:
        found["real_clips"] = real_clips(model, list(clips))
    return found


def _part(features: NDArray[np.float32], samples: list[Sample], split: str) -> tuple[NDArray[np.float32], list[Sample]]:
    rows = [place for place, one in enumerate(samples) if one.split == split]
    return features[rows], [samples[row] for row in rows]


if __name__ == "__main__":
    sys.exit(main())
