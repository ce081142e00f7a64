"""Faces and framing: in how many stills a face is seen, and how large the largest one is. Nobody is recognised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.vision import mtcnn
from virality_core.models.vision.mtcnn import Face
from virality_core.scorers.base import Scorer, rated
from virality_core.scorers.measures.letterbox import picture_box
from virality_core.types import (
    Details,
    FrameBatch,
    ModelInfo,
    Plan,
    Post,
    Profile,
    Progress,
    Reel,
    Signal,
    Skipped,
    Timeline,
)

Scale = Literal["long shot", "medium shot", "close-up"]

# What fits under a face in the picture's height. A face from chin to hairline is a tenth of a body's height (Vitruvius,
# De architectura III.1), and the elbow, beside the waist, is at 0.63 of it (Drillis & Contini 1966). A long shot shows
# the whole body, a medium shot some of it down to the waist at least, a close-up less (B. Salt's shot scales, his
# medium close-up counted as close-up). Room over the head is left out.
_FACE = 0.10
MEDIUM_FROM = _FACE / 1.0
CLOSE_FROM = round(_FACE / (1.0 - 0.63), 2)  # 0.27

_STILLS = 16
_SHORT_SIDE, _LONGEST_SIDE = 320, 1280  # pixels: a face of 20 of them is 1/16 of the short side
_OPENING = 1.0  # seconds

NO_FACE = "No face was found, and the shot scale is told from the size of a face."


@dataclass(frozen=True, slots=True, kw_only=True)
class FacesDetails(Details):
    """Of `stills` looked at, `with_face` show one; `most` in one of them. `first_second`: None where none was read."""

    stills: int
    with_face: int
    most: int
    first_second: bool | None

    @property
    def said(self) -> Mapping[str, str]:
        """For the words of the page."""
        told = {True: "also in the first second", False: "none in the first second", None: "the first second is unread"}
        return {"first_second": told[self.first_second]}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotScaleDetails(Details):
    """What a film maker would call it, and how many stills it was told from."""

    scale: Scale
    stills: int

    @property
    def said(self) -> Mapping[str, str]:
        """For the words of the page."""
        return {"scale": self.scale}


def scale_of(height: float) -> Scale:
    """The shot scale where the largest face has this share 0–1 of the picture's height."""
    if height >= CLOSE_FROM:
        return "close-up"
    return "medium shot" if height >= MEDIUM_FROM else "long shot"


class FacesScorer(Scorer):
    """Two signals from up to 16 stills, without their black bars.

    faces: % of the stills that show a face; the timeline has how many. shot_scale: the height of the largest face, % of
    the picture's height, median over the stills with a face; the timeline has each. The stills of the opening count
    only for whether a face is seen in the first second. Drawn faces and faces on posters count where they are found.
    """

    names: ClassVar[tuple[str, ...]] = ("faces", "shot_scale")
    plan: ClassVar[Plan] = Plan(stills=_STILLS, hook_stills=6)

    def __init__(self, *, profile: Profile = "auto") -> None:
        """Load the weights. Raises WeightsError where they are missing."""
        files = weights.resolve_component("faces", profile)
        self.model: ModelInfo = files.model_info()
        self._finder = mtcnn.build(load_tensors(files.path))

    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Signal | Skipped]:  # noqa: ARG002
        """`faces`, 0 where none is found, and `shot_scale`, skipped then."""
        if len(reel.frames) == 0:
            return [Skipped(name=name, reason="The reel has no frame that could be read.") for name in self.names]
        box = picture_box(reel.frames.rgb)
        chosen = np.unique(np.linspace(0, len(reel.frames) - 1, min(_STILLS, len(reel.frames))).round().astype(int))
        stills = {float(reel.frames.seconds[index]): reel.frames.rgb[index] for index in chosen}
        looked_at = stills | _opening(reel.hook)
        found: dict[float, tuple[Face, ...]] = {}
        for count, (second, still) in enumerate(looked_at.items()):
            progress("faces", count / len(looked_at))
            (found[second],) = self._finder.find([_small(box.cut(still))])
        progress("faces", 1.0)
        opening = [bool(seen) for second, seen in found.items() if second <= _OPENING]
        return self._answers({second: found[second] for second in sorted(stills)}, any(opening) if opening else None)

    def _answers(self, found: Mapping[float, tuple[Face, ...]], first_second: bool | None) -> list[Signal | Skipped]:
        seconds, counts = np.array(list(found)), np.array([float(len(seen)) for seen in found.values()])
        heights = np.array([100.0 * seen[0].height for seen in found.values() if seen])
        presence = self._signal(
            "faces",
            100.0 * len(heights) / len(found),
            "% of the stills",
            Timeline(seconds=seconds, values=counts),
            FacesDetails(stills=len(found), with_face=len(heights), most=int(counts.max()), first_second=first_second),
        )
        if not len(heights):
            return [presence, Skipped(name="shot_scale", reason=NO_FACE)]
        middle = float(np.median(heights))
        return [
            presence,
            self._signal(
                "shot_scale",
                middle,
                "% of the height",
                Timeline(seconds=seconds[counts > 0], values=heights),
                ShotScaleDetails(scale=scale_of(middle / 100.0), stills=len(heights)),
            ),
        ]

    def _signal(self, name: str, value: float, unit: str, timeline: Timeline, details: Details) -> Signal:
        return rated(
            name, value, unit=unit, native_range=(0.0, 100.0), timeline=timeline, model=self.model, details=details
        )


def _opening(hook: FrameBatch | None) -> dict[float, NDArray[np.uint8]]:
    if hook is None:
        return {}
    return {float(at): rgb for at, rgb in zip(hook.seconds, hook.rgb, strict=True) if at <= _OPENING}


def _small(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """At most `_SHORT_SIDE` and `_LONGEST_SIDE`; a smaller picture as it is."""
    height, width = rgb.shape[:2]
    scale = min(1.0, _SHORT_SIDE / min(height, width), _LONGEST_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
