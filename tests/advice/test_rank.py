"""Trying changes: the budget holds, only what wins points is said, most first; and what the edits do to a frame."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from virality_core.advice import Change, advise, edits
from virality_core.advice.candidates import _hue
from virality_core.advice.trial import _edited
from virality_core.errors import Cancelled
from virality_core.media import open_reel
from virality_core.types import AdviceKind, Plan


def _change(kind: AdviceKind, text: str = "do it") -> Change:
    return Change(kind=kind, start=0.0, end=5.0, text=text, promise=1.0)


def test_only_what_wins_is_said_most_points_first() -> None:
    tried = [_change("exposure"), _change("contrast"), _change("denoise"), _change("sharpen")]
    scores = {"exposure": 62.0, "contrast": 66.0, "denoise": 59.0, "sharpen": 60.3}
    found = advise(60.0, tried, lambda one: scores[one.kind])
    assert [(advice.kind, advice.points) for advice in found] == [("contrast", 6.0), ("exposure", 2.0)]
    assert all(advice.after - advice.before == pytest.approx(advice.points) for advice in found)


def test_the_best_of_each_kind() -> None:
    tried = [_change("sharpen", "a"), _change("sharpen", "b"), _change("sharpen", "c")]
    found = advise(60.0, tried, lambda one: {"a": 62.0, "b": 65.0, "c": 61.0}[one.text])
    assert [advice.text for advice in found] == ["b"]


def test_no_change_is_begun_after_the_budget() -> None:
    now = [0.0]
    asked = []

    def rescore(one: Change) -> float:
        asked.append(one.kind)
        now[0] += 4.0
        return 70.0

    tried = [_change("exposure"), _change("contrast"), _change("denoise"), _change("sharpen")]
    advise(60.0, tried, rescore, budget_seconds=7.0, clock=lambda: now[0])
    assert asked == ["exposure", "contrast"]


def test_a_wish_to_stop_is_heard() -> None:
    def stop(stage: str, fraction: float) -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        advise(60.0, [_change("exposure")], lambda _: 61.0, progress=stop)


def _frame() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)


def test_gamma_lifts_the_middle_and_keeps_the_ends() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    lifted = edits.gamma(0.5)(ramp)
    assert lifted[0, 0].tolist() == [0, 0, 0]
    assert lifted[0, 255].tolist() == [255, 255, 255]
    assert (lifted[0, 1:-1] >= ramp[0, 1:-1]).all()
    assert lifted[0, 64, 0] == pytest.approx(255 * (64 / 255) ** 0.5, abs=1)


def test_a_grey_card_in_tinted_light_is_grey_again_and_as_bright() -> None:
    light = np.array([1.0, 0.6, 0.3])
    seen = np.round(255 * (0.4 * light) ** (1 / 2.2)).astype(np.uint8)
    out = edits.white_balance(light)(np.full((4, 4, 3), seen, np.uint8))[0, 0]
    luminance = 0.4 * light @ [0.2126, 0.7152, 0.0722]
    np.testing.assert_allclose(out, 255 * luminance ** (1 / 2.2), atol=1.5)


@pytest.mark.parametrize(
    ("light", "hue"),
    [
        ((1.0, 0.2, 0.1), "red"),
        ((1.0, 0.8, 0.2), "yellow"),
        ((0.3, 1.0, 0.3), "green"),
        ((0.1, 1.0, 0.9), "cyan"),
        ((0.1, 0.2, 1.0), "blue"),
        ((1.0, 0.1, 0.9), "magenta"),
    ],
)
def test_a_tint_has_its_name(light: tuple[float, float, float], hue: str) -> None:
    assert _hue(np.array(light)) == hue


def test_a_colour_without_light_is_not_raised_to_noise() -> None:
    speck = np.full((4, 4, 3), (200, 1, 0), np.uint8)
    assert edits.white_balance(np.array([1.0, 1e-9, 0.0]))(speck)[0, 0, 1:].max() <= 4


def test_edits_keep_what_they_do_not_mean() -> None:
    frame = _frame()
    np.testing.assert_array_equal(edits.gamma(1.0)(frame), frame)
    np.testing.assert_array_equal(edits.contrast(1.0, 128.0)(frame), frame)
    assert edits.crop(0.1, 0.2, 0.9, 0.8)(frame).shape == (24, 24, 3)
    assert edits.crop(0.5, 0.5, 0.51, 0.51)(frame).shape == frame.shape, "too small a crop is no crop"
    assert edits.sharpen(1.0)(frame).shape == frame.shape
    grainy = np.clip(128 + np.random.default_rng(1).normal(0, 8, (60, 60, 3)), 0, 255).astype(np.uint8)
    assert edits.denoise(8.0, 1.2)(grainy).std() < 0.6 * grainy.std()


def test_grain_goes_and_the_picture_stays(shared_media: Path) -> None:
    """Nearer to the clean still than OpenCV's function for colour pictures brings it."""
    clean = open_reel(shared_media / "421c8b59.mp4", Plan(stills=1)).frames.rgb[0]
    for level in (4.0, 10.0):
        grain = np.random.default_rng(1).normal(0, level, clean.shape)
        grainy = np.clip(clean + grain, 0, 255).astype(np.uint8)
        peer = cv2.fastNlMeansDenoisingColored(grainy, None, 0.9 * level, 0.9 * level, 5, 11)
        strong, gentle = edits.denoise(level, 1.2)(grainy), edits.denoise(level, 0.7)(grainy)
        assert _off(clean, gentle) < _off(clean, strong) < _off(clean, peer) < 0.7 * _off(clean, grainy)


def test_sharpening_brings_a_blurred_picture_nearer(shared_media: Path) -> None:
    clean = open_reel(shared_media / "421c8b59.mp4", Plan(stills=1)).frames.rgb[0]
    for sigma in (2.0, 3.0, 4.0):
        soft = cv2.GaussianBlur(clean, (0, 0), sigma)
        assert _off(clean, edits.sharpen(1.0)(soft)) < 0.95 * _off(clean, soft)


def _off(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(np.mean((one.astype(float) - other) ** 2)))


def test_the_limiter_holds_its_ceiling() -> None:
    samples = np.sin(np.linspace(0, 50, 5000))[:, None]
    loud = edits.amplify(samples, 8.0)
    assert np.abs(loud).max() <= 10 ** (-1 / 20) + 1e-9
    np.testing.assert_allclose(edits.amplify(samples * 0.1, 2.0), samples * 0.2)


@pytest.mark.parametrize("detail_only", [True, False])
def test_what_is_finer_than_the_grey_frames_leaves_them_alone(drawn_clip: Path, detail_only: bool) -> None:
    """A denoiser of full-size grain would smooth away what movement is found on."""
    reel = open_reel(drawn_clip, Plan(stills=1, runs=True))
    edited = _edited(reel, edits.denoise(20.0, 1.2), detail_only=detail_only)
    same = [(one.luma == other.luma).all() for one, other in zip(edited.runs, reel.runs, strict=True)]
    assert all(same) == detail_only
    assert not (edited.frames.rgb == reel.frames.rgb).all()
