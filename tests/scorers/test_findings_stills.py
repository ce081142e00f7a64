"""What single pictures show, on graded distortions of the real clips: the worst strength is found, the clean copy not.

Each distortion is made on the decoded stills, so that nothing but the stated fault differs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from virality_core.media import open_reel
from virality_core.scorers.findings import diagnose
from virality_core.scorers.measures import artifacts
from virality_core.scorers.picture.look import LookScorer
from virality_core.types import Finding, FrameBatch, Plan, Post, Reel, Signal

Pictures = NDArray[np.uint8]
Distort = Callable[[Pictures, float], Pictures]


@pytest.fixture(scope="module")
def clips(shared_media: Path) -> list[Reel]:
    return [open_reel(path, Plan(stills=5)) for path in sorted(shared_media.glob("*.mp4"))]


def _diagnosed(reel: Reel) -> dict[str, Finding]:
    """The findings by kind; of two of a kind, the first."""
    answers = LookScorer().score(reel, Post(), lambda _stage, _fraction: None)
    found = diagnose(reel, Post(), [answer for answer in answers if isinstance(answer, Signal)])
    return {finding.kind: finding for finding in reversed(found)}


def _each(change: Callable[[Pictures], np.ndarray]) -> Callable[[Pictures], Pictures]:
    return lambda frames: np.stack([np.clip(np.rint(change(frame)), 0, 255).astype(np.uint8) for frame in frames])


def _blurred(frames: Pictures, sigma: float) -> Pictures:
    return _each(lambda frame: cv2.GaussianBlur(frame, (0, 0), sigma))(frames)


def _noisy(frames: Pictures, sigma: float) -> Pictures:
    rng = np.random.default_rng(0)
    return _each(lambda frame: frame + rng.normal(0.0, sigma, (*frame.shape[:2], 1)))(frames)


def _compressed(frames: Pictures, coarseness: float) -> Pictures:
    def jpeg(frame: Pictures) -> np.ndarray:
        _, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, int(100 - coarseness)])
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))

    return _each(jpeg)(frames)


def _darkened(frames: Pictures, stops: float) -> Pictures:
    return _each(lambda frame: 255.0 * (frame / 255.0) * 2.0 ** (-stops / 2.2))(frames)


def _exposed(frames: Pictures, stops: float) -> Pictures:
    return _each(lambda frame: frame * 2.0 ** (stops / 2.2))(frames)


def _enlarged(frames: Pictures, factor: float) -> Pictures:
    def again(frame: Pictures) -> np.ndarray:
        height, width = frame.shape[:2]
        size = (round(width / factor), round(height / factor))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))

    return _each(again)(frames)


def _woven(frames: Pictures, shift: float) -> Pictures:
    """Every other line from a moment in which the picture was `shift` pixels further."""

    def weave(frame: Pictures) -> np.ndarray:
        both = frame.copy()
        both[1::2] = np.roll(frame, round(shift), axis=1)[1::2]
        return both

    return _each(weave)(frames)


FAULTS: dict[str, tuple[Distort, tuple[float, ...]]] = {
    "blur": (_blurred, (1.0, 2.0, 4.0, 6.0)),
    "noise": (_noisy, (3.0, 6.0, 12.0, 25.0)),
    "blocking": (_compressed, (60.0, 80.0, 90.0, 96.0)),
    "dark": (_darkened, (1.0, 2.0, 4.0, 6.0)),
    "clipped": (_exposed, (1.0, 2.0, 3.0, 4.0)),
    "upscaled": (_enlarged, (1.5, 2.0, 3.0, 4.0)),
    "interlaced": (_woven, (1.0, 2.0, 4.0, 8.0)),
}


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_the_worst_is_found_and_the_clean_copy_is_not(clips: list[Reel], kind: str) -> None:
    distort, strengths = FAULTS[kind]
    for reel in clips:
        assert kind not in _diagnosed(reel), f"{reel.info.name}, clean"
        values = []
        for strength in strengths:
            rgb = distort(reel.frames.rgb, strength)
            found = _diagnosed(replace(reel, frames=FrameBatch(rgb=rgb, seconds=reel.frames.seconds))).get(kind)
            values.append(None if found is None else found.value)
        assert values[-1] is not None, f"{reel.info.name}: {kind} at its worst is not found"
        graded = [value for value in values if value is not None]
        assert values[: len(values) - len(graded)] == [None] * (len(values) - len(graded)), "once found, found if worse"
        down = kind in {"blur", "dark", "upscaled"}
        assert graded == sorted(graded, reverse=down), f"{reel.info.name}: {kind} {values}"


def test_a_finding_says_what_where_and_why(clips: list[Reel]) -> None:
    reel = clips[0]
    rgb = reel.frames.rgb.copy()
    rgb[2:4] = _darkened(rgb[2:4], 6.0)
    found = _diagnosed(replace(reel, frames=FrameBatch(rgb=rgb, seconds=reel.frames.seconds)))["dark"]
    seconds = reel.frames.seconds
    assert found.start_seconds == pytest.approx((seconds[1] + seconds[2]) / 2)
    assert found.end_seconds == pytest.approx((seconds[3] + seconds[4]) / 2)
    assert found.worst_seconds in seconds[2:4]
    assert found.value < found.threshold == 21.0
    assert "too dark" in found.sentence
    assert found.sentence.endswith(".")
    assert "ISO 2720" in found.reason


def test_black_bars_hide_no_blocks(clips: list[Reel]) -> None:
    """Bars are left out before anything is measured, and the coding grid is kept to."""
    reel = clips[0]
    rgb = _compressed(reel.frames.rgb, 96.0)
    alone = artifacts.blocking(artifacts.center_luma(rgb[0]))
    rgb[:, :100] = rgb[:, -100:] = 0
    found = _diagnosed(replace(reel, frames=FrameBatch(rgb=rgb, seconds=reel.frames.seconds)))
    assert alone is not None
    assert found["blocking"].value == pytest.approx(alone, rel=0.2)
    assert found["bars"].value == pytest.approx(1 - 200 / reel.frames.rgb.shape[1], abs=0.01)
    assert "above and below" in found["bars"].sentence


@pytest.mark.parametrize("level", [0, 20, 128, 255])
def test_a_flat_picture_has_no_marks(level: int) -> None:
    luma = np.full((200, 120), level, np.uint8)
    assert artifacts.blocking(luma) is None
    assert artifacts.combing(luma) == 0.0
    assert artifacts.detail_share(luma) is None


def test_small_pictures_are_not_judged() -> None:
    luma = np.random.default_rng(0).integers(0, 256, (40, 300), dtype=np.uint8)
    assert artifacts.blocking(luma) is None
    assert artifacts.combing(luma) == 0.0
    assert artifacts.detail_share(luma) is None
