"""Stabilizing: a pan stays a pan, shake is gone, the promise is kept in the file that is written."""

from __future__ import annotations

import numpy as np
import pytest

from virality_core.advice import Stabilization, stabilize
from virality_core.scorers.measures import motion
from virality_core.types import FrameRun

NO_CUTS = np.zeros(0)


def test_a_straight_path_is_left_alone() -> None:
    seconds = np.arange(60) / 30
    path = np.stack([0.1 * seconds, 0.3 - 0.05 * seconds], axis=1)
    np.testing.assert_allclose(stabilize._smooth(path, seconds), path, atol=1e-12)
    for count in (1, 2):
        np.testing.assert_array_equal(stabilize._smooth(path[:count], seconds[:count]), path[:count])
    np.testing.assert_allclose(stabilize._smooth(path[:3], seconds[:3]), path[:3], atol=1e-12)


def test_the_ends_are_smoothed_like_the_middle() -> None:
    seconds = np.arange(90) / 30
    path = np.stack([0.02 * np.sin(2 * np.pi * 5 * seconds + 1.2), np.zeros(90)], axis=1)
    left = np.abs(stabilize._smooth(path, seconds)[:, 0])
    assert left[10:-10].max() < 0.002
    assert left.max() < 0.012


def _shaken(frames: int = 60) -> tuple[FrameRun, np.ndarray]:
    """A window on one large picture that shakes by up to 2 % of its height and pans besides."""
    rng = np.random.default_rng(0)
    picture = np.kron(rng.integers(20, 236, (40, 30)), np.ones((8, 8))).astype(np.uint8)  # 320 × 240
    seconds = np.arange(frames) / 30
    across = np.round(20 + 10 * seconds + 3 * np.sin(2 * np.pi * 4 * seconds)).astype(int)
    down = np.round(40 + 3 * np.sin(2 * np.pi * 5 * seconds + 1)).astype(int)
    luma = np.stack([picture[y : y + 160, x : x + 120] for x, y in zip(across, down, strict=True)])
    return FrameRun(luma=luma, seconds=seconds), seconds


def _track(*runs: FrameRun, cuts: np.ndarray = NO_CUTS) -> stabilize.CameraPath:
    offsets = [stabilize._offsets(run.seconds, motion.flow_steps(run, cuts, lambda: None)) for run in runs]
    return stabilize.CameraPath(
        seconds=np.concatenate([run.seconds for run in runs]),
        offsets=np.concatenate(offsets),
        luma=np.concatenate([run.luma for run in runs]),
    )


def _shake(run: FrameRun) -> float:
    return float(motion.shake_windows(motion.flow_steps(run, NO_CUTS, lambda: None))[1].mean())


def test_shake_goes_and_the_pan_stays() -> None:
    run, _ = _shaken()
    how, track = Stabilization(margin=0.06), _track(run)
    (steadied,), window = stabilize.stabilize_runs([run], track, how, 852), stabilize.stabilizing_window(track, how)
    assert steadied.luma.shape == (60, 142, 106)
    assert _shake(steadied) < 0.25 * _shake(run)
    frame = np.repeat(run.luma[7][:, :, None], 3, axis=2)
    assert np.abs(window(frame, float(run.seconds[7]))[:, :, 0].astype(float) - steadied.luma[7]).mean() < 6
    np.testing.assert_array_equal(window(frame, 99.0), frame[9:-9, 7:-7], "elsewhere it stays in the middle")
    moved = [
        sum(part.camera[:, 0].sum() for part in motion.flow_steps(r, NO_CUTS, lambda: None)) for r in (run, steadied)
    ]
    assert moved[1] * 142 == pytest.approx(moved[0] * 160, rel=0.15)


def test_a_cut_begins_anew() -> None:
    run, seconds = _shaken()
    other = np.concatenate([run.luma[:30], run.luma[30:, ::-1]])
    cut = FrameRun(luma=other, seconds=seconds)
    how = Stabilization(margin=0.06)
    (steadied,) = stabilize.stabilize_runs([cut], _track(cut, cuts=seconds[30:31]), how, 852)
    halves = [FrameRun(luma=cut.luma[part], seconds=seconds[part]) for part in (slice(0, 30), slice(30, 60))]
    apart = stabilize.stabilize_runs(halves, _track(*halves), how, 852)
    np.testing.assert_array_equal(steadied.luma, np.concatenate([part.luma for part in apart]))
    single = FrameRun(luma=run.luma[:1], seconds=seconds[:1])
    assert stabilize.stabilize_runs([single], _track(single), how, 852)[0].luma.shape == (1, 142, 106)


@pytest.mark.parametrize("margin", [0.02, 0.024, 0.045, 0.1])
@pytest.mark.parametrize("size", [(640, 360), (360, 640)])
def test_cuts_are_looked_for_in_what_the_window_shows(margin: float, size: tuple[int, int]) -> None:
    """A cut that shake hides is seen through the window; a shake or a jerk that is taken out is none."""
    seconds = np.arange(60) / 30
    picture = np.kron(np.random.default_rng(0).integers(60, 196, (40, 40)), np.ones((24, 24))).astype(np.uint8)
    how, reach = Stabilization(margin=margin), int(margin * min(size))
    shake = np.random.default_rng(1).integers(-reach, reach + 1, (60, 2))
    jerk = np.zeros((60, 2), int)
    jerk[20:25] = reach

    def found(thrown: np.ndarray, scenes: int) -> list[float]:
        frames = [picture[100 + y : 100 + y + size[0], 100 + x : 100 + x + size[1]] for y, x in thrown]
        frames = [255 - frame if scenes == 2 and place >= 30 else frame for place, frame in enumerate(frames)]
        luma = np.stack([stabilize._shrink_to_area(stabilize._shrink(frame, stabilize._FLOW_SIDE)) for frame in frames])
        offsets = -thrown[:, ::-1] / size[0]
        cuts = stabilize.stabilized_cuts(stabilize.CameraPath(seconds=seconds, offsets=offsets, luma=luma), how)
        assert cuts is not None
        return [round(float(cut), 6) for cut in cuts.seconds]

    assert found(shake, 1) == found(jerk, 1) == []
    assert found(shake, 2) == found(jerk, 2) == [1.0]


def test_a_long_reel_or_a_strip_keeps_little() -> None:
    assert stabilize._shrink_to_area(np.zeros((80, 32000), np.uint8)).size <= stabilize._CUT_AREA
    assert stabilize._shrink_to_area(np.zeros((80, 142), np.uint8)).shape == (60, 106)
    track = stabilize.CameraPath(seconds=np.zeros(1), offsets=np.zeros((1, 2)), luma=None)
    assert stabilize.stabilized_cuts(track, Stabilization(margin=0.05)) is None
