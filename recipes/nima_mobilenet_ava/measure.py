"""Measures the bundled NIMA weights: `python -m recipes.nima_mobilenet_ava.measure REFERENCE [--photos FOLDER]`.

REFERENCE is a folder of pictures with the distributions that the published network gives for them (`expected.json`).
Writes measured.json: the differences from those, the effect of folding, memory order and bfloat16 on results and time,
and how often the mean falls when a photo is made worse.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from virality_core.media.image import read_image
from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.vision import nima

Picture = NDArray[np.uint8]
_FRAMES = 16  # per reel
_ROUNDS = 7


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m recipes.nima_mobilenet_ava.measure", description=__doc__)
    parser.add_argument("reference", type=Path, help="folder with expected.json and its pictures")
    parser.add_argument("--photos", type=Path, help="folder of photos to make worse in graded steps")
    parser.add_argument("--out", type=Path, default=weights.folder() / "nima_mobilenet_ava" / "measured.json")
    options = parser.parse_args(arguments)
    given = sys.argv[1:] if arguments is None else arguments
    network = nima.build(load_tensors(weights.resolve("nima-mobilenet-ava")))
    measured: dict[str, Any] = {
        "command": "python -m recipes.nima_mobilenet_ava.measure " + " ".join(given),
        "machine": f"{platform.machine()}, torch {torch.__version__}",
        "goldens": goldens(network, options.reference),
        "precision": precision(network, options.reference),
        "processor_seconds_for_16_frames": speed(network),
    }
    if options.photos:
        measured["made_worse"] = made_worse(network, sorted(options.photos.glob("*.jpg")))
    options.out.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    return 0


def goldens(network: nima.Nima, reference: Path) -> dict[str, Any]:
    """The largest differences from the published network's distributions and means."""
    expected = json.loads((reference / "expected.json").read_text(encoding="utf-8"))
    distribution = _rate(network, [read_image(reference / name) for name in expected])
    probabilities = np.array([item["distribution"] for item in expected.values()])
    means = np.array([item["mean"] for item in expected.values()])
    return {
        "pictures": len(expected),
        "max_difference_of_a_probability": float(np.abs(distribution - probabilities).max()),
        "max_difference_of_a_mean": float(np.abs(nima.mean_and_spread(distribution)[0] - means).max()),
    }


def precision(network: nima.Nima, reference: Path) -> dict[str, float]:
    """The largest change of a mean through folding BatchNorm into the convolutions, and through bfloat16 on the CPU."""
    pictures = [read_image(path) for path in sorted(reference.glob("*.png"))]
    pixels = nima.to_input(np.stack([nima.squash(picture) for picture in pictures]))
    with torch.inference_mode():
        exact = _means(network(pixels))
        unfolded = _means(_unfolded()(pixels))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = _means(network(pixels))
    return {
        "folding_moves_a_mean_by": float(np.abs(unfolded - exact).max()),
        "bfloat16_moves_a_mean_by": float(np.abs(half - exact).max()),
    }


def speed(network: nima.Nima) -> dict[str, dict[str, float]]:
    """Processor seconds of one thread for 16 frames, by memory order, folding and batch, in alternating rounds.

    Not wall time, which depends on what else a shared machine does.
    """
    torch.set_num_threads(1)
    pictures = np.random.default_rng(0).integers(0, 256, (_FRAMES, 224, 224, 3), dtype=np.uint8)
    channels_last = nima.to_input(pictures)
    plain = channels_last.contiguous()
    folded_plain = nima.build(load_tensors(weights.resolve("nima-mobilenet-ava"))).to(
        memory_format=torch.contiguous_format
    )
    candidates: dict[str, tuple[nn.Module, Tensor, int]] = {
        "unfolded": (_unfolded(), plain, 8),
        "unfolded, channels_last": (_unfolded().to(memory_format=torch.channels_last), channels_last, 8),
        "folded": (folded_plain, plain, 8),
        **{f"folded, channels_last, batch {batch}": (network, channels_last, batch) for batch in (1, 4, 8, 16)},
    }
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(_ROUNDS):
        for name, (candidate, pixels, batch) in candidates.items():
            start = time.process_time()
            with torch.inference_mode():
                for position in range(0, _FRAMES, batch):
                    candidate(pixels[position : position + batch])
            seconds[name].append(time.process_time() - start)
    return {
        name: {"best": round(min(times), 4), "median": round(float(np.median(times)), 4)}
        for name, times in seconds.items()
    }


def made_worse(network: nima.Nima, paths: list[Path]) -> dict[str, Any]:
    """Over photos: how often and how far the mean falls under each change, and how far it moves at all."""
    photos = [read_image(path) for path in paths]
    before = nima.mean_and_spread(_rate(network, photos))[0]
    result: dict[str, Any] = {"photos": len(photos)}
    for name, change in _CHANGES.items():
        after = nima.mean_and_spread(_rate(network, [change(photo) for photo in photos]))[0]
        result[name] = {
            "share_that_falls": round(float((after < before).mean()), 3),
            "mean_change": round(float((after - before).mean()), 3),
            "mean_absolute_change": round(float(np.abs(after - before).mean()), 3),
        }
    return result


def _crop(photo: Picture) -> Picture:
    top, left = (max(1, round(float(size) * 0.02)) for size in photo.shape[:2])
    return photo[top:-top, left:-left]


def _blur(strength: float) -> Callable[[Picture], Picture]:
    return lambda photo: cv2.GaussianBlur(photo, (0, 0), strength * min(photo.shape[:2]) / 256).astype(np.uint8)


def _noise(deviation: float) -> Callable[[Picture], Picture]:
    def add(photo: Picture) -> Picture:
        grain = np.random.default_rng(0).normal(0.0, deviation, photo.shape)
        return np.clip(photo + grain, 0, 255).astype(np.uint8)

    return add


def _darken(factor: float) -> Callable[[Picture], Picture]:
    return lambda photo: (photo * factor).astype(np.uint8)


def _flatten(factor: float) -> Callable[[Picture], Picture]:
    return lambda photo: np.clip(128 + (photo.astype(np.float64) - 128) * factor, 0, 255).astype(np.uint8)


_CHANGES: dict[str, Callable[[Picture], Picture]] = {
    "2 % cut off each side (no damage)": _crop,
    "blur, 1.5 px at 256": _blur(1.5),
    "blur, 4 px at 256": _blur(4.0),
    "noise, deviation 15": _noise(15.0),
    "noise, deviation 40": _noise(40.0),
    "half as bright": _darken(0.5),
    "a quarter as bright": _darken(0.25),
    "half the contrast": _flatten(0.5),
    "a quarter of the contrast": _flatten(0.25),
}


def _rate(network: nima.Nima, pictures: list[Picture], batch: int = 8) -> NDArray[np.float64]:
    squashed = np.stack([nima.squash(picture) for picture in pictures])
    with torch.inference_mode():
        parts = [network(nima.to_input(squashed[i : i + batch])) for i in range(0, len(squashed), batch)]
    distribution: NDArray[np.float64] = torch.cat(parts).double().numpy()
    return distribution


def _means(distribution: Tensor) -> NDArray[np.float64]:
    return nima.mean_and_spread(distribution.double().numpy())[0]


def _unfolded() -> nima.Nima:
    network = nima.Nima()
    network.load_state_dict(load_tensors(weights.resolve("nima-mobilenet-ava")))
    return network.eval().requires_grad_(False)


if __name__ == "__main__":
    sys.exit(main())
