"""What the tests of training share: a small network, quick settings, a manifest of generated videos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch._dynamo  # noqa: F401  (makes a temporary folder when first imported, which no test should be blamed for)

from examples import moving_videos
from virality_core.models.vision.r2plus1d import Architecture, ClipInput
from virality_core.training.virality import manifest
from virality_core.training.virality.manifest import Manifest
from virality_core.training.virality.preprocess import preprocess
from virality_core.training.virality.settings import TrainSettings

SMALL_INPUT = ClipInput(resize=(36, 36), side=32)


def material(folder: Path, count: int, *, seed: int = 0) -> Manifest:
    """`count` generated videos with their manifest, under `folder`."""
    moving_videos.make(folder / "videos", count, seed=seed)
    preprocess([folder / "videos" / "posts.json"], folder / "videos", folder / "data")
    return manifest.read(folder / "data")


def settings(**changes: Any) -> TrainSettings:
    """Learns what the generated videos show within ten short epochs."""
    quick = TrainSettings(
        architecture=Architecture(width=8, blocks=(1, 1, 1, 1), dropout=0.0),
        input=SMALL_INPUT,
        clips=2,
        epochs=10,
        batch=16,
        accumulate=1,
        learning_rate=4e-3,
        ema=0.9,
        label_smoothing=0.0,
        patience=0,
        workers=0,
        pretrained=False,
    )
    return replace(quick, **changes)


def tiny(**changes: Any) -> TrainSettings:
    """For what must only run, not learn."""
    network = Architecture(width=2, blocks=(1, 1, 1, 1), dropout=0.2)
    return settings(architecture=network, input=ClipInput(resize=(16, 16), side=16), epochs=3, batch=2, **changes)
