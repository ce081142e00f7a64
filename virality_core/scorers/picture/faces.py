"""Faces and framing: how many stills show a face, and how large the largest one is. Nobody is recognized."""

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
from virality_core.scorers.base import NO_FRAME, Answer, Scorer, rated
from virality_core.scorers.measures.letterbox import picture_box
from virality_core.types import Details, Plan, Post, Profile, Progress, Reel, Skipped, Timeline

Scale = Literal["long shot", "medium shot", "close-up"]

# What fits under a face in the picture's height. A face from chin to hairline is a tenth of a body's height (Vitruvius,
# De architectura III.1), and the elbow, next to the waist, is at 0.63 of it (Drillis & Contini 1966). A long shot shows
# the whole body, a medium shot at least down to the waist, a close-up less (B. Salt's shot scales, with his medium
# close-up counted as close-up). Room above the head is ignored.
_FACE = 0.10
MEDIUM_FROM = _FACE / 1.0
CLOSE_FROM = round(_FACE / (1.0 - 0.63), 2)  # 0.27

_STILLS = 16
_SHORT_SIDE, _LONGEST_SIDE = 320, 1280  # pixels: a face of 20 of them is 1/16 of the short side
_OPENING = 1.0  # seconds
NO_FACE = "No face was found to measure the shot scale by."


@dataclass(frozen=True, slots=True, kw_only=True)
class FacesDetails(Details):
    """Of `stills`, `with_face` show a face, at most `most` at once. `first_second`: None where none of it was read."""

    stills: int
    with_face: int
    most: int
    first_second: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotScaleDetails(Details):
    """What a filmmaker would call it, and how many stills it is from."""

    scale: Scale
    stills: int


def scale_of(height: float) -> Scale:
    """The shot scale where the largest face has this share 0–1 of the picture's height."""
    if height >= CLOSE_FROM:
        return "close-up"
    return "medium shot" if height >= MEDIUM_FROM else "long shot"


class FacesScorer(Scorer):
    """Two signals from up to 16 stills, without their black bars.

    faces: % of the stills that show a face; the timeline has how many. shot_scale: the height of the largest face, % of
    the picture's height, median over the stills with a face; the timeline has each. The stills of the opening only
    decide whether there is a face in the first second. Faces in drawings and on posters count where they are found.
    """

    stage = "faces"
    names: ClassVar[tuple[str, ...]] = ("faces", "shot_scale")
    plan: ClassVar[Plan] = Plan(stills=_STILLS, hook_stills=6)

    def __init__(self, *, profile: Profile = "auto") -> None:
        """Load the weights. Raises WeightsError where they are missing."""
        files = weights.resolve_component("faces", profile)
        self.model = files.model_info()
        self._detector = mtcnn.build(load_tensors(files.path))

    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Answer]:  # noqa: ARG002
        """`faces`, 0 where none is found, and `shot_scale`, skipped then."""
        frames = reel.frames
        if len(frames) == 0:
            return self.skip_all(NO_FRAME)
        box = picture_box(frames.rgb)
        chosen = np.unique(np.linspace(0, len(frames) - 1, min(_STILLS, len(frames))).round().astype(int))
        stills = {float(frames.seconds[index]): frames.rgb[index] for index in chosen}
        pictures = dict(stills)
        if reel.hook is not None:
            opening_stills = zip(reel.hook.seconds, reel.hook.rgb, strict=True)
            pictures |= {float(at): rgb for at, rgb in opening_stills if at <= _OPENING}
        found: dict[float, tuple[Face, ...]] = {}
        for count, (second, still) in enumerate(pictures.items()):
            progress(self.stage, count / len(pictures))
            (found[second],) = self._detector.find([_shrink(box.cut(still))])
        progress(self.stage, 1.0)
        opening = [bool(faces) for second, faces in found.items() if second <= _OPENING]
        return self._answers({second: found[second] for second in sorted(stills)}, any(opening) if opening else None)

    def _answers(self, found: Mapping[float, tuple[Face, ...]], first_second: bool | None) -> list[Answer]:
        seconds, counts = np.array(list(found)), np.array([float(len(faces)) for faces in found.values()])
        heights = np.array([100.0 * faces[0].height for faces in found.values() if faces])
        presence = rated(
            "faces",
            100.0 * len(heights) / len(found),
            unit="% of the stills",
            native_range=(0.0, 100.0),
            timeline=Timeline(seconds=seconds, values=counts),
            model=self.model,
            details=FacesDetails(
                stills=len(found), with_face=len(heights), most=int(counts.max()), first_second=first_second
            ),
        )
        if not len(heights):
            return [presence, Skipped(name="shot_scale", reason=NO_FACE)]
        median = float(np.median(heights))
        scale = rated(
            "shot_scale",
            median,
            unit="% of the height",
            native_range=(0.0, 100.0),
            timeline=Timeline(seconds=seconds[counts > 0], values=heights),
            model=self.model,
            details=ShotScaleDetails(scale=scale_of(median / 100.0), stills=len(heights)),
        )
        return [presence, scale]


def _shrink(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """At most `_SHORT_SIDE` and `_LONGEST_SIDE`; a smaller picture stays as it is."""
    height, width = rgb.shape[:2]
    scale = min(1.0, _SHORT_SIDE / min(height, width), _LONGEST_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
