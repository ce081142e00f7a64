"""Text on the screen: how much of the reel has it, where it stands, how large, and whether a platform covers it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from virality_core.config import safe_zones
from virality_core.config.signals import rate
from virality_core.models import weights
from virality_core.models.vision.ppocr import Reading, Region, TextDetector, TextReader, cut_out
from virality_core.scorers.base import Scorer
from virality_core.scorers.measures import screen_text
from virality_core.types import (
    Details,
    ModelInfo,
    Plan,
    Platform,
    Post,
    Profile,
    Progress,
    Reel,
    Signal,
    Skipped,
    Timeline,
)

STILLS = 8  # looked at over the whole reel: 0.3 s of one core each, measured by recipes/ppocr_v4/measure.py
HOOK_STILLS = 2  # more, within the first second
SMALLEST = 0.015  # of the height: smaller text can't be read on a phone; this project's choice
LARGEST = 0.25  # of the height: what is larger is an animal or a pattern more often than a line of text
_FIRST = 1.0  # seconds
_BOXES = 12  # kept of a still, the largest
_READ = 3  # lines read of a still, the largest
_READ_IN_ALL = 12  # lines read of a reel: 0.1 s of one core each
_LEGIBLE = 0.8  # mean probability of a line's characters: below, it is another script or no text


@dataclass(frozen=True, slots=True, kw_only=True)
class TextBox:
    """One line of text in one still. `left` … `bottom`: its upright frame as shares 0–1 of the picture's size.

    `height`: of the line itself, as a share of the picture's height. `contrast`: ratio 1–21 (WCAG). `text`: as read,
    empty where it was not or can't be. `covered_by`: the platforms whose buttons or captions lie over it.
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
    """What was looked at and found.

    `first_second`: whether text was there, None where no still lies in it. `height` and `contrast` are the medians of
    each still's largest line, None without text. `characters_a_second`: of the lines that were read, each once, over
    the time with text: a lower bound, as lines between the stills are not seen; None with the reason in
    `reading_note`. `zones_note`: why `covered_by` is empty everywhere, if it must be.
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

    @property
    def said(self) -> Mapping[str, str]:
        """For the words of the page."""
        first = {True: "also in the first second", False: "not in the first second", None: "its start was not seen"}
        hidden = {platform for box in self.boxes for platform in box.covered_by}
        names = [str(zone["name"]) for platform, zone in safe_zones.zones().items() if platform in hidden]
        under = f"; some lies where {' and '.join(names)} may cover it" if names else ""
        return {"first": first[self.first_second], "under": under}


class OnscreenScorer(Scorer):
    """One signal, `onscreen_text`: % of the reel with text, 0–100, each still standing for the time nearest to it.

    PP-OCRv4 (PaddleOCR) finds the lines; the largest of them are read.
    """

    names: ClassVar[tuple[str, ...]] = ("onscreen_text",)
    plan: ClassVar[Plan] = Plan(
        stills=STILLS, hook_stills=6
    )  # as `hook` asks for: its first two lie in the first second

    def __init__(self, *, profile: Profile = "auto") -> None:
        """Load the weights. Raises WeightsError where they are missing."""
        files = weights.resolve_component("onscreen", profile)
        self.model: ModelInfo = files.model_info("ppocr-v4-detect")
        self._detector = TextDetector(files.paths["ppocr-v4-detect"])
        self._reader = TextReader(files.paths["ppocr-v4-read"], files.paths["ppocr-v4-characters"])

    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Signal | Skipped]:  # noqa: ARG002
        """One Signal or Skipped."""
        stills = _stills(reel)
        if not stills:
            return [Skipped(name="onscreen_text", reason="The reel has no frame that could be read.")]
        boxes: list[TextBox] = []
        areas: list[float] = []
        left_to_read = _READ_IN_ALL
        for number, (seconds, rgb) in enumerate(stills):
            progress("onscreen", number / len(stills))
            found = [item for item in self._detector.find(rgb) if is_line(item, rgb.shape[0])]
            found = sorted(found, key=lambda item: -item.short_side)[:_BOXES]
            readings = [self._reader.read(rgb, item) for item in found[: min(_READ, left_to_read)]]
            left_to_read -= len(readings)
            boxes += _boxes(seconds, rgb, found, readings)
            areas.append(100.0 * _area(found) / (rgb.shape[0] * rgb.shape[1]))
        progress("onscreen", 1.0)
        return [self._signal(reel, np.array([seconds for seconds, _ in stills]), np.array(areas), boxes)]

    def _signal(
        self, reel: Reel, seconds: NDArray[np.float64], areas: NDArray[np.float64], boxes: Sequence[TextBox]
    ) -> Signal:
        duration = max(reel.info.duration_seconds, float(seconds[-1]), 1e-3)
        edges = np.concatenate(([0.0], (seconds[1:] + seconds[:-1]) / 2.0, [duration]))
        time_with_text = float(np.diff(edges)[areas > 0].sum())
        value = float(np.clip(100.0 * time_with_text / duration, 0.0, 100.0))
        rating = rate("onscreen_text", value)
        early = areas[seconds <= _FIRST]
        largest = [box for at in seconds for box in [next((b for b in boxes if b.seconds == at), None)] if box]
        speed, reading_note = _reading_speed(boxes, time_with_text)
        upright = safe_zones.has_zones(reel.info.width, reel.info.height)
        return Signal(
            name="onscreen_text",
            value=value,
            unit="% of the reel",
            native_range=(0.0, 100.0),
            desirability=rating.desirability,
            percentile=rating.percentile,
            reference=rating.reference,
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
                zones_note="" if upright else "What platforms cover is known of pictures of 9:16 alone.",
                boxes=tuple(boxes),
            ),
        )


def is_line(item: Region, height: int) -> bool:
    """Whether a region has the size of a line of text in a picture of that height in pixels."""
    return SMALLEST * height <= item.short_side <= LARGEST * height


def _stills(reel: Reel) -> list[tuple[float, NDArray[np.uint8]]]:
    """Up to `STILLS` of the reel's stills, evenly chosen, and up to `HOOK_STILLS` of the first second; by time."""
    frames = reel.frames
    chosen: dict[float, NDArray[np.uint8]] = {}
    if len(frames):
        places = np.unique(np.round(np.linspace(0, len(frames) - 1, min(STILLS, len(frames)))).astype(int))
        chosen |= {float(frames.seconds[place]): frames.rgb[place] for place in places}
    if reel.hook is not None:
        early = np.flatnonzero(reel.hook.seconds <= _FIRST)[:HOOK_STILLS]
        chosen |= {float(reel.hook.seconds[place]): reel.hook.rgb[place] for place in early}
    return sorted(chosen.items())


def _boxes(
    seconds: float, rgb: NDArray[np.uint8], found: Sequence[Region], readings: Sequence[Reading]
) -> Iterator[TextBox]:
    height, width = rgb.shape[:2]
    zones = safe_zones.has_zones(width, height)
    for number, item in enumerate(found):
        (left, top), (right, bottom) = item.corners.min(0), item.corners.max(0)
        place = (float(left / width), float(top / height), float(right / width), float(bottom / height))
        reading = readings[number] if number < len(readings) else None
        yield TextBox(
            seconds=seconds,
            left=place[0],
            top=place[1],
            right=place[2],
            bottom=place[3],
            height=item.short_side / height,
            contrast=screen_text.contrast(cut_out(rgb, item)),
            text=reading.text if reading is not None and reading.confidence >= _LEGIBLE else "",
            covered_by=safe_zones.covered_by(place) if zones else (),
        )


def _area(found: Sequence[Region]) -> float:
    """Pixels that the lines cover; they hardly overlap."""
    return sum(item.long_side * item.short_side for item in found)


def _reading_speed(boxes: Sequence[TextBox], time_with_text: float) -> tuple[float | None, str]:
    if not boxes or time_with_text <= 0.0:
        return None, "There is no text to read."
    lines: list[str] = []
    for box in boxes:
        if box.text and not any(screen_text.same_text(box.text, line) for line in lines):
            lines.append(box.text)
    if not lines:
        return None, "The text could not be read: the reader knows Chinese and Latin letters."
    return sum(map(screen_text.characters, lines)) / time_with_text, ""
