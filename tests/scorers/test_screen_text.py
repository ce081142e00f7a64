"""Text on the screen: drawn at known places and times it is found there, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.media.clips import Clip
from tests.scorers import overlays
from virality_core.config import safe_zones
from virality_core.errors import Cancelled, WeightsError
from virality_core.media import open_reel
from virality_core.models import weights
from virality_core.models.vision.ppocr import Region, TextDetector, TextReader
from virality_core.report.wording import describe
from virality_core.scorers.picture.screen_text import (
    OnscreenDetails,
    OnscreenScorer,
    is_line,
    same_text,
    text_contrast,
)
from virality_core.types import Plan, Post, Signal


@pytest.fixture(scope="module")
def scorer() -> OnscreenScorer:
    return OnscreenScorer(profile="lite")


@pytest.fixture(scope="module")
def detector() -> TextDetector:
    return TextDetector(weights.resolve_component("onscreen", "lite").paths["ppocr-v4-detect"])


@pytest.fixture(scope="module")
def reader() -> TextReader:
    paths = weights.resolve_component("onscreen", "lite").paths
    return TextReader(paths["ppocr-v4-read"], paths["ppocr-v4-characters"])


def score(scorer: OnscreenScorer, path: Path) -> tuple[Signal, OnscreenDetails]:
    reel = open_reel(path, scorer.plan, progress=lambda _stage, _fraction: None)
    (answer,) = scorer.score(reel, Post(), lambda _stage, _fraction: None)
    assert isinstance(answer, Signal)
    assert isinstance(answer.details, OnscreenDetails)
    return answer, answer.details


@pytest.mark.parametrize("ground", ["black", "noise", "checks"])
@pytest.mark.parametrize("share", [0.03, 0.04])
@pytest.mark.parametrize("style", ["outlined", "plate"])
def test_drawn_text_is_found_in_its_place_and_read(
    detector: TextDetector, reader: TextReader, ground: str, share: float, style: str
) -> None:
    for x, y in ((0.5, 0.12), (0.45, 0.6)):
        made = overlays.draw(overlays.grounds()[ground], overlays.LATIN, share=share, x=x, y=y, style=style)
        found = overlays.match(detector.find(made.rgb), made.box)
        assert found is not None
        assert overlays.off_centre(found, made.box, made.rgb) <= 0.02
        assert same_text(reader.read(made.rgb, found).text, overlays.LATIN)


@pytest.mark.parametrize("ground", overlays.grounds())
def test_no_text_is_found_where_there_is_none(detector: TextDetector, ground: str) -> None:
    assert detector.find(overlays.grounds()[ground]) == []


@pytest.mark.parametrize("text", [overlays.ARABIC, overlays.CYRILLIC])
def test_another_script_is_found(detector: TextDetector, text: str) -> None:
    made = overlays.draw(overlays.grounds()["slope"], text, share=0.04, x=0.5, y=0.4)
    assert overlays.match(detector.find(made.rgb), made.box) is not None


@pytest.mark.skipif(not overlays.HINDI_FONT.exists(), reason="Debian's fonts-lohit-deva is not installed")
@pytest.mark.parametrize("ground", ["slope", "grey"])
@pytest.mark.parametrize("style", ["outlined", "plate"])
def test_devanagari_is_found(detector: TextDetector, ground: str, style: str) -> None:
    picture = overlays.grounds()[ground]
    made = overlays.draw(picture, overlays.HINDI, share=0.04, x=0.5, y=0.4, style=style, path=overlays.HINDI_FONT)
    found = overlays.match(detector.find(made.rgb), made.box)
    assert found is not None
    assert overlays.off_centre(found, made.box, made.rgb) <= 0.02


@pytest.mark.parametrize("degrees", [12, -25, 90])
def test_rotated_text_is_found(detector: TextDetector, degrees: int) -> None:
    made = overlays.draw(np.full((480, 480, 3), 70, np.uint8), overlays.LATIN, share=0.06, x=0.5, y=0.5)
    turn = cv2.getRotationMatrix2D((240, 240), degrees, 1.0)
    turned = cv2.warpAffine(made.rgb, turn, (480, 480), borderValue=(70, 70, 70))
    left, top, right, bottom = made.box
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]]) @ turn[:, :2].T + turn[:, 2]
    (least_x, least_y), (most_x, most_y) = corners.min(0), corners.max(0)
    assert overlays.match(detector.find(np.asarray(turned)), (least_x, least_y, most_x, most_y)) is not None


def test_text_of_four_pixels_is_no_false_reading(detector: TextDetector) -> None:
    """Nobody can read it: it is not found, or as what it is, in its place."""
    made = overlays.draw(np.full((854, 480, 3), 70, np.uint8), overlays.LATIN, share=4 / 854, x=0.5, y=0.5)
    for region in detector.find(made.rgb):
        assert overlays.overlap(overlays.frame(region), made.box) > 0.0


def test_chinese_is_found(detector: TextDetector) -> None:
    made = overlays.draw_chinese(np.full((854, 480, 3), 70, np.uint8), x=100, y=300, size=48)
    found = overlays.match(detector.find(made.rgb), made.box)
    assert found is not None
    assert overlays.off_centre(found, made.box, made.rgb) <= 0.02


def test_a_wide_picture_and_a_tiny_one(detector: TextDetector) -> None:
    wide = overlays.draw(np.full((720, 1280, 3), 60, np.uint8), overlays.LATIN, share=0.04, x=0.5, y=0.8)
    found = overlays.match(detector.find(wide.rgb), wide.box)
    assert found is not None
    assert overlays.off_centre(found, wide.box, wide.rgb) <= 0.02
    assert detector.find(np.zeros((2, 3, 3), np.uint8)) == []


def test_the_times_of_text_are_told(make_clip: Callable[..., Clip], scorer: OnscreenScorer) -> None:
    def frame(number: int, width: int, height: int) -> np.ndarray:
        plain = np.full((height, width, 3), 70, np.uint8)
        early = number < 40  # of 80 at 10 a second
        return overlays.draw(plain, overlays.SHORT, share=0.05, x=0.5, y=0.95).rgb if early else plain

    clip = make_clip(frames=80, rate=10, width=288, height=512, draw=frame, options=(("crf", "18"), ("g", "10")))
    signal, details = score(scorer, clip.path)
    assert signal.value == pytest.approx(50.0, abs=7.0)  # stills lie a second apart
    assert signal.timeline is not None
    on, seconds = signal.timeline.values > 0, signal.timeline.seconds
    assert on[seconds < 4.0].all()
    assert not on[seconds >= 4.0].any()
    assert details.first_second is True
    assert details.height == pytest.approx(0.05, abs=0.03)
    assert details.contrast is not None
    assert details.contrast > 5.0
    assert {platform for box in details.boxes for platform in box.covered_by} == {"instagram", "tiktok", "youtube"}
    assert details.characters_a_second == pytest.approx(6 / 4.0, rel=0.2)  # “Big gap” once over four seconds
    assert "also in the first second" in describe(signal)
    assert "Instagram and TikTok" in describe(signal)


def test_no_text_is_said_plainly(make_clip: Callable[..., Clip], scorer: OnscreenScorer) -> None:
    clip = make_clip(frames=20, rate=10, width=288, height=512, draw=lambda _n, w, h: np.full((h, w, 3), 90, np.uint8))
    signal, details = score(scorer, clip.path)
    assert signal.value == 0.0
    assert (details.first_second, details.height, details.characters_a_second) == (False, None, None)
    assert describe(signal) == "no text was found on the screen"


def test_zones_are_held_against_9_to_16_alone(make_clip: Callable[..., Clip], scorer: OnscreenScorer) -> None:
    def frame(_number: int, width: int, height: int) -> np.ndarray:
        plain = np.full((height, width, 3), 70, np.uint8)
        return overlays.draw(plain, overlays.SHORT, share=0.1, x=0.5, y=0.9).rgb

    _, details = score(scorer, make_clip(frames=4, width=512, height=288, draw=frame).path)
    assert details.boxes
    assert all(box.covered_by == () for box in details.boxes)
    assert details.zones_note


def test_what_the_platforms_cover() -> None:
    assert safe_zones.covered_by((0.3, 0.4, 0.7, 0.45)) == ()
    assert safe_zones.covered_by((0.3, 0.02, 0.7, 0.06)) == ("instagram", "tiktok", "youtube")
    assert safe_zones.covered_by((0.3, 0.67, 0.7, 0.71)) == ("instagram", "youtube")
    assert safe_zones.covered_by((0.84, 0.4, 0.92, 0.45)) == ("tiktok", "youtube")


def test_contrast_of_black_on_white_is_that_of_the_guideline() -> None:
    half = np.zeros((20, 40, 3), np.uint8)
    half[:, 20:] = 255
    assert text_contrast(half) == pytest.approx(21.0)
    assert text_contrast(np.full((9, 9, 3), 40, np.uint8)) == 1.0


def test_the_real_clips_overlays_are_found_all_along(shared_media: Path, scorer: OnscreenScorer) -> None:
    signal, details = score(scorer, shared_media / "1e719ead.mp4")
    assert signal.value == 100.0
    assert details.stills_with_text == details.stills
    assert any("this d" in box.text for box in details.boxes)


def test_it_can_be_cancelled(make_clip: Callable[..., Clip], scorer: OnscreenScorer) -> None:
    reel = open_reel(make_clip().path, Plan(stills=4), progress=lambda _stage, _fraction: None)

    def stop(_stage: str, _fraction: float) -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        scorer.score(reel, Post(), stop)


def test_a_file_that_is_no_network_is_told(tmp_path: Path) -> None:
    (tmp_path / "no.onnx").write_bytes(b"this is no network")
    with pytest.raises(WeightsError, match="no"):
        TextDetector(tmp_path / "no.onnx")


def test_what_is_larger_than_a_line_of_text_is_left_out() -> None:
    def region(short: float) -> Region:
        return Region(corners=np.array(((0, 0), (400, 0), (400, short), (0, short)), np.float32), probability=0.9)

    assert [is_line(region(short), 1000) for short in (14, 16, 240, 260)] == [False, True, True, False]
