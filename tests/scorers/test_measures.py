"""Each measure on a picture whose value is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from virality_core.scorers.measures import composition, exposure_and_color, noise, sharpness
from virality_core.scorers.measures.letterbox import COMMON_SHORT_SIDE, picture_box, to_common_size


def _full(*rgb: int) -> np.ndarray:
    return np.full((64, 96, 3), rgb, np.uint8)


@pytest.mark.parametrize(("level", "expected"), [(0, 0.0), (118, 49.6), (119, 50.0), (188, 76.25), (255, 100.0)])
def test_lightness_of_grey_is_cie_lightness(level: int, expected: float) -> None:
    mean, deviation = exposure_and_color.lightness(_full(level, level, level))
    assert mean == pytest.approx(expected, abs=0.25)
    assert deviation == 0.0


def test_contrast_of_half_black_half_white_is_the_largest() -> None:
    picture = _full(0, 0, 0)
    picture[:, 48:] = 255
    assert exposure_and_color.lightness(picture) == pytest.approx((50.0, exposure_and_color.MAX_CONTRAST))


def test_clipped_shares_are_shares_of_the_area() -> None:
    picture = _full(120, 120, 120)
    picture[:16] = 0
    picture[16:24] = 255
    picture[24:32] = (255, 255, 0)  # saturated yellow still has a channel with detail
    assert exposure_and_color.clipped_shares(picture) == (0.25, 0.125)


def test_colourfulness_of_known_pictures() -> None:
    assert exposure_and_color.colorfulness(_full(200, 200, 200)) == 0.0
    # One colour: no spread, so 0.3 of the distance from grey: rg = 255, yb = 127.5.
    assert exposure_and_color.colorfulness(_full(255, 0, 0)) == pytest.approx(0.3 * np.hypot(255, 127.5))
    # Half red, half green: rg = ±255 (mean 0, deviation 255), yb = 127.5 throughout.
    picture = _full(255, 0, 0)
    picture[:32] = (0, 255, 0)
    assert exposure_and_color.colorfulness(picture) == pytest.approx(255.0 + 0.3 * 127.5)


def test_colourfulness_is_the_published_formula() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    red, green, blue = (picture[:, :, i].astype(np.float64) for i in range(3))
    rg, yb = red - green, 0.5 * (red + green) - blue
    expected = np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())
    assert exposure_and_color.colorfulness(picture) == pytest.approx(expected, rel=1e-9)
    assert expected < exposure_and_color.MAX_COLORFULNESS


@pytest.mark.parametrize(
    ("card", "degrees"), [((90, 90, 90), 0.0), ((255, 0, 0), exposure_and_color.MAX_CAST), ((200, 200, 0), 35.26)]
)
def test_the_cast_of_a_card_is_its_angle_from_white(card: tuple[int, int, int], degrees: float) -> None:
    seen = exposure_and_color.light_color(_full(*card))
    assert seen is not None
    assert exposure_and_color.color_cast(seen) == pytest.approx(degrees, abs=0.01)


def test_the_light_is_told_from_what_is_bright() -> None:
    picture = _full(40, 90, 20)  # mostly grass
    picture[:8] = (250, 200, 120)  # a white wall in the evening
    seen = exposure_and_color.light_color(picture)
    assert seen is not None
    wall = (np.array([250, 200, 120]) / 255) ** 2.2
    assert np.degrees(np.arccos(seen @ wall / np.linalg.norm(seen) / np.linalg.norm(wall))) < 3.0
    assert exposure_and_color.light_color(_full(9, 4, 12)) is None, "nothing is told from the dark"


@pytest.mark.parametrize("sigma", [1.0, 2.0, 5.0, 12.0, 25.0])
def test_noise_of_known_grain_is_found(sigma: float) -> None:
    rng = np.random.default_rng(3)
    ramp = np.linspace(80, 170, 600, dtype=np.float64)
    luma = ramp[:, np.newaxis] + rng.normal(0.0, sigma, (600, 400))
    picture = np.clip(np.round(luma), 0, 255).astype(np.uint8)[:, :, np.newaxis].repeat(3, axis=2)
    expected = np.hypot(sigma, 1.0 / np.sqrt(12.0))  # rounding to 8 bits is noise, too
    assert noise.noise_sigma(picture) == pytest.approx(expected, rel=0.06)


def test_noise_of_a_smooth_picture_with_edges_is_small() -> None:
    picture = _full(60, 60, 60).repeat(6, axis=0).repeat(6, axis=1)
    for x in range(0, picture.shape[1], 40):
        picture[:, x : x + 20] = 180
    assert noise.noise_sigma(picture) == pytest.approx(0.0, abs=0.1)


def _edge(sigma: float) -> np.ndarray:
    """A vertical edge blurred by a Gaussian σ (pixels), drawn eight times finer and averaged down."""
    fine = np.where(np.arange(256 * 8) < 1027, 60.0, 180.0)[np.newaxis].astype(np.float32)
    if sigma > 0:
        fine = cv2.GaussianBlur(fine.repeat(3, axis=0), (0, 0), sigmaX=sigma * 8, sigmaY=0.01)[:1]
    row = fine.reshape(256, 8).mean(axis=1)
    return np.round(row).astype(np.uint8)[np.newaxis].repeat(256, axis=0)


@pytest.mark.parametrize("sigma", [1.5, 2.0, 3.0, 4.0, 6.0])
def test_sharpness_of_a_known_edge_is_its_mtf50(sigma: float) -> None:
    # √(ln 2 / 2) / π = 0.1874 cycles a pixel for σ = 1; the measure's own blur shows at the sharp end.
    assert sharpness.sharpness(_edge(sigma)) == pytest.approx(0.1874 / sigma * 256, rel=0.1)


def test_sharpness_of_an_ideal_step_is_what_the_docstring_says() -> None:
    assert sharpness.sharpness(_edge(0.0)) == pytest.approx(66.0, abs=1.0)


def test_pure_noise_has_no_sharp_edge() -> None:
    rng = np.random.default_rng(5)
    flat = np.clip(np.round(128 + rng.normal(0, 2.0, (455, 256))), 0, 255).astype(np.uint8)
    assert sharpness.sharpness(flat) is None


@pytest.mark.parametrize(("x", "y"), [(1 / 3, 1 / 3), (0.5, 0.5), (2 / 3, 0.5), (0.2, 0.8)])
def test_the_subject_is_found_where_it_is_drawn(x: float, y: float) -> None:
    luma = np.full((455, 256), 90, np.uint8)
    cv2.circle(luma, (round(x * 256), round(y * 455)), 14, 220, -1)
    subject = composition.find_subject(luma)
    assert subject is not None
    assert (subject.x, subject.y) == pytest.approx((x, y), abs=0.03)


@pytest.mark.parametrize(
    ("x", "y", "expected"), [(1 / 3, 2 / 3, 1.0), (0.5, 1 / 3, 0.75), (0.5, 0.5, 0.5), (0.0, 1.0, 0.0), (1.0, 1.0, 0.0)]
)
def test_thirds_placement(x: float, y: float, expected: float) -> None:
    assert composition.thirds_closeness(composition.Subject(x=x, y=y, focus=0.5)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1920, 1080), (455, 256)), ((256, 400), (256, 400)), ((16, 16), (256, 256)), ((480, 854), (256, 455))],
)
def test_common_size(size: tuple[int, int], expected: tuple[int, int]) -> None:
    picture = np.full((*size, 3), 77, np.uint8)
    scaled = to_common_size(picture)
    assert scaled.shape == (*expected, 3)
    assert min(scaled.shape[:2]) == COMMON_SHORT_SIDE
    assert (scaled == 77).all()


def test_picture_box_finds_bars_and_only_bars() -> None:
    rng = np.random.default_rng(2)
    frames = rng.integers(40, 256, (3, 400, 300, 3), dtype=np.uint8)
    assert picture_box(frames).share == 1.0
    frames[:, :80] = 3
    assert picture_box(frames).share == 1.0, "a bar on one side alone is part of the picture"
    frames[:, -80:] = 2
    box = picture_box(frames)
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx((0.0, 0.2, 1.0, 0.8), abs=0.005)
    assert box.cut(frames[0]).min() >= 40
    frames[1, 10:24, 100:180] = 120
    assert picture_box(frames).share == 1.0, "text in a bar is seen: it is no bar"
    assert picture_box(np.zeros((2, 40, 30, 3), np.uint8)).share == 1.0, "black all over"


def test_what_rings_at_a_bars_edge_is_bar() -> None:
    frames = np.random.default_rng(2).integers(60, 256, (3, 400, 300, 3), dtype=np.uint8)
    frames[:, :80], frames[:, -80:] = 3, 3
    for line in (78, 79, -79, -80):
        frames[:, line, ::100] = 30  # a speck here and there
    box = picture_box(frames)
    assert (box.top, box.bottom) == (0.2, 0.8)
