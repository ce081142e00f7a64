"""`python -m recipes.vsfa_lite --work FOLDER`: makes the material (resumes), trains, measures.

Needs, unpacked under --root, the packages that `contents` names (gcompris-qt-data by `training.quality.gcompris`, too);
for the figures the PyPI package brisque, and real clips given with --clips. The pictures to choose by are judged by
heads that were fitted without them; heads fitted with them are kept, and judge the test pictures once.
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

from recipes.vsfa_lite.fit import fitted, judge, part
from recipes.vsfa_lite.measure import baselines, figures
from recipes.vsfa_lite.pictures import pictures
from recipes.vsfa_lite.real_clips import real_clips
from recipes.vsfa_lite.samples import of_picture, view_of
from virality_core.errors import InputError, ViralityError
from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.vision import nima
from virality_core.models.vision.vsfa_lite import LiteFeatures, LiteHead, LiteQuality


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m recipes.vsfa_lite", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for the material, about 2 GB")
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
    """Fit, write the model, and return every figure of the card."""
    parts = {split: part(files, [split]) for split in ("train", "val", "test")}
    if empty := [split for split, (_, own) in parts.items() if not own]:
        raise InputError(f"Among {len(files)} views is none of the part {empty[0]}; take more with --pictures.")
    chosen, kept = fitted(files)
    digest = save_model(network, kept, out / "model.safetensors")
    model = LiteQuality(load_tensors(out / "model.safetensors"))
    features, test = parts["test"]
    found: dict[str, object] = {
        "sha256": digest,
        "views": {split: len({view_of(one) for one in own}) for split, (_, own) in parts.items()},
        "val_without_it": figures(judge(chosen, parts["val"][0]), parts["val"][1]),
        "test": figures(judge(model.heads, features), test),
        "test_baselines": {name: figures(scores, test) for name, scores in baselines(test, test_clips).items()},
    }
    if clips:
        found["real_clips"] = real_clips(model, list(clips))
    return found


if __name__ == "__main__":
    sys.exit(main())


def save_model(network: LiteFeatures, heads: Sequence[LiteHead], path: Path) -> str:
    """Write the tensors, float16; returns the file's sha256."""
    tensors = {
        prefix + name: tensor.half().contiguous()
        for prefix, module in (("features.", network), *((f"heads.{place}.", head) for place, head in enumerate(heads)))
        for name, tensor in module.state_dict().items()
    }
    data = save(dict(sorted(tensors.items())))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()
