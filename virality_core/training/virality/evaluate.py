"""Evaluates a trained run on a part of a manifest, next to baselines fitted on the same split.

Writes `metrics.json` (every figure and the points of every plot), PNG plots, thumbnails and one HTML page.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import torch
from torch import nn

from virality_core.errors import InputError
from virality_core.files import writable_folder
from virality_core.media import open_reel
from virality_core.models import device as devices
from virality_core.models.vision import r2plus1d_checkpoint
from virality_core.models.vision.r2plus1d import on_device, video_outputs
from virality_core.models.vision.r2plus1d_checkpoint import Card
from virality_core.training.evaluation import baselines, charts, page
from virality_core.training.evaluation.metrics import evaluate_classification, evaluate_regression
from virality_core.training.statistics import Array
from virality_core.training.virality.dataset import VideoDataset, loader
from virality_core.training.virality.manifest import Manifest, Row
from virality_core.training.virality.split import Part
from virality_core.types import Plan
from virality_core.version import __version__

METRICS = "metrics.json"
PAGE = "index.html"
Order = Literal["as they are", "reversed", "shuffled"]
_EXAMPLES = 6  # best and worst predictions
_THUMBNAIL_PIXELS = 180 * 320
Say = Callable[[str], None]


def evaluate_run(
    run: Path,
    manifest: Manifest,
    out: Path,
    *,
    part: Part = "test",
    order: Order = "as they are",
    cache: Path | None = None,
    device: str | None = None,
    say: Say | None = None,
) -> dict[str, Any]:
    """Evaluate a part of the manifest and write everything into `out`; returns what metrics.json holds.

    Args:
        run: a folder with `model.safetensors` and `model.json`.
        manifest: the run's own, or another with the same label.
        order: of the frames in each clip; shuffled frames show how much depends on motion.
        cache, device, say: see `training.virality.train`.

    Raises:
        WeightsError: the run's checkpoint can't be used. InputError: the part is empty. UsageError: `out` can't be
            written to.
    """
    network, card = r2plus1d_checkpoint.load(run)
    rows, training = manifest.part(part), manifest.part("train")
    writable_folder(out, METRICS, PAGE)
    answers = predict(network, card, manifest, rows, order=order, cache=cache, device=devices.choose(device))
    truth, groups = baselines.targets(card.task, rows), np.array([row.group for row in rows], np.int64)
    measure = evaluate_regression if card.task == "regression" else evaluate_classification
    result: dict[str, Any] = {
        "schema": 1,
        "task": card.task,
        "part": part,
        "frames": order,
        "videos": len(rows),
        "authors": len({row.author for row in rows}),
        "version": __version__,
        "checkpoint": {
            "sha256": r2plus1d_checkpoint.read_card(run / r2plus1d_checkpoint.CARD)[1],
            "architecture": card.architecture.to_dict(),
            "input": card.input.to_dict(),
            "clips": card.clips,
            "training": card.training,
        },
        "data": card.data,
        "model": measure(truth, answers, groups),
        "baselines": {
            name: {"figures": measure(truth, predicted, groups)["figures"]}
            for name, predicted in baselines.predictions(card.task, training, rows).items()
        },
    }
    result["predictions"] = _best_and_worst(rows, truth, answers, manifest.videos, out / "thumbnails")
    result["plots"] = [path.relative_to(out).as_posix() for path in charts.save(result, out / "plots")]
    r2plus1d_checkpoint.write_json(out / METRICS, result)
    page.write(out / PAGE, result)
    if say is not None:
        say(f"{len(rows)} videos evaluated; see {out / PAGE}.")
    return result


def predict(
    network: nn.Module,
    card: Card,
    manifest: Manifest,
    rows: Sequence[Row],
    *,
    order: Order = "as they are",
    cache: Path | None = None,
    device: torch.device,
) -> Array:
    """Probabilities, or scores 0–1, of the rows' videos from the clips that the app would take: float64 (N,)."""
    network = on_device(network, device)
    options: dict[str, Any] = {"clips": card.clips, "padding": card.padding, "cache": cache}
    data = VideoDataset(rows, manifest.videos, card.input, training=False, **options)
    answers = []
    for clips, _, _, index in loader(data, [[one] for one in range(len(rows))]):
        output = video_outputs(network, _ordered(clips[0], order, int(index)), device).mean()
        answer = card.centre + card.spread * output if card.task == "regression" else torch.sigmoid(output)
        answers.append(min(1.0, max(0.0, float(answer))))
    return np.array(answers)


def _ordered(clips: torch.Tensor, order: Order, seed: int) -> torch.Tensor:
    """Clips (K, T, …) with their frames in another order."""
    if order == "reversed":
        return clips.flip(1)
    if order == "shuffled":
        return clips[:, torch.from_numpy(np.random.default_rng(seed).permutation(clips.shape[1]))]
    return clips


def _best_and_worst(
    rows: Sequence[Row], truth: Array, answers: Array, videos: Path, folder: Path
) -> dict[str, list[dict[str, Any]]]:
    """The smallest and the largest errors, each post once, with a thumbnail."""
    order = np.argsort(np.abs(answers - truth), kind="stable").tolist()
    count = min(_EXAMPLES, len(order) // 2)
    folder.mkdir(parents=True, exist_ok=True)

    def example(index: int) -> dict[str, Any]:
        row = rows[index]
        return {
            "video": row.video,
            "caption": row.caption[:300],
            "truth": float(truth[index]),
            "answer": float(answers[index]),
            "score": row.score,
            **{name: getattr(row, name) for name in ("likes", "plays", "shares", "comments", "followers")},
            "thumbnail": _thumbnail(videos / row.video, folder),
        }

    chosen = {"best": order[:count], "worst": order[::-1][:count]}
    return {name: [example(index) for index in indices] for name, indices in chosen.items()}


def _thumbnail(path: Path, folder: Path) -> str | None:
    try:
        frame = open_reel(path, Plan(stills=1, pixel_budget=_THUMBNAIL_PIXELS)).frames.rgb[0]
    except InputError:
        return None
    coded, data = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80])
    if not coded:
        return None
    # Not the video's own name: two folders may hold the same one, and it may have the greatest length.
    name = f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.jpg"
    part = folder / f".{name}.part"
    part.write_bytes(data.tobytes())
    os.replace(part, folder / name)
    return f"{folder.name}/{name}"
