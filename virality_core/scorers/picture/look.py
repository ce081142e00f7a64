"""How the stills look, measured without a model: exposure, contrast, colour, sharpness, grain and composition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core.scorers.base import Scorer, rated
from virality_core.scorers.measures import exposure_and_colour, noise, saliency, sharpness
from virality_core.scorers.measures import white_balance as light
from virality_core.scorers.measures.letterbox import Box, picture_box, to_common_size
from virality_core.types import Details, Plan, Post, Progress, Reel, Signal, Skipped, Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameLook:
    """All measures of one still; None where a measure has nothing to go by (units as in `LookScorer`)."""

    brightness: float
    clipped_shadows: float
    clipped_highlights: float
    contrast: float
    colourfulness: float
    light: NDArray[np.float64] | None
    sharpness: float | None
    noise: float | None
    composition: float | None
    subject: saliency.Subject | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BrightnessDetails(Details):
    """Mean shares 0–1 of pixels without detail."""

    clipped_shadows: float
    clipped_highlights: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WhiteBalanceDetails(Details):
    """The light's linear red, green and blue, the strongest at 1: those of the still whose cast is the median."""

    light: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScreenFillDetails(Details):
    """Where the picture lies between black bars, as shares 0–1 of the frame's width and height."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompositionDetails(Details):
    """The subject in each still of the timeline: place as shares 0–1 of the picture, and share of all saliency."""

    subject_x: tuple[float, ...]
    subject_y: tuple[float, ...]
    focus: tuple[float, ...]


def measure_still(rgb: NDArray[np.uint8]) -> FrameLook:
    """Every measure of one picture (H, W, 3), black bars already cut off. Photos and reels go through here alike."""
    common = to_common_size(rgb)
    luma = np.asarray(cv2.cvtColor(common, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    mean_lightness, lightness_deviation = exposure_and_colour.lightness(common)
    shadows, highlights = exposure_and_colour.clipped_shares(common)
    subject = saliency.find_subject(luma)
    return FrameLook(
        brightness=mean_lightness,
        clipped_shadows=shadows,
        clipped_highlights=highlights,
        contrast=lightness_deviation,
        colourfulness=exposure_and_colour.colourfulness(common),
        light=light.light_colour(common),
        sharpness=sharpness.sharpness(luma),
        noise=noise.noise_sigma(rgb),
        composition=None if subject is None else saliency.thirds_placement(subject),
        subject=subject,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    """How one number of `FrameLook` becomes a signal."""

    name: str
    unit: str
    native_range: tuple[float, float]
    read: Callable[[FrameLook], float | None]
    missing: str  # why no still could be measured


_MEASURES = (
    _Measure(name="brightness", unit="L*", native_range=(0.0, 100.0), read=lambda f: f.brightness, missing=""),
    _Measure(
        name="contrast",
        unit="L* RMS",
        native_range=(0.0, exposure_and_colour.MAX_CONTRAST),
        read=lambda f: f.contrast,
        missing="",
    ),
    _Measure(
        name="colourfulness",
        unit="Hasler-Süsstrunk M",
        native_range=(0.0, exposure_and_colour.MAX_COLOURFULNESS),
        read=lambda f: f.colourfulness,
        missing="",
    ),
    _Measure(
        name="white_balance",
        unit="° from white",
        native_range=(0.0, light.MAX_CAST),
        read=lambda f: None if f.light is None else light.cast_of(f.light),
        missing="No frame has light enough to tell its colour: the picture is black.",
    ),
    _Measure(
        name="sharpness",
        unit="cycles per short side",
        native_range=(0.0, sharpness.MAX_SHARPNESS),
        read=lambda f: f.sharpness,
        missing="No frame has an edge to judge sharpness by: the picture is flat or black.",
    ),
    _Measure(
        name="noise",
        unit="8-bit levels",
        native_range=(0.0, noise.MAX_NOISE),
        read=lambda f: f.noise,
        missing="No frame has an area to measure noise in: the picture is black, white or smaller than 16 × 16 pixels.",
    ),
    _Measure(
        name="composition",
        unit="closeness to thirds",
        native_range=(0.0, 1.0),
        read=lambda f: f.composition,
        missing="No frame has a subject to place: the picture is flat or black.",
    ),
)


_UPRIGHT = 9 / 16  # the screen that Reels, TikTok and Shorts are made for


class LookScorer(Scorer):
    """Measures on the stills; each value is the median over the stills, the timeline shows them all.

    brightness: mean CIE lightness L*, 0–100. contrast: standard deviation of L*, 0–50. colourfulness: Hasler &
    Süsstrunk's M, 0–377. white_balance: degrees between the light's colour and white, 0–55. sharpness: MTF50 of the
    strongest edges, 0–128 cycles per short side at 256 pixels. noise: standard deviation in 8-bit luma levels at
    native size, 0–127.5. composition: closeness of the most salient place to the thirds, 0–1. The formulas and
    their sources are with the functions in `scorers.measures`.

    screen_fill: share 0–100 % of an upright 9:16 screen that the picture covers when all of it is shown, bars left out;
    one value for the whole reel.

    Black bars are left out where they can be told (`picture_box`). All but noise are measured at a short side of 256
    pixels, the size of the photos they are compared with.
    """

    names: ClassVar[tuple[str, ...]] = (*(measure.name for measure in _MEASURES), "screen_fill")
    plan: ClassVar[Plan] = Plan(stills=16)

    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Signal | Skipped]:
        """One Signal a measure, or Skipped where no still can be measured."""
        del post
        frames = reel.frames
        if len(frames) == 0:
            return [Skipped(name=name, reason="The reel has no frame that could be read.") for name in self.names]
        box = picture_box(frames.rgb)
        looks = []
        for index, still in enumerate(frames.rgb):
            progress("look", index / len(frames))
            looks.append(measure_still(np.ascontiguousarray(box.cut(still))))
        progress("look", 1.0)
        signals = [_signal(measure, looks, frames.seconds) for measure in _MEASURES]
        return [*signals, _screen_fill(frames.rgb.shape[2] / frames.rgb.shape[1], box)]


def _signal(measure: _Measure, looks: Sequence[FrameLook], seconds: NDArray[np.float64]) -> Signal | Skipped:
    read = [(look, second, measure.read(look)) for look, second in zip(looks, seconds, strict=True)]
    measured = [(look, second, value) for look, second, value in read if value is not None]
    if not measured:
        return Skipped(name=measure.name, reason=measure.missing)
    values = np.array([value for _, _, value in measured], dtype=np.float64)
    value = float(np.median(values))
    return rated(
        measure.name,
        value,
        unit=measure.unit,
        native_range=measure.native_range,
        timeline=Timeline(seconds=np.array([second for _, second, _ in measured]), values=values),
        details=_details(measure.name, [look for look, _, _ in measured]),
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
        lights = sorted((look.light for look in looks if look.light is not None), key=light.cast_of)
        middle = lights[(len(lights) - 1) // 2]  # of one still: where lights change, their mean is none of them
        red, green, blue = (float(part) for part in middle / middle.max())
        return WhiteBalanceDetails(light=(red, green, blue))
    if name == "composition":
        subjects = [look.subject for look in looks if look.subject is not None]
        return CompositionDetails(
            subject_x=tuple(subject.x for subject in subjects),
            subject_y=tuple(subject.y for subject in subjects),
            focus=tuple(subject.focus for subject in subjects),
        )
    return None
