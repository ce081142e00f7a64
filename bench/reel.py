"""Draws the reel that times are measured on: `python -m bench.reel OUT [--seconds 30] [--seed 0]`.

1080×1920 at 30 frames a second: drawn "photos" that drift and zoom under film grain, with a hard cut every few seconds.
x264 medium, a keyframe every 2 s and none at cuts, about 11 Mb/s, a drawn stereo sound track. The same seed gives the
same reel.
"""

from __future__ import annotations

import argparse
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
GRAIN = 6.0  # standard deviation, in grey levels of 255
MARGIN = 1.25  # a photo is drawn this much larger than the picture, so that it can drift

Image = NDArray[np.uint8]


def main() -> None:
    """Write the reel to the path given on the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.reel", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    write(args.out, seconds=args.seconds, seed=args.seed)
    print(f"{args.out}: {args.out.stat().st_size * 8 / args.seconds / 1e6:.1f} Mb/s")


def write(out: Path, *, seconds: float = 30.0, seed: int = 0) -> list[float]:
    """Encode the reel; returns the times of its cuts in seconds."""
    generator = np.random.default_rng(seed)
    lengths = _scene_lengths(generator, round(seconds * FRAME_RATE))
    with av.open(str(out), "w", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=FRAME_RATE)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.bit_rate = BIT_RATE
        video.options = {"preset": "medium", "x264-params": "keyint=60:min-keyint=60:scenecut=0"}
        video.color_primaries = video.color_trc = video.colorspace = 1  # BT.709
        video.color_range = 1  # limited
        sound = container.add_stream("aac", rate=SOUND_RATE, layout="stereo")
        index = 0
        for length in lengths:
            for image in _scene(generator, length):
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
                frame.pts, frame.time_base = index, Fraction(1, FRAME_RATE)
                container.mux(video.encode(frame))
                index += 1
        container.mux(video.encode(None))
        for chunk in _sound(generator, seconds):
            container.mux(sound.encode(chunk))
        container.mux(sound.encode(None))
    return [float(frame) / FRAME_RATE for frame in np.cumsum(lengths)[:-1]]


def photo(generator: np.random.Generator, width: int, height: int) -> Image:
    """A drawn stand-in for a photo: sky-like gradients, textures of several octaves, soft and hard edged shapes.

    Returns uint8 (height, width, 3).
    """
    top, bottom = generator.uniform(30, 225, (2, 3))
    slope = np.linspace(0.0, 1.0, height)[:, None, None]
    image = np.broadcast_to(top * (1 - slope) + bottom * slope, (height, width, 3)).astype(np.float32)
    amplitude = 55.0
    for octave in range(
        1, 9
    ):  # each octave has twice the detail and 0.62 of the strength: close to natural 1/f spectra
        cells = 2**octave
        noise = generator.standard_normal((cells * height // width + 2, cells + 2, 3)).astype(np.float32)
        noise = 0.7 * noise.mean(axis=2, keepdims=True) + 0.3 * noise
        image += amplitude * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
        amplitude *= 0.62
    for _ in range(14):
        centre = (int(generator.integers(0, width)), int(generator.integers(0, height)))
        axes = tuple(int(v) for v in generator.integers(width // 40, width // 5, 2))
        mask = np.zeros((height, width), np.float32)
        cv2.ellipse(mask, centre, axes, float(generator.uniform(0, 180)), 0, 360, 1.0, -1, cv2.LINE_AA)
        blur = float(generator.choice([0.5, 2.0, 12.0]))
        mask = cv2.GaussianBlur(mask, (0, 0), blur)[:, :, None] * float(generator.uniform(0.4, 0.9))
        image = image * (1 - mask) + generator.uniform(0, 255, 3).astype(np.float32) * mask
    return np.clip(image, 0, 255).astype(np.uint8)


def _scene_lengths(generator: np.random.Generator, total_frames: int) -> list[int]:
    lengths: list[int] = []
    while sum(lengths) < total_frames:
        lengths.append(round(float(generator.uniform(*SCENE_SECONDS)) * FRAME_RATE))
    lengths[-1] -= sum(lengths) - total_frames
    return lengths


def _scene(generator: np.random.Generator, frames: int) -> Iterator[Image]:
    wide, high = round(WIDTH * MARGIN), round(HEIGHT * MARGIN)
    picture = photo(generator, wide, high)
    grain = (generator.standard_normal((HEIGHT * 2, WIDTH * 2, 1)) * GRAIN).astype(np.int16)
    start, end = generator.uniform(0.1, 0.9, (2, 2)) * ((wide - WIDTH), (high - HEIGHT))
    zoom = generator.uniform(1.0, 1.15, 2)
    for index in range(frames):
        along = index / max(frames - 1, 1)
        left, upper = start * (1 - along) + end * along
        scale = 1.0 / (zoom[0] * (1 - along) + zoom[1] * along)
        matrix = np.array([[scale, 0, left], [0, scale, upper]], np.float64)
        view = cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        y, x = generator.integers(0, HEIGHT), generator.integers(0, WIDTH)
        yield np.clip(view.astype(np.int16) + grain[y : y + HEIGHT, x : x + WIDTH], 0, 255).astype(np.uint8)


def _sound(generator: np.random.Generator, seconds: float) -> Iterator[av.AudioFrame]:
    total, size = round(seconds * SOUND_RATE), 1024
    for start in range(0, total, size):
        time = np.arange(start, min(start + size, total)) / SOUND_RATE
        beat = np.exp(-8.0 * (time % 0.5)) * np.sin(2 * np.pi * 80 * time)
        tone = 0.2 * np.sin(2 * np.pi * 440 * time) + 0.02 * generator.standard_normal(len(time))
        samples = np.stack([0.4 * beat + tone, 0.4 * beat - 0.5 * tone]).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, start, Fraction(1, SOUND_RATE)
        yield frame


if __name__ == "__main__":
    main()
