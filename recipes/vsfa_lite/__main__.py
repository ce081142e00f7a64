"""`python -m recipes.vsfa_lite --work FOLDER`: make the data set (resumes), train, and measure.

Needs the packages of `pictures.toml` unpacked in --root (gcompris-qt-data also through `recipes.vsfa_lite.pictures`);
for the figures the PyPI package brisque, and real clips in --clips. Validation pictures are measured with heads fitted
without them; the shipped heads are fitted with them too, and measured once on the test pictures.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import save

from recipes.vsfa_lite.fit import fit_all, predict
from recipes.vsfa_lite.measure import baselines, measure_videos, metrics
from recipes.vsfa_lite.pictures import pictures
from recipes.vsfa_lite.samples import load, make_samples, view_of
from virality_core.errors import InputError, ViralityError
from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.vision import nima
from virality_core.models.vision.vsfa_lite import LiteFeatures, LiteHead, LiteQuality


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m recipes.vsfa_lite", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for the data set, about 2 GB")
    parser.add_argument("--root", type=Path, default=Path("/"), help="where the packages of pictures are unpacked")
    parser.add_argument("--pictures", type=int, help="use only the first PICTURES pictures")
    parser.add_argument("--out", type=Path, help="default: weights/vsfa_lite")
    parser.add_argument("--clips", type=Path, nargs="*", default=[], help="real clips to distort and score")
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    try:
        network = LiteFeatures(nima.build(load_tensors(weights.resolve_component("aesthetics", "lite").path))).eval()
        files, start = [], time.monotonic()
        for number, picture in enumerate(pictures(options.root)[: options.pictures], start=1):
            if (path := make_samples(picture, network, options.work)) is not None:
                files.append(path)
            sys.stderr.write(f"{number}: {picture.name} ({picture.split}), {time.monotonic() - start:.0f} s\n")
        out: Path = options.out or weights.folder() / "vsfa_lite"
        figures = train_and_measure(files, network, out, options.work / "clips", options.clips)
    except ViralityError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    (out / "metrics.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def train_and_measure(
    files: list[Path], network: LiteFeatures, out: Path, test_clips: Path, clips: Sequence[Path]
) -> dict[str, object]:
    """Fit, write the model, and return every figure of the card."""
    splits = {split: load(files, [split]) for split in ("train", "val", "test")}
    if empty := [split for split, (_, samples) in splits.items() if not samples]:
        raise InputError(f"None of {len(files)} views is in the split {empty[0]}; use more with --pictures.")
    validation_heads, heads = fit_all(files)
    digest = save_model(network, heads, out / "model.safetensors")
    model = LiteQuality(load_tensors(out / "model.safetensors"))
    features, test = splits["test"]
    figures: dict[str, object] = {
        "sha256": digest,
        "views": {split: len({view_of(one) for one in samples}) for split, (_, samples) in splits.items()},
        "val_without_it": metrics(predict(validation_heads, splits["val"][0]), splits["val"][1]),
        "test": metrics(predict(model.heads, features), test),
        "test_baselines": {name: metrics(scores, test) for name, scores in baselines(test, test_clips).items()},
    }
    if clips:
        figures["real_clips"] = measure_videos(model, list(clips))
    return figures


def save_model(network: LiteFeatures, heads: Sequence[LiteHead], path: Path) -> str:
    """Write the tensors as float16; returns the file's sha256."""
    modules = {"features.": network, **{f"heads.{number}.": head for number, head in enumerate(heads)}}
    tensors = {
        prefix + name: tensor.half().contiguous()
        for prefix, module in modules.items()
        for name, tensor in module.state_dict().items()
    }
    data = save(dict(sorted(tensors.items())))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
