"""LookScorer on the real clips: each fault moves its measure the right way, by more the stronger it is."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from tests.scorers.clips import CLIPS, changed, reel, stills
from virality_core.scorers.picture.look import BrightnessDetails, CompositionDetails, LookScorer, WhiteBalanceDetails
from virality_core.types import FrameBatch, Post, Signal, Skipped

Change = Callable[[np.ndarray], np.ndarray]


def _silent(stage: str, fraction: float) -> None:
    assert 0.0 <= fraction <= 1.0, stage


def _look(frames: FrameBatch) -> dict[str, Signal | Skipped]:
    return {answer.name: answer for answer in LookScorer().score(reel(frames), Post(), _silent)}


def _value(frames: FrameBatch, name: str) -> float:
    answer = _look(frames)[name]
    assert isinstance(answer, Signal), answer
    return answer.value


def _batch(*pictures: np.ndarray) -> FrameBatch:
    return FrameBatch(rgb=np.stack(pictures), seconds=np.arange(len(pictures), dtype=np.float64))


def _grey(picture: np.ndarray) -> np.ndarray:
    return picture @ np.array([0.299, 0.587, 0.114], np.float32)


def _noisy(sigma: float) -> Change:
    rng = np.random.default_rng(7)
    return lambda x: x + rng.normal(0.0, sigma, x.shape).astype(np.float32)


def _blurred(sigma: float) -> Change:
    return lambda x: cv2.GaussianBlur(x, (0, 0), sigma)


def _scaled(gain: float) -> Change:
    return lambda x: x * gain


def _lower_contrast(gain: float) -> Change:
    return lambda x: (x - 128.0) * gain + 128.0


def _desaturated(share: float) -> Change:
    return lambda x: x * (1.0 - share) + _grey(x)[:, :, np.newaxis] * share


def _tinted(blue: float, red: float = 1.0) -> Change:
    return lambda x: x * np.array([red, 0.5 * (red + blue), blue], np.float32)


LADDERS: dict[str, tuple[str, list[Change], int]] = {
    "darker": ("brightness", [_scaled(gain) for gain in (0.85, 0.7, 0.5, 0.3, 0.1)], -1),
    "brighter": ("brightness", [lambda x, up=up: x + up for up in (10, 25, 50, 100)], +1),
    "blurred": ("sharpness", [_blurred(sigma) for sigma in (0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0)], -1),
    "noisier": ("noise", [_noisy(sigma) for sigma in (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)], +1),
    "lower contrast": ("contrast", [_lower_contrast(gain) for gain in (0.85, 0.7, 0.5, 0.3, 0.1)], -1),
    "tinted": ("white_balance", [_tinted(blue) for blue in (0.8, 0.6, 0.4, 0.2)], +1),
    "too blue": ("white_balance", [_tinted(1.0, red) for red in (0.8, 0.6, 0.4, 0.2)], +1),
    "desaturated": ("colourfulness", [_desaturated(share) for share in (0.2, 0.4, 0.6, 0.8, 1.0)], -1),
}


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("fault", LADDERS)
def test_a_fault_moves_its_measure_monotonically(clip: str, fault: str) -> None:
    name, ladder, direction = LADDERS[fault]
    frames = stills(clip)
    values = [_value(frames, name), *(_value(changed(frames, change), name) for change in ladder)]
    assert (np.diff(values) * direction > 0.0).all(), values


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("blur", [0.0, 2.0, 4.0])
def test_noise_does_not_pass_for_sharpness(clip: str, blur: float) -> None:
    frames = stills(clip) if blur == 0.0 else changed(stills(clip), _blurred(blur))
    clean = _value(frames, "sharpness")
    for sigma in (2.0, 5.0, 10.0, 20.0):
        noisy = _value(changed(frames, _noisy(sigma)), "sharpness")
        assert noisy <= clean * 1.01, f"sigma {sigma}: {clean} → {noisy}"


@pytest.mark.parametrize("clip", CLIPS)
def test_exposure_and_colour_leave_sharpness_alone(clip: str) -> None:
    frames = stills(clip)
    sharp = _value(frames, "sharpness")
    for change in (_scaled(0.5), _lower_contrast(0.5), _desaturated(1.0)):
        assert _value(changed(frames, change), "sharpness") == pytest.approx(sharp, rel=0.05)


@pytest.mark.parametrize("clip", CLIPS)
def test_clipped_shares_grow_as_the_exposure_goes_wrong(clip: str) -> None:
    frames = stills(clip)
    shadows, highlights = [], []
    for offset in (0, 40, 80, 120):
        dark, bright = (_look(changed(frames, lambda x, o=o: x + o))["brightness"] for o in (-offset, offset))
        assert isinstance(dark, Signal)
        assert isinstance(dark.details, BrightnessDetails)
        assert isinstance(bright, Signal)
        assert isinstance(bright.details, BrightnessDetails)
        shadows.append(dark.details.clipped_shadows)
        highlights.append(bright.details.clipped_highlights)
    assert (np.diff(shadows) > 0).all(), shadows
    assert (np.diff(highlights) > 0).all(), highlights


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("axis", [1, 2])
def test_black_bars_do_not_count(clip: str, axis: int) -> None:
    frames = stills(clip)
    pad = [(0, 0)] * 4
    pad[axis] = (150, 150)
    barred = FrameBatch(rgb=np.pad(frames.rgb, pad), seconds=frames.seconds)
    plain, seen = _look(frames), _look(barred)
    for name in ("brightness", "contrast", "colourfulness", "white_balance", "sharpness"):
        before, after = plain[name], seen[name]
        assert isinstance(before, Signal)
        assert isinstance(after, Signal)
        low, high = before.native_range
        assert after.value == pytest.approx(before.value, abs=0.02 * min(high - low, 100.0)), name


@pytest.mark.parametrize(
    ("size", "fills"), [((640, 360), 100.0), ((360, 640), 31.6), ((400, 400), 56.25), ((360, 180), 88.9)]
)
def test_the_share_of_an_upright_screen(size: tuple[int, int], fills: float) -> None:
    picture = np.random.default_rng(0).integers(40, 216, (*size, 3), dtype=np.uint8)
    assert _value(_batch(picture, picture), "screen_fill") == pytest.approx(fills, abs=0.1)


def test_bars_fill_no_screen() -> None:
    """A picture on its side in an upright frame fills no more of the screen than without its bars."""
    picture = np.random.default_rng(0).integers(40, 216, (180, 320, 3), dtype=np.uint8)
    barred = np.pad(picture, ((194, 195), (0, 0), (0, 0)))
    assert _value(_batch(barred, barred), "screen_fill") == pytest.approx(31.6, abs=0.7)


@pytest.mark.parametrize("clip", CLIPS)
def test_answers_keep_their_contract(clip: str) -> None:
    frames = stills(clip)
    answers = _look(frames)
    assert tuple(answers) == LookScorer.names
    for answer in answers.values():
        assert isinstance(answer, Signal)
        if answer.name == "screen_fill":
            continue  # one value for the whole reel
        assert answer.timeline is not None
        np.testing.assert_array_equal(answer.timeline.seconds, frames.seconds)
        assert answer.value == pytest.approx(float(np.median(answer.timeline.values)))
    composition = answers["composition"]
    assert isinstance(composition, Signal)
    assert isinstance(composition.details, CompositionDetails)
    assert len(composition.details.subject_x) == len(frames)


@pytest.mark.parametrize(
    ("size", "level"),
    [((16, 16), 0), ((16, 16), 128), ((1, 1), 90), ((640, 360), 0), ((640, 360), 255), ((9, 700), 77)],
)
def test_flat_pictures_are_measured_or_skipped_with_the_reason(size: tuple[int, int], level: int) -> None:
    answers = _look(_batch(np.full((*size, 3), level, np.uint8)))
    for name in ("sharpness", "composition"):
        skipped = answers[name]
        assert isinstance(skipped, Skipped)
        assert "flat or black" in skipped.reason
    for name in ("brightness", "contrast", "colourfulness"):
        assert isinstance(answers[name], Signal)
    assert isinstance(answers["contrast"], Signal)
    assert answers["contrast"].value == 0.0
    balance = answers["white_balance"]
    if level == 0:
        assert isinstance(balance, Skipped)
        assert "black" in balance.reason
    else:
        assert isinstance(balance, Signal)
        assert balance.value == pytest.approx(0.0, abs=1e-4)
    noise = answers["noise"]
    if level in (0, 255) or min(size) < 16:
        assert isinstance(noise, Skipped)
    else:
        assert isinstance(noise, Signal)
        assert noise.value == 0.0


def test_a_tiny_random_picture_gives_finite_values() -> None:
    rng = np.random.default_rng(1)
    for size in ((16, 16), (17, 33), (2, 3), (16, 4000)):
        for answer in _look(_batch(rng.integers(0, 256, (*size, 3), dtype=np.uint8))).values():
            assert isinstance(answer, Skipped) or np.isfinite(answer.value)


def test_a_black_frame_among_good_ones_does_not_decide() -> None:
    frames = stills(CLIPS[0])
    with_black = FrameBatch(
        rgb=np.concatenate([frames.rgb, np.zeros_like(frames.rgb[:1])]), seconds=np.append(frames.seconds, 99.0)
    )
    answers = _look(with_black)
    sharpness = answers["sharpness"]
    assert isinstance(sharpness, Signal)
    assert sharpness.timeline is not None
    assert len(sharpness.timeline.seconds) == len(frames), "the black frame has no sharpness"
    assert sharpness.value == pytest.approx(_value(frames, "sharpness"))


def test_lights_that_change_have_the_light_of_one_still() -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    answer = _look(_batch(*(np.full((40, 30, 3), colour, np.uint8) for colour in colours)))["white_balance"]
    assert isinstance(answer, Signal)
    assert answer.value == pytest.approx(54.7, abs=0.1)
    assert isinstance(answer.details, WhiteBalanceDetails)
    assert sorted(answer.details.light) == [0.0, 0.0, 1.0]


def test_no_frame_is_skipped() -> None:
    answers = LookScorer().score(reel(), Post(), _silent)
    assert [answer.name for answer in answers] == list(LookScorer.names)
    assert all(isinstance(answer, Skipped) for answer in answers)
