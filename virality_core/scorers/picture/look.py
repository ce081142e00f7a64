"""How the stills look, measured without a model: exposure, contrast, color, sharpness, noise and composition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core.scorers.base import NO_FRAME, Answer, Scorer, rated
from virality_core.scorers.measures import composition, exposure_and_color, noise, sharpness
from virality_core.scorers.measures.composition import Subject
from virality_core.scorers.measures.letterbox import Box, picture_box, to_common_size
from virality_core.types import Details, Plan, Post, Progress, Reel, Signal, Skipped, Timeline

_UPRIGHT = 9 / 16  # the screen that Reels, TikTok and Shorts are made for


#: Each measure's unit, largest value, and why it may be missing.
_MEASURES = {
    "brightness": ("L*", 100.0, ""),
    "contrast": ("L* RMS", exposure_and_color.MAX_CONTRAST, ""),
    "colourfulness": ("Hasler-Süsstrunk M", exposure_and_color.MAX_COLORFULNESS, ""),
    "white_balance": (
        "° from white",
        exposure_and_color.MAX_CAST,
        "Every frame is black, or too dark to tell the color of the light.",
    ),
    "sharpness": (
        "cycles per short side",
        sharpness.MAX_SHARPNESS,
        "No frame has an edge to measure sharpness on: the picture is flat or black.",
    ),
    "noise": (
        "8-bit levels",
        noise.MAX_NOISE,
        "No frame has an area to measure noise in: the picture is black, white or smaller than 16 × 16 pixels.",
    ),
    "composition": ("closeness to thirds", 1.0, "No frame has a subject: the picture is flat or black."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameLook:
    """All measures of one still; None where one can't be measured (units as in `LookScorer`)."""

    brightness: float
    clipped_shadows: float
    clipped_highlights: float
    contrast: float
    colourfulness: float
    white_balance: float | None
    light: NDArray[np.float64] | None
    sharpness: float | None
    noise: float | None
    composition: float | None
    subject: Subject | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BrightnessDetails(Details):
    """Mean shares 0–1 of pixels without detail."""

    clipped_shadows: float
    clipped_highlights: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WhiteBalanceDetails(Details):
    """The light's linear red, green and blue, the strongest at 1, in the still whose cast is the median."""

    light: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScreenFillDetails(Details):
    """Where the picture is between black bars, as shares 0–1 of the frame's width and height."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompositionDetails(Details):
    """The subject in each still of the timeline: position as shares 0–1 of the picture, and share of all saliency."""

    subject_x: tuple[float, ...]
    subject_y: tuple[float, ...]
    focus: tuple[float, ...]


def measure_still(rgb: NDArray[np.uint8]) -> FrameLook:
    """Every measure of one picture (H, W, 3) without black bars; of reels and of the photos they are compared with."""
    common = to_common_size(rgb)
    luma = np.asarray(cv2.cvtColor(common, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    brightness, contrast = exposure_and_color.lightness(common)
    shadows, highlights = exposure_and_color.clipped_shares(common)
    light = exposure_and_color.light_color(common)
    subject = composition.find_subject(luma)
    return FrameLook(
        brightness=brightness,
        clipped_shadows=shadows,
        clipped_highlights=highlights,
        contrast=contrast,
        colourfulness=exposure_and_color.colorfulness(common),
        white_balance=None if light is None else exposure_and_color.color_cast(light),
        light=light,
        sharpness=sharpness.sharpness(luma),
        noise=noise.noise_sigma(rgb),
        composition=None if subject is None else composition.thirds_closeness(subject),
        subject=subject,
    )


class LookScorer(Scorer):
    """Measures on the stills; each value is the median over the stills, the timeline shows them all.

    brightness: mean CIE lightness L*, 0–100. contrast: standard deviation of L*, 0–50. colourfulness: Hasler &
    Süsstrunk's M, 0–377. white_balance: degrees between the light's color and white, 0–55. sharpness: MTF50 of the
    strongest edges, 0–128 cycles per short side at 256 pixels. noise: standard deviation in 8-bit luma levels at
    native size, 0–127.5. composition: closeness of the most salient region to the thirds, 0–1. Formulas and sources are
    with the functions in `scorers.measures`. screen_fill: share 0–100 % of an upright 9:16 screen that the picture
    covers when all of it is shown; one value for the whole reel.

    Black bars are left out (`picture_box`). All but noise are measured at a short side of 256 pixels, the size of the
    photos they are compared with.
    """

    stage = "look"
    names: ClassVar[tuple[str, ...]] = (*_MEASURES, "screen_fill")
    plan: ClassVar[Plan] = Plan(stills=16)

    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Answer]:  # noqa: ARG002
        """One Signal per measure, or Skipped where no still can be measured."""
        frames = reel.frames
        if len(frames) == 0:
            return self.skip_all(NO_FRAME)
        box = picture_box(frames.rgb)
        looks = []
        for index, still in enumerate(frames.rgb):
            progress(self.stage, index / len(frames))
            looks.append(measure_still(np.ascontiguousarray(box.cut(still))))
        progress(self.stage, 1.0)
        signals = [_signal(name, looks, frames.seconds) for name in _MEASURES]
        return [*signals, _screen_fill(frames.rgb.shape[2] / frames.rgb.shape[1], box)]


def _signal(name: str, looks: Sequence[FrameLook], seconds: NDArray[np.float64]) -> Answer:
    unit, largest, missing = _MEASURES[name]
    measured = [index for index, look in enumerate(looks) if getattr(look, name) is not None]
    if not measured:
        return Skipped(name=name, reason=missing)
    values = np.array([getattr(looks[index], name) for index in measured], dtype=np.float64)
    return rated(
        name,
        float(np.median(values)),
        unit=unit,
        native_range=(0.0, largest),
        timeline=Timeline(seconds=seconds[measured], values=values),
        details=_details(name, [looks[index] for index in measured]),
    )


def _screen_fill(aspect: float, box: Box) -> Signal:
    """From the frame's width over its height and the part of it that is picture."""
    shown = min(aspect / _UPRIGHT, _UPRIGHT / aspect) * box.share
    picture = ScreenFillDetails(left=box.left, top=box.top, right=box.right, bottom=box.bottom)
    return rated("screen_fill", 100.0 * shown, unit="% of the screen", native_range=(0.0, 100.0), details=picture)


def _details(name: str, looks: Sequence[FrameLook]) -> Details | None:
    if name == "brightness":
        return BrightnessDetails(
            clipped_shadows=float(np.mean([look.clipped_shadows for look in looks])),
            clipped_highlights=float(np.mean([look.clipped_highlights for look in looks])),
        )
    if name == "white_balance":
        lights = sorted((look.light for look in looks if look.light is not None), key=exposure_and_color.color_cast)
        median = lights[(len(lights) - 1) // 2]  # of one still: where lights change, their mean is none of them
        red, green, blue = (float(part) for part in median / median.max())
        return WhiteBalanceDetails(light=(red, green, blue))
    if name == "composition":
        subjects = [look.subject for look in looks if look.subject is not None]
        return CompositionDetails(
            subject_x=tuple(subject.x for subject in subjects),
            subject_y=tuple(subject.y for subject in subjects),
            focus=tuple(subject.focus for subject in subjects),
        )
    return None
