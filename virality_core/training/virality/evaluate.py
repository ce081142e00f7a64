"""Evaluates a trained run on a part of a manifest, beside baselines fitted on the same split.

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
from numpy.typing import NDArray

from virality_core.errors import InputError
from virality_core.files import usable
from virality_core.media import open_reel
from virality_core.models import device as devices
from virality_core.models.vision import r2plus1d_checkpoint
from virality_core.models.vision.r2plus1d import on_device, video_outputs
from virality_core.models.vision.r2plus1d_checkpoint import Card, Task
from virality_core.training.evaluation import baselines, classification, page, plots, regression
from virality_core.training.virality.dataset import VideoDataset, loader
from virality_core.training.virality.manifest import Manifest, Row
from virality_core.training.virality.split import Part
from virality_core.types import Plan
from virality_core.version import __version__

METRICS = "metrics.json"
PAGE = "index.html"
Order = Literal["as they are", "reversed", "shuffled"]
_SHOWN = 6  # best and worst predictions
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
    """Evaluate and write everything into `out`; returns what metrics.json holds.

    Args:
        run: a folder with `model.safetensors` and `model.json`.
        manifest: its own, or another with the same label.
        out: a folder; made if need be.
        part: which part is judged.
        order: of the frames in each clip; what a network knows of motion is lost when they are shuffled.
        cache, device, say: see `r2plus1d.train`.

    Raises:
        WeightsError: the run's checkpoint can't be used. InputError: the part is empty. UsageError: `out` can't be
            written to.
    """
    network, card = r2plus1d_checkpoint.load(run)
    rows, training = manifest.part(part), manifest.part("train")
    usable(out, METRICS, PAGE)
    answers = predict(network, card, manifest, rows, order=order, cache=cache, device=devices.choose(device))
    truth, groups = _truth(rows, card.task), _groups(rows)
    measure = regression.evaluate if card.task == "regression" else classification.evaluate
    result: dict[str, Any] = {
        "schema": 1,
        "task": card.task,
        "part": part,
        "frames": order,
        "videos": len(rows),
        "authors": len({row.author for row in rows}),
        "version": __version__,
        "checkpoint": {"sha256": r2plus1d_checkpoint.read_card(run / r2plus1d_checkpoint.CARD)[1], **_about(card)},
        "data": card.data,
        "model": measure(truth, answers, groups),
        "baselines": {
            name: {"figures": measure(truth, given, groups)["figures"]}
            for name, given in _baselines(card.task, training, rows).items()
        },
    }
    result["predictions"] = _best_and_worst(rows, truth, answers, manifest.videos, out / "thumbnails")
    drawn = plots.draw(result, out / "plots")
    result["plots"] = [path.relative_to(out).as_posix() for path in drawn]
    r2plus1d_checkpoint.write_json(out / METRICS, result)
    page.write(out / PAGE, result, out)
    if say is not None:
        say(f"{len(rows)} videos judged; see {out / PAGE}.")
    return result


def predict(
    network: torch.nn.Module,
    card: Card,
    manifest: Manifest,
    rows: Sequence[Row],
    *,
    order: Order = "as they are",
    cache: Path | None = None,
    device: torch.device,
) -> NDArray[np.float64]:
    """Probabilities, or scores 0–1, of the rows' videos from the clips that the app would take: float64 (N,)."""
    network = on_device(network, device)
    options: dict[str, Any] = {"clips": card.clips, "padding": card.padding, "cache": cache}
    data = VideoDataset(rows, manifest.videos, card.input, training=False, **options)
    answers = []
    for clips, _, _, place in loader(data, [[one] for one in range(len(rows))]):
        moved = _ordered(clips[0], order, int(place))
        output = video_outputs(network, moved, device).mean()
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


def _truth(rows: Sequence[Row], task: Task) -> NDArray[np.float64]:
    return np.array([row.score if task == "regression" else float(row.is_viral) for row in rows])


def _groups(rows: Sequence[Row]) -> NDArray[np.int64]:
    return np.array([row.group for row in rows], np.int64)


def _baselines(task: Task, training: Sequence[Row], rows: Sequence[Row]) -> dict[str, NDArray[np.float64]]:
    truth = _truth(training, task)
    found = {"constant": baselines.constant(task, truth, len(rows))}
    for name, features in (("followers only", _followers), ("metadata only", _metadata)):
        given, asked = np.array([features(row) for row in training]), np.array([features(row) for row in rows])
        if not np.isnan(given).all():
            found[name] = np.clip(baselines.linear(task, given, truth, asked), 0.0, 1.0)
    return found


def _followers(row: Row) -> list[float]:
    return [np.nan if row.followers is None else float(np.log1p(row.followers))]


def _metadata(row: Row) -> list[float]:
    """What a post's metadata says before it is posted, without the account and without the pictures."""
    hour = np.nan if row.posted_at is None else (row.posted_at.hour + row.posted_at.minute / 60) * np.pi / 12
    weekend = np.nan if row.posted_at is None else float(row.posted_at.weekday() >= 5)
    shape = [np.log1p(row.seconds), row.width / max(1, row.height), np.log1p(row.width * row.height), row.frame_rate]
    text = [np.log1p(len(row.caption)), float(row.caption.count("#"))]
    return [*(float(one) for one in shape), *text, float(np.sin(hour)), float(np.cos(hour)), weekend]


def _best_and_worst(
    rows: Sequence[Row], truth: NDArray[np.float64], answers: NDArray[np.float64], videos: Path, folder: Path
) -> dict[str, list[dict[str, Any]]]:
    """The smallest and the largest errors, each post once, with a picture of it."""
    order = np.argsort(np.abs(answers - truth), kind="stable").tolist()
    count = min(_SHOWN, len(order) // 2)
    folder.mkdir(parents=True, exist_ok=True)
    chosen = {"best": order[:count], "worst": order[::-1][:count]}
    return {
        name: [_shown(rows[place], float(truth[place]), float(answers[place]), videos, folder) for place in places]
        for name, places in chosen.items()
    }


def _shown(row: Row, truth: float, answer: float, videos: Path, folder: Path) -> dict[str, Any]:
    counts = {name: getattr(row, name) for name in ("likes", "plays", "shares", "comments", "followers")}
    told = {"video": row.video, "caption": row.caption[:300], "truth": truth, "answer": answer, "score": row.score}
    return {**told, **counts, "thumbnail": _thumbnail(videos / row.video, folder)}


def _thumbnail(path: Path, folder: Path) -> str | None:
    try:
        frame = open_reel(path, Plan(stills=1, pixel_budget=_THUMBNAIL_PIXELS)).frames.rgb[0]
    except InputError:
        return None
    coded, data = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80])
    if not coded:
        return None
    # Not by the video's own name: two folders may hold the same one, and it may be as long as a name can be.
    name = f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.jpg"
    part = folder / f".{name}.part"
    part.write_bytes(data.tobytes())
    os.replace(part, folder / name)
    return f"{folder.name}/{name}"


def _about(card: Card) -> dict[str, Any]:
    return {
        "architecture": card.architecture.to_dict(),
        "input": card.input.to_dict(),
        "clips": card.clips,
        "training": card.training,
    }
