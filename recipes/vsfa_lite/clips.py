"""Clean clips filmed from pictures by a virtual hand-held camera, and graded distortions of them.

Each distortion takes a strength from 0 (hardly visible) to 1 (as bad as uploads get).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from recipes.vsfa_lite.ffmpeg import Clip
from virality_core.media.image import read_image

#: Width and height of a clean clip in pixels: the first size that fits in the picture.
SIZES = ((360, 640), (640, 360), (480, 360))
FRAMES = 8
MIN_DETAIL = 12.0  # `detail` of a clean clip
_CANDIDATES = 6  # random regions of which the sharpest is filmed
_MARGIN = 1.05  # the picture must be this much larger than the window
_BLOCK = 16  # pixels
_LINEAR = ((np.arange(256) / 255.0) ** 2.2).astype(np.float32)

#: Codec of each compression kind, with its CRF at strength 0 and 1.
CODECS = {"h264": ("libx264", 20.0, 48.0), "hevc": ("libx265", 22.0, 48.0)}


def film(path: Path, seed: int, *, sharpest: bool = True, shrink: float = 1.0) -> Clip:
    """A slow random pan, zoom and turn over a picture: uint8 (`FRAMES`, H, W, 3), of one of `SIZES`.

    Args:
        path: the picture.
        seed: of the camera's movement.
        sharpest: film the sharpest of several random regions, else the first.
        shrink: divide the picture's size by this first, as far as its size allows. Pictures are never enlarged.

    Raises:
        InputError: the file is not a picture.
    """
    rng = np.random.default_rng(seed)
    picture = read_image(path)
    room = max(min(picture.shape[1] / width, picture.shape[0] / height) for width, height in SIZES)
    picture = _shrunk(picture, min(shrink, room / _MARGIN))
    fits = [size for size in SIZES if min(picture.shape[1] / size[0], picture.shape[0] / size[1]) >= _MARGIN]
    width, height = (fits or SIZES)[0]
    fit = 1.12 * max(width / picture.shape[1], height / picture.shape[0])  # the window is 0.45 to 0.9 of the picture
    picture = _shrunk(picture, 1.0 / min(1.0, fit * rng.uniform(1.0, 2.0)))
    reach = np.array([picture.shape[1] - width, picture.shape[0] - height])
    corners = rng.uniform(0.1, 0.9, (_CANDIDATES, 2)) * reach
    begin = corners[0]
    if sharpest:
        begin = max(corners, key=lambda at: detail(picture[int(at[1]) :, int(at[0]) :][:height, :width]))
    end = np.clip(begin + rng.normal(0.0, 0.05, 2) * [width, height], 0, reach)
    scale = np.linspace(1.0, rng.uniform(0.94, 1.0), FRAMES)
    turn = np.linspace(0.0, rng.normal(0.0, 0.01), FRAMES)
    frames = []
    for corner, size, angle in zip(np.linspace(begin, end, FRAMES), scale, turn, strict=True):
        cos, sin = size * np.cos(angle), size * np.sin(angle)
        matrix = np.array([[cos, -sin, corner[0]], [sin, cos, corner[1]]])
        flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
        frames.append(cv2.warpAffine(picture, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT))
    return np.stack(frames).astype(np.uint8)


def _shrunk(picture: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    if factor <= 1.0:
        return picture
    small = cv2.resize(picture, None, fx=1.0 / factor, fy=1.0 / factor, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def detail(rgb: NDArray[np.uint8]) -> float:
    """Sharpness of the sharp parts of a frame uint8 (H, W, 3): the 90 % quantile, over blocks of 16 × 16 pixels, of the
    Laplacian's standard deviation."""
    edges = cv2.Laplacian(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.CV_32F)
    rows, columns = (side // _BLOCK for side in edges.shape)
    blocks = edges[: rows * _BLOCK, : columns * _BLOCK].reshape(rows, _BLOCK, columns, _BLOCK)
    return float(np.quantile(blocks.std(axis=(1, 3)), 0.9))


def crf_of(kind: str, strength: float) -> float:
    """The CRF of a compression kind at a strength 0–1."""
    _, best, worst = CODECS[kind]
    return best + (worst - best) * strength


def rescale(clip: Clip, strength: float, seed: int) -> Clip:
    """Scale down to 0.85 … 0.14 of the size and up again."""
    height, width = clip.shape[1:3]
    small = 0.85 * (0.165**strength)
    up = (cv2.INTER_CUBIC, cv2.INTER_LINEAR, cv2.INTER_LANCZOS4)[seed % 3]
    size = (max(2, round(width * small)), max(2, round(height * small)))
    down = [cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in clip]
    return np.stack([cv2.resize(frame, (width, height), interpolation=up) for frame in down]).astype(np.uint8)


def defocus(clip: Clip, strength: float, seed: int) -> Clip:  # noqa: ARG001
    """Blur with a disc of 0.6 to 8 pixels radius."""
    radius = 0.6 * (8 / 0.6) ** strength
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    return _filtered(clip, disc / disc.sum())


def motion_blur(clip: Clip, strength: float, seed: int) -> Clip:
    """Blur along a straight line of 2 to 30 pixels in a random direction."""
    length = 2 * 15**strength
    angle = np.random.default_rng(seed).uniform(0, np.pi)
    reach = int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    middle, along = reach + 0.5, np.array([np.cos(angle), np.sin(angle)]) * length / 2
    ends = [tuple(round(float(middle + sign * part) * 16) for part in along) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 4)
    return _filtered(clip, kernel / kernel.sum())


def noise(clip: Clip, strength: float, seed: int) -> Clip:
    """Sensor noise of 1.5 to 40 levels at mid-gray, half of it photon noise; different in every frame."""
    rng = np.random.default_rng(seed)
    level = np.float32(1.5 * (40 / 1.5) ** strength)
    color = np.float32(rng.uniform(0.3, 1.0))
    grain = _grain(clip, rng)
    out = np.empty_like(clip)
    for index, frame in enumerate(clip):
        spread = level * np.sqrt(0.5 + 0.5 * frame.astype(np.float32) / 128)
        white = grain(index)
        mixed = white[..., :1] * np.sqrt(1 - color**2) + np.roll(white, 7, axis=1) * color
        out[index] = np.clip(frame + spread * mixed, 0, 255).astype(np.uint8)
    return out


def low_light(clip: Clip, strength: float, seed: int) -> Clip:
    """Cut the light to a half … a thirtieth, with the photon noise that comes with it."""
    rng = np.random.default_rng(seed)
    light = np.float32(0.5 * (1 / 15) ** strength)
    photons = np.float32(6000 * light)
    grain = _grain(clip, rng)
    out = np.empty_like(clip)
    for index, frame in enumerate(clip):
        linear = _LINEAR[frame] * light
        linear += grain(index) * np.sqrt(linear / photons + 2 / photons**2)
        out[index] = np.clip(255 * np.clip(linear, 0, 1) ** np.float32(1 / 2.2), 0, 255).astype(np.uint8)
    return out


def over_exposure(clip: Clip, strength: float, seed: int) -> Clip:  # noqa: ARG001
    """Multiply the light by 1.4 to 10, clipped at white."""
    table = np.clip(255 * np.clip(_LINEAR * 1.4 * (10 / 1.4) ** strength, 0, 1) ** (1 / 2.2), 0, 255).astype(np.uint8)
    return np.asarray(table[clip])


def low_key(clip: Clip, strength: float, seed: int) -> Clip:  # noqa: ARG001
    """Darken as a scene is lit dark on purpose: gamma 1.3 to 3.5, white stays white."""
    table = np.round(255 * (np.arange(256) / 255.0) ** (1.3 * (3.5 / 1.3) ** strength)).astype(np.uint8)
    return np.asarray(table[clip])


def _grain(clip: Clip, rng: np.random.Generator) -> Callable[[int], NDArray[np.float32]]:
    """White noise float32 (H, W, 3) by frame number: one random field, shifted at random for each frame."""
    field = rng.standard_normal(clip.shape[1:], dtype=np.float32)
    shifts = rng.integers(0, clip.shape[1:3], (len(clip), 2))
    return lambda index: np.roll(field, tuple(shifts[index]), axis=(0, 1))


def _filtered(clip: Clip, kernel: NDArray[np.floating]) -> Clip:
    return np.stack([cv2.filter2D(one, -1, kernel, borderType=cv2.BORDER_REFLECT) for one in clip]).astype(np.uint8)


Distortion = Callable[[Clip, float, int], Clip]

#: Labeled with VMAF, like the codecs.
MEASURED: dict[str, Distortion] = {
    "rescale": rescale,
    "defocus": defocus,
    "motion_blur": motion_blur,
    "noise": noise,
}
#: Labeled by the order of their strengths: VMAF means nothing when the exposure differs.
ORDERED: dict[str, Distortion] = {"low_light": low_light, "over_exposure": over_exposure}
#: Not faults: how a scene can look before anything goes wrong.
LOOKS: dict[str, Distortion] = {"low_key": low_key}
