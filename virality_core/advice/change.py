"""One change to a reel, and the picture operations behind the kinds: each a function of one frame alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core.types import AdviceKind

Frame = NDArray[np.uint8]  # (H, W, 3)
Edit = Callable[[Frame], Frame]

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # of linear red, green and blue (ITU-R BT.709)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """How to steady a picture: `margin`, the share 0–0.5 of each side that is cut; shots begin at `cut_seconds`."""

    margin: float
    cut_seconds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change:
    """What to try: any of a picture edit, a gain of the sound, a later start (of the sound alone), another caption.

    With `steady`, `edit` is the crop that it costs, and the window follows the picture besides.

    With `fine`, `edit` changes what is finer than the small grey frames that movement is measured on, and they stay:
    smoothed themselves they lose what movement is found by; a copy, smoothed at full size and then shrunk, does not.

    `gain` is in dB, with peaks held at −1 dB of full scale. `promise` orders the candidates before they are tried: the
    points that the signals concerned have left unwon.
    """

    kind: AdviceKind
    start: float
    end: float
    text: str
    promise: float
    edit: Edit | None = None
    fine: bool = False
    steady: Steady | None = None
    gain: float = 0.0
    begin_seconds: float = 0.0
    sound_begin_seconds: float = 0.0
    caption: str | None = None

    @property
    def of_the_reel(self) -> bool:
        """Whether a changed copy of the reel can be written: a change of the caption alone leaves the reel as it is."""
        return self.edit is not None or any((self.gain, self.begin_seconds, self.sound_begin_seconds))


def through_table(table: NDArray[np.uint8]) -> Edit:
    """Each value of each channel through a table (256,) or (256, 3)."""
    shaped = table.reshape(1, 256, -1)

    def edit(frame: Frame) -> Frame:
        return np.asarray(cv2.LUT(frame, shaped if shaped.shape[2] == 3 else shaped[:, :, 0]), np.uint8)

    return edit


def gamma(power: float) -> Edit:
    """255 (v / 255) ^ power: under 1 lifts the middle tones, over 1 lowers them; black and white stay."""
    return through_table(np.round(255.0 * (np.arange(256) / 255.0) ** power).astype(np.uint8))


def stretch(factor: float, middle: float) -> Edit:
    """Distances from `middle` (0–255) times `factor`, clipped: more contrast over 1."""
    table = np.clip(np.round(middle + factor * (np.arange(256) - middle)), 0, 255)
    return through_table(table.astype(np.uint8))


def white_balance(light: NDArray[np.float64], share: float = 1.0) -> Edit:
    """Takes a share 0–1 of the tint of a light, linear red, green and blue (3,), out of the picture.

    It stays as bright; sRGB is taken as a power of 2.2; a channel that is hardly there is not raised to noise.
    """
    tint = np.maximum(light, 0.02 * light.max()) ** share
    linear = (np.arange(256)[:, None] / 255.0) ** 2.2 * (_LUMINANCE @ tint / tint)
    return through_table(np.round(255.0 * np.clip(linear, 0, 1) ** (1 / 2.2)).astype(np.uint8))


def unsharp_radius(short_side: int) -> float:
    """Pixels of an unsharp mask's radius for a picture: wide, since what is soft on a phone is soft by some pixels."""
    return max(0.8, short_side / 200)


def unsharp(amount: float) -> Edit:
    """Adds `amount` of what a Gaussian blur of `unsharp_radius` takes away."""

    def edit(frame: Frame) -> Frame:
        soft = cv2.GaussianBlur(frame, (0, 0), unsharp_radius(min(frame.shape[:2])))
        return np.asarray(cv2.addWeighted(frame, 1.0 + amount, soft, -amount, 0.0), np.uint8)

    return edit


def smooth(noise: float, strength: float) -> Edit:
    """Non-local means for grain of `noise` 8-bit levels (A. Buades et al., CVPR 2005), on light and colour apart.

    `strength` is how far patches may differ, in spreads of the grain. Colour at half the size, as videos hold it:
    OpenCV's function for colour pictures takes longer and leaves more grain.
    """
    reach = float(np.clip(strength * noise, 1.0, 40.0))

    def plane(values: NDArray[Any]) -> Frame:
        grainy = np.ascontiguousarray(values, np.uint8)
        if grainy.min() == grainy.max():  # the colour of a grey picture
            return grainy
        return np.asarray(cv2.fastNlMeansDenoising(grainy, None, reach, 7, 11), np.uint8)

    def edit(frame: Frame) -> Frame:
        height, width = frame.shape[:2]
        half = (max(1, width // 2), max(1, height // 2))
        light = cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb)
        light[:, :, 0] = plane(light[:, :, 0])
        for colour in (1, 2):
            coarse = plane(cv2.resize(light[:, :, colour], half, interpolation=cv2.INTER_AREA))
            light[:, :, colour] = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(cv2.cvtColor(light, cv2.COLOR_YCrCb2RGB), np.uint8)

    return edit


def crop(left: float, top: float, right: float, bottom: float) -> Edit:
    """The part of the frame between shares 0–1 of its width and height, at least 16 × 16 pixels where it has them."""

    def edit(frame: Frame) -> Frame:
        height, width = frame.shape[:2]
        x0, x1 = int(np.ceil(left * width)), int(right * width)
        y0, y1 = int(np.ceil(top * height)), int(bottom * height)
        cut = frame[y0:y1, x0:x1]
        return frame if min(cut.shape[:2]) < 16 else np.ascontiguousarray(cut)

    return edit


def lightness(frames: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean and deviation of CIE L* (0–100) over frames (N, H, W, 3): medians over the frames, as the signals are."""
    both = []
    for frame in frames:
        light = cv2.cvtColor(frame.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)[:, :, 0]
        both.append((float(light.mean()), float(light.std())))
    mean, deviation = np.median(np.array(both), axis=0)
    return float(mean), float(deviation)
