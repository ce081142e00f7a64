"""Text on the screen: how much of the reel has it, where and how large it is, and whether a platform covers it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core.config import safe_zones
from virality_core.models import weights
from virality_core.models.vision.ppocr import Reading, Region, TextDetector, TextReader, cut_out
from virality_core.scorers.base import NO_FRAME, Answer, Scorer, rated
from virality_core.types import Details, Plan, Platform, Post, Profile, Progress, Reel, Signal, Timeline

STILLS = 8  # of the whole reel: 0.3 s of one core each, measured by recipes/ppocr_v4/measure.py
HOOK_STILLS = 2  # more, within the first second
SMALLEST = 0.015  # of the height: smaller text can't be read on a phone; this project's choice
LARGEST = 0.25  # of the height: anything larger is more often an animal or a pattern than a line of text
LEGIBLE = 0.8  # mean probability of a line's characters: below, it is another script or no text
_FIRST_SECOND = 1.0
_BOXES = 12  # kept per still, the largest
_READ = 3  # lines read per still, the largest
_READ_IN_ALL = 12  # lines read per reel: 0.1 s of one core each
_SAME_TEXT = 0.8  # difflib's ratio: with one letter in five read differently it is still the same line


@dataclass(frozen=True, slots=True, kw_only=True)
class TextBox:
    """One line of text in one still. `left` … `bottom`: its upright frame as shares 0–1 of the picture's size.

    `height`: of the line itself, as a share of the picture's height. `contrast`: ratio 1–21 (WCAG). `text`: as read,
    empty where it was not or can't be. `covered_by`: the platforms whose buttons or captions may cover it.
    """

    seconds: float
    left: float
    top: float
    right: float
    bottom: float
    height: float
    contrast: float
    text: str
    covered_by: tuple[Platform, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnscreenDetails(Details):
    """What was searched and found.

    `first_second`: whether text was there, None where no still was. `height` and `contrast` are the medians of each
    still's largest line, None without text. `characters_a_second`: of the lines that were read, each once, over the
    time with text; a lower bound, as lines between the stills are not seen; None with the reason in `reading_note`.
    `zones_note`: why `covered_by` is empty everywhere, if it must be.
    """

    stills: int
    stills_with_text: int
    first_second: bool | None
    height: float | None
    contrast: float | None
    characters_a_second: float | None
    reading_note: str
    zones_note: str
    boxes: tuple[TextBox, ...]


class OnscreenScorer(Scorer):
    """One signal, `onscreen_text`: % of the reel with text, 0–100, each still standing for the time nearest to it.

    PP-OCRv4 (PaddleOCR) finds the lines; the largest of them are read.
    """

    stage = "onscreen"
    names: ClassVar[tuple[str, ...]] = ("onscreen_text",)
    plan: ClassVar[Plan] = Plan(stills=STILLS, hook_stills=6)  # as `hook`: its first two are in the first second

    def __init__(self, *, profile: Profile = "auto") -> None:
        """Load the weights. Raises WeightsError where they are missing."""
        files = weights.resolve_component("onscreen", profile)
        self.model = files.model_info("ppocr-v4-detect")
        self._detector = TextDetector(files.paths["ppocr-v4-detect"])
        self._reader = TextReader(files.paths["ppocr-v4-read"], files.paths["ppocr-v4-characters"])

    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Answer]:  # noqa: ARG002
        """One Signal or Skipped."""
        stills = _stills(reel)
        if not stills:
            return self.skip_all(NO_FRAME)
        boxes: list[TextBox] = []
        areas: list[float] = []
        left_to_read = _READ_IN_ALL
        for number, (seconds, rgb) in enumerate(stills):
            progress(self.stage, number / len(stills))
            found = [region for region in self._detector.find(rgb) if is_line(region, rgb.shape[0])]
            found = sorted(found, key=lambda region: -region.short_side)[:_BOXES]
            readings = [self._reader.read(rgb, region) for region in found[: min(_READ, left_to_read)]]
            left_to_read -= len(readings)
            boxes += _boxes(seconds, rgb, found, readings)
            pixels = sum(region.long_side * region.short_side for region in found)  # lines hardly overlap
            areas.append(100.0 * pixels / (rgb.shape[0] * rgb.shape[1]))
        progress(self.stage, 1.0)
        return [self._signal(reel, np.array([seconds for seconds, _ in stills]), np.array(areas), boxes)]

    def _signal(
        self, reel: Reel, seconds: NDArray[np.float64], areas: NDArray[np.float64], boxes: Sequence[TextBox]
    ) -> Signal:
        duration = max(reel.info.duration_seconds, float(seconds[-1]), 1e-3)
        edges = np.concatenate(([0.0], (seconds[1:] + seconds[:-1]) / 2.0, [duration]))
        time_with_text = float(np.diff(edges)[areas > 0].sum())
        early = areas[seconds <= _FIRST_SECOND]
        largest = list({box.seconds: box for box in reversed(boxes)}.values())
        speed, reading_note = _reading_speed(boxes, time_with_text)
        upright = safe_zones.has_zones(reel.info.width, reel.info.height)
        return rated(
            "onscreen_text",
            float(np.clip(100.0 * time_with_text / duration, 0.0, 100.0)),
            unit="% of the reel",
            native_range=(0.0, 100.0),
            timeline=Timeline(seconds=seconds, values=areas),
            model=self.model,
            details=OnscreenDetails(
                stills=len(seconds),
                stills_with_text=int((areas > 0).sum()),
                first_second=bool((early > 0).any()) if len(early) else None,
                height=float(np.median([box.height for box in largest])) if largest else None,
                contrast=float(np.median([box.contrast for box in largest])) if largest else None,
                characters_a_second=speed,
                reading_note=reading_note,
                zones_note="" if upright else "What platforms cover is only known for 9:16 videos.",
                boxes=tuple(boxes),
            ),
        )


def is_line(region: Region, height: int) -> bool:
    """Whether a region has the size of a line of text in a picture of that height in pixels."""
    return SMALLEST * height <= region.short_side <= LARGEST * height


def text_contrast(rgb: NDArray[np.uint8]) -> float:
    """Contrast ratio 1–21 between the lighter and the darker half of a line of text (h, w, 3), split by Otsu.

    (L₁ + 0.05) / (L₂ + 0.05) of the relative luminances' medians, as in WCAG 2.2, which asks for 4.5 for small text and
    3 for large. A colored background can make text more legible than its luminance says.
    """
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    _, light = cv2.threshold(gray, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    coded = rgb.astype(np.float64) / 255.0
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array((0.2126, 0.7152, 0.0722))
    if light.all() or not light.any():
        return 1.0
    high, low = float(np.median(luminance[light == 1])), float(np.median(luminance[light == 0]))
    return max(1.0, (max(high, low) + 0.05) / (min(high, low) + 0.05))


def same_text(first: str, second: str) -> bool:
    """Whether two readings are of one line."""
    a, b = ("".join(letter for letter in text.casefold() if letter.isalnum()) for text in (first, second))
    return SequenceMatcher(None, a, b).ratio() >= _SAME_TEXT


def _stills(reel: Reel) -> list[tuple[float, NDArray[np.uint8]]]:
    """Up to `STILLS` of the reel's stills, evenly spread, and up to `HOOK_STILLS` of the first second; by time."""
    frames = reel.frames
    chosen: dict[float, NDArray[np.uint8]] = {}
    if len(frames):
        rows = np.unique(np.round(np.linspace(0, len(frames) - 1, min(STILLS, len(frames)))).astype(int))
        chosen |= {float(frames.seconds[row]): frames.rgb[row] for row in rows}
    if reel.hook is not None:
        early = np.flatnonzero(reel.hook.seconds <= _FIRST_SECOND)[:HOOK_STILLS]
        chosen |= {float(reel.hook.seconds[row]): reel.hook.rgb[row] for row in early}
    return sorted(chosen.items())


def _boxes(
    seconds: float, rgb: NDArray[np.uint8], found: Sequence[Region], readings: Sequence[Reading]
) -> Iterator[TextBox]:
    height, width = rgb.shape[:2]
    zones = safe_zones.has_zones(width, height)
    for number, region in enumerate(found):
        (x0, y0), (x1, y1) = region.corners.min(0), region.corners.max(0)
        left, top, right, bottom = float(x0 / width), float(y0 / height), float(x1 / width), float(y1 / height)
        reading = readings[number] if number < len(readings) else None
        yield TextBox(
            seconds=seconds,
            left=left,
            top=top,
            right=right,
            bottom=bottom,
            height=region.short_side / height,
            contrast=text_contrast(cut_out(rgb, region)),
            text=reading.text if reading is not None and reading.confidence >= LEGIBLE else "",
            covered_by=safe_zones.covered_by((left, top, right, bottom)) if zones else (),
        )


def _reading_speed(boxes: Sequence[TextBox], time_with_text: float) -> tuple[float | None, str]:
    """Characters per second without spaces, or None and why."""
    if not boxes or time_with_text <= 0.0:
        return None, "There is no text to read."
    lines: list[str] = []
    for box in boxes:
        if box.text and not any(same_text(box.text, line) for line in lines):
            lines.append(box.text)
    if not lines:
        return None, "The text could not be read: only Chinese and Latin letters can."
    return sum(not character.isspace() for line in lines for character in line) / time_with_text, ""
