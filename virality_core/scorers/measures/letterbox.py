"""Preparing stills for measuring: the picture without its black bars, at one common size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

#: Short side at which exposure, color, sharpness and composition are measured: that of the photos they are compared to.
COMMON_SHORT_SIDE = 256
#: Long side at the common size at most; only banners of more than 8 : 1 exceed it and are scaled to fit.
_LONGEST_SIDE = 2048

# A bar is black in limited-range video (luma 16 becomes 0, give or take a few levels), the same in every still, and as
# wide as the opposite one. A night sky is neither that flat nor mirrored at the other edge.
_BAR_BRIGHTEST = 20
_BAR_UNEVENNESS = 6
_BAR_SMALLEST_SHARE = 0.02
_BAR_LARGEST_SHARE = 0.40
_EDGE_BRIGHTEST = 24  # of most pixels of a line that still belongs to the bar
_EDGE_REACH = 0.02  # of the side: how far ringing reaches beyond the bar's edge
_PROFILE = 512  # rows (columns) read to locate a bar's edge, to 0.2 % of the side
_SAMPLES = 64  # pixels read in each of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """The part of a frame that holds the picture, as shares 0–1 of its width and height; the rest is black bars."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    @property
    def share(self) -> float:
        """Area of the box as a share of the frame, 0–1."""
        return (self.right - self.left) * (self.bottom - self.top)

    def cut(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The frame (H, W, …) cropped to the box, one pixel inside a bar's soft edge; a view, at least 1 × 1."""
        height, width = frame.shape[:2]
        x0, x1 = _span(self.left, self.right, width)
        y0, y1 = _span(self.top, self.bottom, height)
        return frame[y0:y1, x0:x1]

    def cut_all(self, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The frames (N, H, W, …) cropped to the box; a view."""
        return np.moveaxis(self.cut(np.moveaxis(frames, 0, 2)), 2, 0)


#: A frame without bars.
WHOLE = Box()


def to_common_size(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A frame (H, W, 3) scaled to a short side of `COMMON_SHORT_SIDE`; smaller ones are enlarged (and soft).

    Downscaling averages whole blocks of pixels first, which is cheap, then takes the exact area mean of the rest.
    """
    height, width = rgb.shape[:2]
    scale = min(COMMON_SHORT_SIDE / min(height, width), _LONGEST_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == (width, height):
        return rgb
    if scale > 1.0:
        return _uint8(cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR))
    while width >= 2 * size[0] and height >= 2 * size[1] and width >= 2 and height >= 2:
        width, height = width // 2, height // 2
        rgb = _uint8(cv2.resize(rgb[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA))
    return _uint8(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))


def picture_box(frames: NDArray[np.uint8]) -> Box:
    """Where the picture is in frames (N, H, W, 3): everything but black bars on opposite sides.

    Bars are flat, black, the same in all frames, and equally wide on both sides within 1 %. Bars filled with a blurred
    copy, a color or text are part of what the viewer sees and stay.
    """
    rows, columns = max(1, frames.shape[1] // _PROFILE), max(1, frames.shape[2] // _PROFILE)
    across, along = max(1, frames.shape[2] // _SAMPLES), max(1, frames.shape[1] // _SAMPLES)
    top, bottom = _bars(frames[:, ::rows, ::across])
    left, right = _bars(frames[:, ::along, ::columns].swapaxes(1, 2))
    return Box(left=left, top=top, right=1.0 - right, bottom=1.0 - bottom)


def _bars(frames: NDArray[np.uint8]) -> tuple[float, float]:
    """Shares of the side that the two bars take, 0 without a pair; `frames` is (N, lines along the side, pixels, 3)."""
    lines = frames.reshape(*frames.shape[:2], -1)
    low, high = lines.min(axis=2).min(axis=0).astype(int), lines.max(axis=2).max(axis=0).astype(int)
    is_bar = (high <= _BAR_BRIGHTEST) & (high - low <= _BAR_UNEVENNESS)
    if is_bar.all():
        return 0.0, 0.0
    length = len(is_bar)
    leading, trailing = int(np.argmin(is_bar)), int(np.argmin(is_bar[::-1]))
    smaller, larger = min(leading, trailing) / length, max(leading, trailing) / length
    is_pair = abs(leading - trailing) <= 1 + 0.01 * length
    if not is_pair or smaller < _BAR_SMALLEST_SHARE or larger > _BAR_LARGEST_SHARE:
        return 0.0, 0.0
    # Encoders ring at a bar's edge; if these lines stayed, they would be the sharpest edge of the picture.
    is_dark = np.percentile(lines, 95, axis=(0, 2)) <= _EDGE_BRIGHTEST
    reach = int(np.ceil(_EDGE_REACH * length))
    leading += int(np.argmin([*is_dark[leading:][:reach], False]))
    trailing += int(np.argmin([*is_dark[::-1][trailing:][:reach], False]))
    return leading / length, trailing / length


def _span(low: float, high: float, length: int) -> tuple[int, int]:
    start = 0 if low == 0.0 else int(np.ceil(low * length)) + 1
    stop = length if high == 1.0 else int(high * length) - 1
    return (start, stop) if stop > start else (0, length)


def _uint8(image: object) -> NDArray[np.uint8]:
    return np.asarray(image, dtype=np.uint8)
