"""Draws the reel that times are measured on.

1080×1920 at 30 frames per second: generated "photos" that drift and zoom under film grain, with a hard cut every few
seconds. x264 medium, a keyframe every 2 s and none at cuts, about 11 Mb/s, a generated stereo sound track. The same
seed gives the same reel.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 1080, 1920
FRAME_RATE = 30
BIT_RATE = 11_000_000
SOUND_RATE = 44_100
SCENE_SECONDS = (1.5, 4.5)  # shortest and longest scene
GRAIN = 6.0  # standard deviation, in gray levels of 255
MARGIN = 1.25  # a photo is this much larger than the frame, so that it can drift

Image = NDArray[np.uint8]


def bench_reel(seconds: int) -> Path:
    """The reel of seed 0, drawn the first time it is asked for."""
    path = Path(__file__).resolve().parent / "out" / f"reel-{seconds}s.mp4"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        print(f"Drawing the {seconds} s bench reel (once) …")
        write(path, seconds=seconds)
    return path


def cut_times(seconds: float, seed: int = 0) -> list[float]:
    """The times of a reel's cuts in seconds."""
    lengths = _scene_lengths(np.random.default_rng(seed), seconds)
    return [float(frame) / FRAME_RATE for frame in np.cumsum(lengths)[:-1]]


def write(out: Path, *, seconds: float = 30.0, seed: int = 0) -> None:
    """Encode the reel."""
    rng = np.random.default_rng(seed)
    lengths = _scene_lengths(rng, seconds)
    with av.open(str(out), "w", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=FRAME_RATE)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.bit_rate = BIT_RATE
        video.options = {"preset": "medium", "x264-params": "keyint=60:min-keyint=60:scenecut=0"}
        video.color_primaries = video.color_trc = video.colorspace = 1  # BT.709
        video.color_range = 1  # limited
        sound = container.add_stream("aac", rate=SOUND_RATE, layout="stereo")
        images = (image for length in lengths for image in _scene(rng, length))
        for index, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
            frame.pts, frame.time_base = index, Fraction(1, FRAME_RATE)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for chunk in _sound(rng, seconds):
            container.mux(sound.encode(chunk))
        container.mux(sound.encode(None))


def photo(rng: np.random.Generator, width: int, height: int) -> Image:
    """A stand-in for a photo, uint8 (height, width, 3): a gradient, textures of many sizes, soft and hard shapes."""
    top, bottom = rng.uniform(30, 225, (2, 3))
    slope = np.linspace(0.0, 1.0, height)[:, None, None]
    image = np.broadcast_to(top * (1 - slope) + bottom * slope, (height, width, 3)).astype(np.float32)
    amplitude = 55.0
    for octave in range(1, 9):
        cells = 2**octave
        noise = rng.standard_normal((cells * height // width + 2, cells + 2, 3)).astype(np.float32)
        noise = 0.7 * noise.mean(axis=2, keepdims=True) + 0.3 * noise
        image += amplitude * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
        amplitude *= 0.62  # with twice the detail: close to the 1/f spectrum of photos
    for _ in range(14):
        center = (int(rng.integers(0, width)), int(rng.integers(0, height)))
        axes = tuple(int(v) for v in rng.integers(width // 40, width // 5, 2))
        mask = np.zeros((height, width), np.float32)
        cv2.ellipse(mask, center, axes, float(rng.uniform(0, 180)), 0, 360, 1.0, -1, cv2.LINE_AA)
        blur = float(rng.choice([0.5, 2.0, 12.0]))
        mask = cv2.GaussianBlur(mask, (0, 0), blur)[:, :, None] * float(rng.uniform(0.4, 0.9))
        image = image * (1 - mask) + rng.uniform(0, 255, 3).astype(np.float32) * mask
    return np.clip(image, 0, 255).astype(np.uint8)


def _scene_lengths(rng: np.random.Generator, seconds: float) -> list[int]:
    """Frames of each scene."""
    total = round(seconds * FRAME_RATE)
    lengths: list[int] = []
    while sum(lengths) < total:
        lengths.append(round(float(rng.uniform(*SCENE_SECONDS)) * FRAME_RATE))
    lengths[-1] -= sum(lengths) - total
    return lengths


def _scene(rng: np.random.Generator, frames: int) -> Iterator[Image]:
    wide, high = round(WIDTH * MARGIN), round(HEIGHT * MARGIN)
    picture = photo(rng, wide, high)
    grain = (rng.standard_normal((HEIGHT * 2, WIDTH * 2, 1)) * GRAIN).astype(np.int16)
    start, end = rng.uniform(0.1, 0.9, (2, 2)) * ((wide - WIDTH), (high - HEIGHT))
    zoom = rng.uniform(1.0, 1.15, 2)
    for index in range(frames):
        along = index / max(frames - 1, 1)
        left, upper = start * (1 - along) + end * along
        scale = 1.0 / (zoom[0] * (1 - along) + zoom[1] * along)
        matrix = np.array([[scale, 0, left], [0, scale, upper]], np.float64)
        view = cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        y, x = rng.integers(0, HEIGHT), rng.integers(0, WIDTH)
        yield np.clip(view.astype(np.int16) + grain[y : y + HEIGHT, x : x + WIDTH], 0, 255).astype(np.uint8)


def _sound(rng: np.random.Generator, seconds: float) -> Iterator[av.AudioFrame]:
    total, size = round(seconds * SOUND_RATE), 1024
    for start in range(0, total, size):
        time = np.arange(start, min(start + size, total)) / SOUND_RATE
        beat = np.exp(-8.0 * (time % 0.5)) * np.sin(2 * np.pi * 80 * time)
        tone = 0.2 * np.sin(2 * np.pi * 440 * time) + 0.02 * rng.standard_normal(len(time))
        samples = np.stack([0.4 * beat + tone, 0.4 * beat - 0.5 * tone]).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, start, Fraction(1, SOUND_RATE)
        yield frame
