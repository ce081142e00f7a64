"""Lines of text drawn at known places, over any picture, and what was found held against them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from virality_core.models.vision.ppocr import Region

Picture = np.ndarray  # uint8 (H, W, 3)
STYLES = ("outlined", "plate", "plain")
# with ascenders and descenders, so that the ink is as high as a line is
LATIN = "Stop here, gang"  # fits across an upright picture up to 4 % of its height
SHORT = "Big gap"  # up to 8 %
ARABIC = "\u0645\u0631\u062d\u0628\u0627 \u0628\u0643\u0645 \u0641\u064a \u0627\u0644\u0641\u064a\u062f\u064a\u0648"
CYRILLIC = "\u0421\u043c\u043e\u0442\u0440\u0438 \u0434\u043e \u043a\u043e\u043d\u0446\u0430"
HINDI = "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u094b\u0938\u094d\u0924\u094b"
HINDI_FONT = Path("/usr/share/fonts/truetype/lohit-devanagari/Lohit-Devanagari.ttf")  # of Debian's fonts-lohit-deva
_FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans-Bold.ttf"
_FRAME = ((0.1, 0.1, 0.9, 0.1), (0.1, 0.9, 0.9, 0.9), (0.1, 0.1, 0.1, 0.9), (0.9, 0.1, 0.9, 0.9))
_ACROSS, _DOWN = (0.1, 0.5, 0.9, 0.5), (0.5, 0.1, 0.5, 0.9)
_CHINESE = (
    ((0.1, 0.1, 0.9, 0.1), _ACROSS, (0.0, 0.9, 1.0, 0.9), _DOWN),
    (*_FRAME, _ACROSS, _DOWN),
    (*_FRAME, _ACROSS),
    _FRAME,
    ((0.1, 0.3, 0.9, 0.3), (0.1, 0.7, 0.9, 0.7), (0.1, 0.3, 0.1, 0.7), (0.9, 0.3, 0.9, 0.7), (0.5, 0.0, 0.5, 1.0)),
    ((0.1, 0.1, 0.9, 0.1), (0.0, 0.9, 1.0, 0.9), _DOWN),
)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A picture with a line of text; `box` is that of its ink: left, top, right, bottom in pixels."""

    rgb: Picture
    box: tuple[float, float, float, float]


def draw(
    rgb: Picture, text: str, *, share: float, x: float, y: float, style: str = "outlined", path: Path = _FONT
) -> Drawn:
    """`text` in a font (DejaVu Sans Bold), its ink `share` of the height high, its middle at shares (x, y)."""
    height, width = rgb.shape[:2]
    size = 4
    while _ink(ImageFont.truetype(str(path), size + 1), text)[3] <= share * height:
        size += 1
    font = ImageFont.truetype(str(path), size)
    left, top, wide, high = _ink(font, text)
    corner = (x * width - wide / 2, y * height - high / 2)
    image = Image.fromarray(rgb)
    canvas = ImageDraw.Draw(image)
    at = (corner[0] - left, corner[1] - top)
    if style == "plate":
        pad = 0.4 * high
        edge = (corner[0] - pad, corner[1] - pad, corner[0] + wide + pad, corner[1] + high + pad)
        canvas.rounded_rectangle(edge, radius=pad, fill=(20, 60, 200))
    stroke = max(1, size // 10) if style == "outlined" else 0
    canvas.text(at, text, font=font, fill=(255, 255, 255), stroke_width=stroke, stroke_fill=(0, 0, 0))
    return Drawn(rgb=np.asarray(image), box=(corner[0], corner[1], corner[0] + wide, corner[1] + high))


def draw_chinese(rgb: Picture, *, x: int, y: int, size: int) -> Drawn:
    """王田日口中工 in straight strokes, since no font at hand has them; the first one's top left corner at (x, y)."""
    made = rgb.copy()
    step, pen = round(1.15 * size), max(2, size // 10)
    for place, strokes in enumerate(_CHINESE):
        for ax, ay, bx, by in strokes:
            first, last = ((x + place * step + round(u * size), y + round(v * size)) for u, v in ((ax, ay), (bx, by)))
            cv2.line(made, first, last, (255, 255, 255), pen)
    half = pen / 2
    return Drawn(rgb=made, box=(x - half, y - half, x + 5 * step + size + half, y + size + half))


def match(found: list[Region], box: tuple[float, float, float, float]) -> Region | None:
    """The region that overlaps the box most, if by 0.3 of their union or more."""
    best = max(found, key=lambda item: overlap(frame(item), box), default=None)
    return best if best is not None and overlap(frame(best), box) >= 0.3 else None


def frame(item: Region) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of a region."""
    (left, top), (right, bottom) = item.corners.min(0), item.corners.max(0)
    return float(left), float(top), float(right), float(bottom)


def overlap(first: tuple[float, float, float, float], second: tuple[float, float, float, float]) -> float:
    """Intersection over union of two boxes."""
    wide = min(first[2], second[2]) - max(first[0], second[0])
    high = min(first[3], second[3]) - max(first[1], second[1])
    inside = max(0.0, wide) * max(0.0, high)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return inside / (sum(areas) - inside)


def off_centre(item: Region, box: tuple[float, float, float, float], rgb: Picture) -> float:
    """How far the middles lie apart: the larger of the shares of the width and of the height."""
    found, (height, width) = frame(item), rgb.shape[:2]
    return max(
        abs(found[0] + found[2] - box[0] - box[2]) / 2 / width, abs(found[1] + found[3] - box[1] - box[3]) / 2 / height
    )


def grounds(height: int = 854, width: int = 480) -> dict[str, Picture]:
    """Pictures without any text."""
    rng = np.random.default_rng(3)
    slope = np.linspace(0, 255, height, dtype=np.float32)[:, None]
    checks = (np.add.outer(np.arange(height) // 40, np.arange(width) // 40) % 2) * 180 + 30
    stripes = np.broadcast_to((np.arange(width) // 24 % 2) * 150 + 50, (height, width))
    greys = {
        "black": np.zeros((height, width)),
        "grey": np.full((height, width), 128),
        "slope": np.broadcast_to(slope, (height, width)),
        "noise": np.clip(rng.normal(120, 30, (height, width)), 0, 255),
        "checks": checks,
        "stripes": stripes,
    }
    return {name: np.repeat(grey.astype(np.uint8)[:, :, None], 3, axis=2) for name, grey in greys.items()}


def _ink(font: ImageFont.FreeTypeFont, text: str) -> tuple[float, float, float, float]:
    left, top, right, bottom = font.getbbox(text)
    return left, top, right - left, bottom - top
