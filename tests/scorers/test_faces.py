"""FacesScorer: faces of the real clips where they were seen by eye, none elsewhere, and pictures of any size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.media.clips import Clip
from virality_core.media import open_reel
from virality_core.report.wording import describe
from virality_core.scorers.picture import faces
from virality_core.scorers.picture.faces import FacesDetails, FacesScorer, ShotScaleDetails
from virality_core.types import FrameBatch, Post, Reel, Signal, Skipped

Answers = dict[str, Signal | Skipped]


@pytest.fixture(scope="module")
def scorer() -> FacesScorer:
    return FacesScorer(profile="lite")


@pytest.fixture(scope="module")
def two_faces(shared_media: Path) -> Reel:
    """The clip in which a man turns to the camera at 5.5 s."""
    return open_reel(shared_media / "421c8b59.mp4", FacesScorer.plan)


def _told(stage: str, fraction: float) -> None:
    assert stage == "faces"
    assert 0.0 <= fraction <= 1.0


def _seen(scorer: FacesScorer, reel: Reel) -> Answers:
    return {answer.name: answer for answer in scorer.score(reel, Post(), _told)}


def _signal(answers: Answers, name: str) -> Signal:
    answer = answers[name]
    assert isinstance(answer, Signal), answer
    return answer


def _showing(reel: Reel, *pictures: np.ndarray) -> Reel:
    frames = FrameBatch(rgb=np.stack(pictures), seconds=np.arange(len(pictures), dtype=np.float64))
    return replace(reel, frames=frames, hook=None)


def test_faces_are_found_where_they_are_seen(scorer: FacesScorer, two_faces: Reel) -> None:
    found = _seen(scorer, two_faces)
    presence, scale = _signal(found, "faces"), _signal(found, "shot_scale")
    assert presence.timeline is not None
    assert scale.timeline is not None
    at = {round(float(second), 1) for second in scale.timeline.seconds}
    assert {5.5, 6.0} <= at, "he faces the camera"
    assert all(4.0 < second < 7.8 for second in at), "before, only his back is seen; at the end a shirt is held up"
    assert presence.value == pytest.approx(100.0 * len(at) / 16)
    assert set(presence.timeline.values) == {0.0, 1.0}
    # By eye, from forehead to chin, he is about 9 % of the height, sitting a few steps away.
    assert scale.value == pytest.approx(9.0, abs=1.5)
    assert isinstance(scale.details, ShotScaleDetails)
    assert scale.details.scale == "long shot"
    assert isinstance(presence.details, FacesDetails)
    assert presence.details.first_second is False
    assert "none in the first second" in describe(presence)
    assert describe(scale).startswith("long shot: the largest face is ")


def test_the_same_reel_gives_the_same_answer(scorer: FacesScorer, two_faces: Reel) -> None:
    first, again = (_signal(_seen(scorer, two_faces), "shot_scale") for _ in range(2))
    assert first.timeline is not None
    assert again.timeline is not None
    np.testing.assert_array_equal(first.timeline.values, again.timeline.values)


def test_a_clip_of_things_has_no_face(scorer: FacesScorer, shared_media: Path) -> None:
    found = _seen(scorer, open_reel(shared_media / "13bdbeb5.mp4", FacesScorer.plan))
    assert _signal(found, "faces").value == 0.0
    assert found["shot_scale"] == Skipped(name="shot_scale", reason=faces.NO_FACE)


def test_nearer_is_larger_and_many_are_counted(scorer: FacesScorer, two_faces: Reel) -> None:
    rgb = two_faces.frames.rgb[int(np.argmin(np.abs(two_faces.frames.seconds - 5.47)))]
    height, width = rgb.shape[:2]
    face = rgb[int(0.54 * height) : int(0.74 * height), int(0.36 * width) : int(0.72 * width)]
    near = _seen(scorer, _showing(two_faces, face, face))
    assert _signal(near, "shot_scale").value == pytest.approx(47.0, abs=8.0)
    assert describe(_signal(near, "shot_scale")).startswith("close-up: ")
    assert isinstance(details := _signal(near, "faces").details, FacesDetails)
    assert (details.with_face, details.stills, details.first_second) == (2, 2, True)

    small = cv2.resize(face, (160, 160), interpolation=cv2.INTER_AREA)
    crowd = np.tile(small, (8, 5, 1))
    many = _signal(_seen(scorer, _showing(two_faces, crowd)), "faces")
    assert isinstance(many.details, FacesDetails)
    assert many.details.most == 40


def test_the_opening_is_told_from_its_own_stills(scorer: FacesScorer, two_faces: Reel) -> None:
    rgb = two_faces.frames.rgb[int(np.argmin(np.abs(two_faces.frames.seconds - 5.47)))]
    opening = FrameBatch(rgb=rgb[None], seconds=np.array([0.4]))
    found = _signal(_seen(scorer, replace(two_faces, hook=opening)), "faces")
    assert isinstance(found.details, FacesDetails)
    assert found.details.first_second is True
    later = FrameBatch(rgb=rgb[None], seconds=np.array([1.4]))
    found = _signal(_seen(scorer, replace(two_faces, hook=later)), "faces")
    assert isinstance(found.details, FacesDetails)
    assert found.details.first_second is False


@pytest.mark.parametrize("frames", [1, 6])
def test_a_drawn_clip_has_no_face(scorer: FacesScorer, make_clip: Callable[..., Clip], frames: int) -> None:
    found = _seen(scorer, open_reel(make_clip(frames=frames).path, FacesScorer.plan))
    assert _signal(found, "faces").value == 0.0
    assert describe(_signal(found, "faces")) == "no face was found"


@pytest.mark.parametrize("size", [(16, 16), (1, 1), (2, 3000), (900, 21), (569, 320)])
@pytest.mark.parametrize("filled", ["black", "noise"])
def test_pictures_of_any_size(
    scorer: FacesScorer, make_clip: Callable[..., Clip], size: tuple[int, int], filled: str
) -> None:
    reel = open_reel(make_clip(frames=1).path, FacesScorer.plan)
    noise = np.random.default_rng(3).integers(0, 256, (*size, 3), dtype=np.uint8)
    picture = noise if filled == "noise" else np.zeros_like(noise)
    assert _signal(_seen(scorer, _showing(reel, picture)), "faces").value == 0.0


def test_a_smiley_is_no_face(scorer: FacesScorer, make_clip: Callable[..., Clip]) -> None:
    smiley = np.full((480, 270, 3), 250, np.uint8)
    cv2.circle(smiley, (135, 240), 100, (240, 200, 40), -1)
    for x in (100, 170):
        cv2.circle(smiley, (x, 210), 12, (0, 0, 0), -1)
    cv2.ellipse(smiley, (135, 270), (50, 30), 0, 0, 180, (0, 0, 0), 6)
    reel = open_reel(make_clip(frames=1).path, FacesScorer.plan)
    assert _signal(_seen(scorer, _showing(reel, smiley)), "faces").value == 0.0


@pytest.mark.parametrize(
    ("height", "scale"), [(0.05, "long shot"), (0.10, "medium shot"), (0.26, "medium shot"), (0.27, "close-up")]
)
def test_shot_scales(height: float, scale: str) -> None:
    assert faces.scale_of(height) == scale
