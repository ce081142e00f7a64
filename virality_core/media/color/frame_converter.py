"""Converts decoded frames to pixels: right colors, upright, square pixels, within a pixel budget."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import av
import cv2
import numpy as np
from av.buffer import Buffer
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter
from numpy.typing import NDArray

from virality_core.media.color import hdr, yuv_to_rgb
from virality_core.media.guards.decoder_memory import frame_bytes
from virality_core.types import Transfer

Pixels = NDArray[Any]  # uint8 or uint16, (H, W) or (H, W, channels)

#: By H.273 matrix coefficients.
_MATRICES = {1: Colorspace.ITU709, 4: Colorspace.FCC, 7: Colorspace.SMPTE240M}
_MATRICES |= dict.fromkeys((5, 6), Colorspace.ITU601) | dict.fromkeys((9, 10), Colorspace.BT2020)
_SD_LINES = 576  # untagged frames up to this height and 1280 wide are BT.601, larger ones BT.709, as in players
_TRANSFERS: dict[int, Transfer] = {16: "pq", 18: "hlg"}  # ITU-T H.273 transfer characteristics
SMALL_SIDE = 180  # short side of the small gray frames
_SMALL_AREA = 2.5 * SMALL_SIDE**2  # pixels: frames narrower than 2:5 get a smaller short side


@dataclass(frozen=True, slots=True)
class Orientation:
    """How to turn a coded frame upright: transpose first, then the flips."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @property
    def degrees_clockwise(self) -> int:
        """The rotation: 0, 90, 180 or 270; a mirrored frame counts as the nearest rotation."""
        if self.transpose:
            return 90 if self.flip_x else 270
        return 180 if self.flip_x and self.flip_y else 0

    def apply(self, image: Pixels) -> Pixels:
        """The upright view of an image (H, W) or (H, W, 3); no copy."""
        if self.transpose:
            image = image.swapaxes(0, 1)
        if self.flip_x:
            image = image[:, ::-1]
        return image[::-1] if self.flip_y else image


def orientation_of(frame: VideoFrame) -> Orientation:
    """The orientation in the frame's display matrix (ISO 14496-12, 8.3.2), to the nearest quarter turn.

    The matrix maps a coded point (x, y) to (a·x + c·y, b·x + d·y), y pointing down.
    """
    try:
        data = frame.side_data.get(SideDataType.DISPLAYMATRIX.name)
    except ValueError:  # PyAV 18 fails on side data it doesn't know, such as Exif; `rotation` still works
        sideways, half = abs(frame.rotation) == 90, abs(frame.rotation) == 180
        return Orientation(sideways, half or frame.rotation == -90, half or frame.rotation == 90)
    if data is None:
        return Orientation()
    a, b, _, c, d = np.frombuffer(memoryview(cast(Buffer, data)), np.int32)[:5].astype(np.int64)
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(flip_x=bool(a < 0), flip_y=bool(d < 0))
    return Orientation(transpose=True, flip_x=bool(c < 0), flip_y=bool(b < 0))


class FrameConverter:
    """Converts the frames of one stream. `width` and `height` are as displayed: upright, square pixels."""

    def __init__(self, frame: VideoFrame, pixel_aspect: Fraction | None, *, has_alpha: bool) -> None:
        """`frame` is the first decoded one; `pixel_aspect` is width over height of a coded pixel."""
        self.orientation = orientation_of(frame)
        self.transfer: Transfer = _TRANSFERS.get(frame.color_trc, "sdr")
        self.has_alpha = has_alpha
        stretch = float(pixel_aspect) if pixel_aspect and 1 / 16 <= pixel_aspect <= 16 else 1.0
        size = max(1, round(frame.width * stretch)), frame.height
        self.width, self.height = size[::-1] if self.orientation.transpose else size
        self.coded_pixels = frame.width * frame.height
        self.frame_bytes = frame_bytes(frame.width, frame.height, frame.format)
        self._thread_local = threading.local()  # a reformatter serves one thread

    def size_within(self, pixel_budget: int) -> tuple[int, int]:
        """(width, height) as displayed, scaled down to at most `pixel_budget` pixels."""
        scale = min(1.0, math.sqrt(pixel_budget / (self.width * self.height)))
        return max(1, int(self.width * scale + 1e-9)), max(1, int(self.height * scale + 1e-9))

    def small_size(self) -> tuple[int, int]:
        """(width, height) of the small gray frames: the short side is SMALL_SIDE, or the frame's own if smaller.

        It is less for frames narrower than 2:5: hundreds are kept, and a long strip must not fill the memory.
        """
        short, area = min(self.width, self.height), self.width * self.height
        scale = min(1.0, SMALL_SIDE / short, math.sqrt(_SMALL_AREA / area))
        return max(1, round(self.width * scale)), max(1, round(self.height * scale))

    def rgb(self, frame: VideoFrame, out: NDArray[np.uint8], *, for_encoding: bool = False) -> None:
        """Fill `out`, uint8 (H, W, 3), with the frame in sRGB: HDR tone-mapped, alpha over black.

        `for_encoding` rounds to the nearest level for frames that will be encoded again, see `yuv_to_rgb`.
        """
        height, width = out.shape[:2]
        coded = (height, width) if self.orientation.transpose else (width, height)
        if self.transfer != "sdr":
            image = hdr.to_sdr(_resized(self._convert(frame, "rgb48le"), coded), self.transfer)
        elif self.has_alpha:
            image = _over_black(_resized(self._convert(frame, "rgba"), coded))
        elif for_encoding and frame.format.name in yuv_to_rgb.FORMATS:
            rgb = yuv_to_rgb.rgb(frame, _matrix(frame, self.transfer), full=_is_full_range(frame))
            image = _resized(rgb, coded)
        else:
            image = _resized(self._convert(frame, "rgb24"), coded)
        np.copyto(out, self.orientation.apply(image))

    def small_luma(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """The frame's luma, uint8 (h, w), full range, upright, of `small_size`."""
        width, height = self.small_size()
        coded = (height, width) if self.orientation.transpose else (width, height)
        plane = _luma_plane(frame)
        if plane is None or self.has_alpha:
            image = _resized(self._convert(frame, "rgba" if self.has_alpha else "rgb24"), coded)
            luma = cv2.cvtColor(_over_black(image) if self.has_alpha else image, cv2.COLOR_RGB2GRAY)
        else:
            table = _luma_table(frame.format.components[0].bits, _is_full_range(frame), self.transfer)
            luma = table[np.minimum(_resized(plane, coded), len(table) - 1)]  # damage may exceed the bit depth
        return np.ascontiguousarray(self.orientation.apply(luma))

    def _convert(self, frame: VideoFrame, format_: str) -> Pixels:
        if not hasattr(self._thread_local, "reformatter"):
            self._thread_local.reformatter = VideoReformatter()
        matrix = _matrix(frame, self.transfer)
        converted = self._thread_local.reformatter.reformat(
            frame, format=format_, src_colorspace=matrix, dst_color_range="JPEG", threads=1
        )
        pixels: Pixels = converted.to_ndarray()
        return pixels


def _matrix(frame: VideoFrame, transfer: Transfer) -> Colorspace:
    if frame.colorspace in _MATRICES:
        return _MATRICES[frame.colorspace]
    if transfer != "sdr":
        return Colorspace.BT2020
    return Colorspace.ITU709 if frame.height > _SD_LINES or frame.width >= 1280 else Colorspace.ITU601


def _resized(image: Pixels, size: tuple[int, int]) -> Pixels:
    if (image.shape[1], image.shape[0]) == size:
        return image
    if image.shape[1] >= 4 * size[0] and image.shape[0] >= 4 * size[1]:  # halving is exact and by far the fastest
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = cv2.resize(image[: half[1] * 2, : half[0] * 2], half, interpolation=cv2.INTER_AREA)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _over_black(rgba: Pixels) -> NDArray[np.uint8]:
    alpha = rgba[:, :, 3:].astype(np.uint16)
    return ((rgba[:, :, :3] * alpha + 127) // 255).astype(np.uint8)


def _luma_plane(frame: VideoFrame) -> Pixels | None:
    """A view of the luma plane (H, W), uint8 or uint16; None if the format has none."""
    format_ = frame.format
    component = format_.components[0]
    if not (format_.name.startswith(("yuv", "nv", "gray")) and component.is_luma) or component.bits > 16:
        return None
    if format_.is_big_endian or format_.name.startswith(("yuyv", "yuvy")):
        return None
    plane = frame.planes[0]
    kind = np.dtype(np.uint8 if component.bits == 8 else np.uint16)
    rows = np.frombuffer(memoryview(plane), kind).reshape(plane.height, plane.line_size // kind.itemsize)
    return rows[:, : plane.width]


def _is_full_range(frame: VideoFrame) -> bool:
    return frame.color_range == av.video.reformatter.ColorRange.JPEG or frame.format.name.startswith("yuvj")


def _luma_table(bits: int, full_range: bool, transfer: Transfer) -> NDArray[np.uint8]:
    """uint8 look-up table over all codes: limited range stretched to 0–255, HDR tone-mapped."""
    codes = np.arange(1 << bits, dtype=np.float64)
    unit = 1 << (bits - 8)
    level = codes / ((1 << bits) - 1) if full_range else (codes - 16 * unit) / (219 * unit)
    level = np.clip(level, 0.0, 1.0)
    return np.round(255 * (level if transfer == "sdr" else hdr.gray_to_sdr(level, transfer))).astype(np.uint8)
