"""How the stills look, measured without a model: exposure, contrast, colour, sharpness, grain and composition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core.reference import rate
from virality_core.scorers.base import Scorer
from virality_core.scorers.measures import noise, saliency, sharpness, tone
from virality_core.scorers.measures.frames import Box, picture_box, to_common_size
from virality_core.types import Details, Plan, Post, Progress, Reel, Signal, Skipped, Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameLook:
    """All measures of one still; None where a measure has nothing to go by (units as in `LookScorer`)."""

    brightness: float
    clipped_shadows: float
    clipped_highlights: float
    contrast: float
    colourfulness: float
    sharpness: float | None
    noise: float | None
    composition: float | None
    subject: saliency.Subject | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BrightnessDetails(Details):
    """Mean shares 0–1 of pixels without detail, and the share of the frame that is picture, not black bars."""

    clipped_shadows: float
    clipped_highlights: float
    picture_share: float


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
    mean_lightness, lightness_deviation = tone.lightness(common)
    shadows, highlights = tone.clipped_shares(common)
    subject = saliency.find_subject(luma)
    return FrameLook(
        brightness=mean_lightness,
        clipped_shadows=shadows,
        clipped_highlights=highlights,
        contrast=lightness_deviation,
        colourfulness=tone.colourfulness(common),
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
        name="contrast", unit="L* RMS", native_range=(0.0, tone.MAX_CONTRAST), read=lambda f: f.contrast, missing=""
    ),
    _Measure(
        name="colourfulness",
        unit="Hasler-Süsstrunk M",
        native_range=(0.0, tone.MAX_COLOURFULNESS),
        read=lambda f: f.colourfulness,
        missing="",
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


class LookScorer(Scorer):
    """Six measures on the stills; each value is the median over the stills, the timeline shows them all.

    brightness: mean CIE lightness L*, 0–100. contrast: standard deviation of L*, 0–50. colourfulness: Hasler &
    Süsstrunk's M, 0–377. sharpness: MTF50 of the strongest edges, 0–128 cycles per short side at 256 pixels. noise:
    standard deviation in 8-bit luma levels at native size, 0–127.5. composition: closeness of the most salient place to
    the thirds, 0–1. The formulas and their sources are with the functions in `scorers.measures`.

    Black bars are left out where they can be told (`picture_box`). All but noise are measured at a short side of 256
    pixels, the size of the photos they are compared with.
    """

    names: ClassVar[tuple[str, ...]] = tuple(measure.name for measure in _MEASURES)
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
        return [_signal(measure, looks, frames.seconds, box) for measure in _MEASURES]


def _signal(measure: _Measure, looks: Sequence[FrameLook], seconds: NDArray[np.float64], box: Box) -> Signal | Skipped:
    read = [(look, second, measure.read(look)) for look, second in zip(looks, seconds, strict=True)]
    measured = [(look, second, value) for look, second, value in read if value is not None]
    if not measured:
        return Skipped(name=measure.name, reason=measure.missing)
    values = np.array([value for _, _, value in measured], dtype=np.float64)
    value = float(np.median(values))
    rating = rate(measure.name, value)
    return Signal(
        name=measure.name,
        value=value,
        unit=measure.unit,
        native_range=measure.native_range,
        desirability=rating.desirability,
        percentile=rating.percentile,
        reference=rating.reference,
        timeline=Timeline(seconds=np.array([second for _, second, _ in measured]), values=values),
        details=_details(measure.name, [look for look, _, _ in measured], box),
    )


def _details(name: str, looks: Sequence[FrameLook], box: Box) -> Details | None:
    if name == "brightness":
        return BrightnessDetails(
            clipped_shadows=float(np.mean([look.clipped_shadows for look in looks])),
            clipped_highlights=float(np.mean([look.clipped_highlights for look in looks])),
            picture_share=box.share,
        )
    if name == "composition":
        subjects = [look.subject for look in looks if look.subject is not None]
        return CompositionDetails(
            subject_x=tuple(subject.x for subject in subjects),
            subject_y=tuple(subject.y for subject in subjects),
            focus=tuple(subject.focus for subject in subjects),
        )
    return None
