"""Draws and encodes small clips whose frames carry their own number as a barcode."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

BITS = 10  # frame numbers up to 1023
Image = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class ClipSpec:
    """What to encode. `ticks` are presentation times in `time_base`; if not given, `frames` at `rate`."""

    frames: int = 60
    rate: int = 30
    ticks: tuple[int, ...] = ()
    time_base: Fraction = Fraction(1, 600)
    suffix: str = ".mp4"
    codec: str = "libx264"
    options: tuple[tuple[str, str], ...] = (("preset", "veryfast"), ("crf", "18"), ("g", "30"))
    pixel_format: str = "yuv420p"
    width: int = 160  # upright
    height: int = 96
    rotation: int = 0  # degrees counter-clockwise that the player is told to turn
    mirrored: bool = False
    pixel_aspect: Fraction = Fraction(1)
    colors: tuple[int, int, int, int] = (1, 1, 1, 1)  # H.273 primaries, transfer, matrix; range 1 limited, 2 full
    labeled: bool = True  # whether the stream says what its colors are
    sound: bool = False
    draw: Callable[[int, int, int], Image] | None = None  # (number, width, height) to upright RGB or RGBA
    container_options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Clip:
    """An encoded clip: where it is, and when each of its frames is shown."""

    path: Path
    spec: ClipSpec
    seconds: tuple[float, ...]


def barcode(number: int, width: int, height: int) -> Image:
    """The number as white and black fields, the row below it inverted, uint8 (height, width, 3)."""
    bits = [(number >> place) & 1 for place in range(BITS)]
    image = np.zeros((height, width, 3), np.uint8)
    for place, bit in enumerate(bits):
        left, right = place * width // BITS, (place + 1) * width // BITS
        image[: height // 2, left:right] = 235 * bit
        image[height // 2 :, left:right] = 235 * (1 - bit)
    return image


def read_barcode(image: NDArray[np.uint8]) -> int:
    """The number of an upright frame, (H, W) or (H, W, 3). Raises ValueError for a frame that is none or a blend."""
    gray = image.mean(axis=2) if image.ndim == 3 else image
    height, width = gray.shape
    number = 0
    for place in range(BITS):
        column = int((place + 0.5) * width / BITS)
        reach = max(1, width // BITS // 4)
        upper = gray[height // 8 : 3 * height // 8, column - reach : column + reach].mean()
        lower = gray[5 * height // 8 : 7 * height // 8, column - reach : column + reach].mean()
        if abs(upper - lower) < 80:
            raise ValueError(f"no clear field at {place}: {upper:.0f} and {lower:.0f}")
        number |= int(upper > lower) << place
    return number


def write_clip(path: Path, spec: ClipSpec) -> Clip:
    """Encode the clip and return it with its frame times from the first frame on."""
    step = Fraction(1, spec.rate) / spec.time_base
    ticks = spec.ticks or tuple(round(number * step) for number in range(spec.frames))
    draw = spec.draw or barcode
    with av.open(str(path), "w", options=dict(spec.container_options)) as container:
        stream = container.add_stream(spec.codec, rate=spec.rate, options=dict(spec.options))
        turned = spec.rotation % 180 != 0
        stream.width, stream.height = (spec.height, spec.width) if turned else (spec.width, spec.height)
        stream.pix_fmt = spec.pixel_format
        stream.codec_context.time_base = spec.time_base
        stream.time_base = spec.time_base
        stream.codec_context.sample_aspect_ratio = spec.pixel_aspect
        if spec.labeled:
            stream.color_primaries, stream.color_trc, stream.colorspace, stream.color_range = spec.colors
        if spec.rotation or spec.mirrored:
            stream.set_display_rotation(spec.rotation, hflip=spec.mirrored)
        sound = container.add_stream("aac", rate=48_000, layout="mono") if spec.sound else None
        for number, tick in enumerate(ticks):
            image = np.rot90(draw(number, spec.width, spec.height), -spec.rotation // 90)
            if spec.mirrored:
                image = image[:, ::-1]
            container.mux(stream.encode(_frame(np.ascontiguousarray(image), tick, spec)))
        container.mux(stream.encode(None))
        if sound is not None:
            for frame in tone(float((ticks[-1] - ticks[0]) * spec.time_base), rate=48_000):
                container.mux(sound.encode(frame))
            container.mux(sound.encode(None))
    return Clip(path=path, spec=spec, seconds=tuple(float((tick - ticks[0]) * spec.time_base) for tick in ticks))


def _frame(image: Image, tick: int, spec: ClipSpec) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(image, format="rgba" if image.shape[2] == 4 else "rgb24")
    matrix = {1: "ITU709", 9: "BT2020"}.get(spec.colors[2], "ITU601")
    if not spec.pixel_format.startswith(("rgb", "bgr", "gbr", "pal")):
        range_ = "JPEG" if spec.colors[3] == 2 else "MPEG"
        frame = frame.reformat(format=spec.pixel_format, dst_colorspace=matrix, dst_color_range=range_)
    else:
        frame = frame.reformat(format=spec.pixel_format)
    frame.pts, frame.time_base = tick, spec.time_base
    return frame


def tone(seconds: float, *, rate: int, hertz: float = 440.0, start: int = 0) -> list[av.AudioFrame]:
    """A sine of amplitude 0.5 in frames of 1,024 samples, mono."""
    frames = []
    for first in range(0, round(seconds * rate), 1024):
        time = np.arange(first, first + 1024) / rate
        samples = (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, start + first, Fraction(1, rate)
        frames.append(frame)
    return frames


def trim_by_edit_list(path: Path, out: Path, *, skip: Fraction, keep: Fraction) -> Path:
    """Rewrite the first track's edit list of an MP4 so that `keep` seconds from `skip` on are shown; frames stay."""
    data = bytearray(path.read_bytes())
    media_scale = _scale(data, b"mdhd")
    movie_scale = _scale(data, b"mvhd")
    entry = data.index(b"elst") + 4 + 8
    version = data[data.index(b"elst") + 4]
    assert version == 0
    assert struct.unpack_from(">I", data, entry - 4)[0] == 1, "one edit expected"
    media_time = struct.unpack_from(">i", data, entry + 4)[0]
    struct.pack_into(">I", data, entry, int(keep * movie_scale))
    struct.pack_into(">i", data, entry + 4, media_time + int(skip * media_scale))
    out.write_bytes(data)
    return out


def _scale(data: bytearray, box: bytes) -> int:
    place = data.index(box) + 4
    assert data[place] == 0, "version 0 expected"
    return int(struct.unpack_from(">I", data, place + 12)[0])
