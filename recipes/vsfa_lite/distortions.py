"""Graded distortions of a clean clip, each from a strength of 0 (next to nothing) to 1 (as bad as uploads get)."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from recipes.vsfa_lite.ffmpeg import Clip

_LINEAR = ((np.arange(256) / 255.0) ** 2.2).astype(np.float32)

#: Codec of each compressing kind, and its CRF at strength 0 and 1.
CODECS = {"h264": ("libx264", 20.0, 48.0), "hevc": ("libx265", 22.0, 48.0)}


def crf_of(kind: str, strength: float) -> float:
    """The CRF that a compressing kind means by a strength 0–1."""
    _, best, worst = CODECS[kind]
    return best + (worst - best) * strength


def rescale(clip: Clip, strength: float, seed: int) -> Clip:
    """Down to 0.85 … 0.14 of its size and up again."""
    height, width = clip.shape[1:3]
    small = 0.85 * (0.165**strength)
    up = (cv2.INTER_CUBIC, cv2.INTER_LINEAR, cv2.INTER_LANCZOS4)[seed % 3]
    size = (max(2, round(width * small)), max(2, round(height * small)))
    down = [cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in clip]
    return np.stack([cv2.resize(one, (width, height), interpolation=up) for one in down]).astype(np.uint8)


def defocus(clip: Clip, strength: float, seed: int) -> Clip:  # noqa: ARG001
    """A disc of 0.6 to 8 pixels radius."""
    radius = 0.6 * (8 / 0.6) ** strength
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    return _filtered(clip, disc / disc.sum())


def motion_blur(clip: Clip, strength: float, seed: int) -> Clip:
    """A straight smear of 2 to 30 pixels in one direction."""
    length = 2 * 15**strength
    angle = np.random.default_rng(seed).uniform(0, np.pi)
    reach = int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    middle, along = reach + 0.5, np.array([np.cos(angle), np.sin(angle)]) * length / 2
    ends = [tuple(round(float(middle + sign * part) * 16) for part in along) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 4)
    return _filtered(clip, kernel / kernel.sum())


def noise(clip: Clip, strength: float, seed: int) -> Clip:
    """A sensor's noise, 1.5 to 40 levels at mid-grey, half of it from the light itself; new in every frame."""
    chance = np.random.default_rng(seed)
    level = np.float32(1.5 * (40 / 1.5) ** strength)
    colour = np.float32(chance.uniform(0.3, 1.0))
    grain = _grain(clip, chance)
    out = np.empty_like(clip)
    for place, picture in enumerate(clip):
        spread = level * np.sqrt(0.5 + 0.5 * picture.astype(np.float32) / 128)
        one = grain(place)
        mixed = one[..., :1] * np.sqrt(1 - colour**2) + np.roll(one, 7, axis=1) * colour
        out[place] = np.clip(picture + spread * mixed, 0, 255).astype(np.uint8)
    return out


def low_light(clip: Clip, strength: float, seed: int) -> Clip:
    """A half to a thirtieth of the light, with the noise of so few photons."""
    chance = np.random.default_rng(seed)
    light = np.float32(0.5 * (1 / 15) ** strength)
    photons = np.float32(6000 * light)
    grain = _grain(clip, chance)
    out = np.empty_like(clip)
    for place, picture in enumerate(clip):
        linear = _LINEAR[picture] * light
        linear += grain(place) * np.sqrt(linear / photons + 2 / photons**2)
        out[place] = np.clip(255 * np.clip(linear, 0, 1) ** np.float32(1 / 2.2), 0, 255).astype(np.uint8)
    return out


def over_exposure(clip: Clip, strength: float, seed: int) -> Clip:  # noqa: ARG001
    """1.4 to 10 times the light, clipped where it is white."""
    table = np.clip(255 * np.clip(_LINEAR * 1.4 * (10 / 1.4) ** strength, 0, 1) ** (1 / 2.2), 0, 255).astype(np.uint8)
    return np.asarray(table[clip])


def low_key(clip: Clip, strength: float, seed: int) -> Clip:  # noqa: ARG001
    """A scene meant dark: a tone curve of gamma 1.3 to 3.5, which keeps what is white."""
    table = np.round(255 * (np.arange(256) / 255.0) ** (1.3 * (3.5 / 1.3) ** strength)).astype(np.uint8)
    return np.asarray(table[clip])


def _grain(clip: Clip, chance: np.random.Generator) -> Callable[[int], NDArray[np.float32]]:
    """White noise float32 (H, W, 3) by frame: one drawn field, shifted by a drawn way for each frame."""
    field = chance.standard_normal(clip.shape[1:], dtype=np.float32)
    ways = chance.integers(0, clip.shape[1:3], (len(clip), 2))
    return lambda place: np.roll(field, tuple(ways[place]), axis=(0, 1))


def _filtered(clip: Clip, kernel: NDArray[np.floating]) -> Clip:
    return np.stack([cv2.filter2D(one, -1, kernel, borderType=cv2.BORDER_REFLECT) for one in clip]).astype(np.uint8)


Distortion = Callable[[Clip, float, int], Clip]

#: Labelled with VMAF, as the codecs are.
MEASURED: dict[str, Distortion] = {
    "rescale": rescale,
    "defocus": defocus,
    "motion_blur": motion_blur,
    "noise": noise,
}
#: Labelled by the order of their strengths: VMAF means nothing on pictures of another exposure.
ORDERED: dict[str, Distortion] = {"low_light": low_light, "over_exposure": over_exposure}
#: No faults: what a film can look like before something happens to it.
LOOKS: dict[str, Distortion] = {"low_key": low_key}
