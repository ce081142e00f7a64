"""Draws videos whose score depends only on motion: a pattern that speeds up does well, one that slows down doesn't.

Soft stripes move through the frame to the left or right, and wrap around. Their speed changes over the clip; the score
is how much they gain. Nothing else shows it: mean speed, direction (so that a mirror image has the same score), colors
and the drifting brightness have the same distribution in all. Single frames don't show it either: played backward, a
clip has the same frames and the opposite score.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 64, 96
FRAMES, RATE = 20, 15
PERIOD = 64  # pixels after which the pattern repeats: the frame's width, so that there is no edge
MEAN_SPEED = (2.5, 3.5)  # pixels per frame
GAIN = (0.8, 2.2)  # half the difference between the last and the first speed; less than the smallest mean speed


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A video: its frames uint8 (T, H, W, 3), and its gain in speed, −1 … 1."""

    frames: NDArray[np.uint8]
    gain: float


def draw(seed: int, frames: int = FRAMES) -> Drawn:
    """The video of a seed."""
    rng = np.random.default_rng(seed)
    gain = float(rng.uniform(*GAIN)) * (1 if rng.random() < 0.5 else -1)
    speed = rng.uniform(*MEAN_SPEED) + gain * np.linspace(-1, 1, frames - 1)
    shift = rng.uniform(0, PERIOD) + np.concatenate([[0.0], np.cumsum(speed)]) * rng.choice([-1, 1])
    across = np.arange(WIDTH)[None, :] - shift[:, None]  # (T, W)
    down = rng.uniform(-1.5, 1.5) * np.sin(2 * np.pi * np.arange(HEIGHT) / HEIGHT * rng.integers(1, 3))
    angle = 2 * np.pi * across / PERIOD
    wave = sum(
        rng.uniform(0.5, 1.0) * np.sin(number * angle[:, None, :] + down[None, :, None] + rng.uniform(0, 6.28))
        for number in (1, 2, 3)
    )  # (T, H, W)
    wave = wave / np.abs(wave).max()
    bright = rng.uniform(70, 185) + np.linspace(*rng.uniform(-30, 30, 2), frames)
    color = rng.uniform(0.4, 1.0, 3)
    image = bright[:, None, None, None] + 70 * wave[..., None] * color
    image = image + rng.normal(0, 3, image.shape)
    return Drawn(frames=np.clip(image, 0, 255).astype(np.uint8), gain=gain / GAIN[1])


def encode(path: Path, frames: NDArray[np.uint8], rate: int = RATE) -> None:
    """Write frames as H.264 in MP4."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "crf": "18", "g": "8"})
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], "yuv420p"
        stream.codec_context.time_base = Fraction(1, rate)
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def make(folder: Path, count: int, *, seed: int = 0, authors: int = 12) -> Path:
    """Draw `count` videos into `folder` and write `posts.json` next to them, as a scraper does; returns its path.

    Likes, plays, shares and comments rise with the gain, each with its own noise. Unlike real ones, they don't depend
    on followers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng((seed, 99))
    posts = []
    for number in range(count):
        drawn = draw(seed * 1_000_003 + number)
        name = f"{7_000_000_000_000_000_000 + number}"
        encode(folder / f"{name}.mp4", drawn.frames)
        counts = np.exp(3.0 * drawn.gain + rng.normal(0, 0.1, 4)) * (2_000, 30_000, 150, 60)
        author = int(rng.integers(authors))
        posts.append(
            {
                "id": name,
                "text": f"clip {number} #generated",
                "createTime": 1_700_000_000 + 3600 * number,
                "authorMeta": {
                    "id": str(1000 + author),
                    "name": f"author{author}",
                    "fans": int(rng.integers(100, 10**6)),
                },
                "diggCount": int(counts[0]),
                "playCount": int(counts[1]),
                "shareCount": int(counts[2]),
                "commentCount": int(counts[3]),
            }
        )
    path = folder / "posts.json"
    path.write_text(json.dumps({"collector": posts}, indent=1), encoding="utf-8")
    return path
