"""Which frames are taken: the grid, keyframes near it, and no frame twice."""

from __future__ import annotations

import numpy as np
import pytest

from virality_core.media.decoding import sampling_grid

SHOWN = np.arange(900) / 30  # 30 s at 30 frames a second


def test_grid_is_the_centres_of_equal_parts() -> None:
    np.testing.assert_allclose(sampling_grid.grid(3, 30.0), [5, 15, 25])
    assert len(sampling_grid.grid(0, 30.0)) == 0


def test_on_screen_is_the_last_frame_that_began() -> None:
    shown = np.array([0.5, 1.0, 4.0])
    assert sampling_grid.on_screen(shown, np.array([0.0, 0.9, 1.0, 3.9, 4.0, 99.0])).tolist() == [0, 0, 1, 1, 2, 2]


def test_nearest_of_two_as_near_is_the_earlier() -> None:
    assert sampling_grid.nearest(np.array([0.0, 1.0, 2.0]), np.array([-1.0, 0.5, 0.6, 1.5, 9.0])).tolist() == [
        0,
        0,
        1,
        1,
        2,
    ]
    assert sampling_grid.nearest(np.array([3.0]), np.array([0.0, 9.0])).tolist() == [0, 0]


def test_stills_are_keyframes_where_one_is_near() -> None:
    keys = np.arange(15) * 2.0
    chosen = SHOWN[sampling_grid.stills(SHOWN, keys, count=16, duration_seconds=30.0, exact=False)]
    assert len(chosen) == 16
    assert set(keys) < set(chosen)
    (other,) = set(chosen) - set(keys)
    assert other == pytest.approx(29.0625, abs=1 / 30), "the last keyframe is more than half a step away"


def test_stills_are_exact_where_no_keyframe_is_near_or_it_is_wanted() -> None:
    grid = sampling_grid.grid(16, 30.0)
    for keys, exact in ((np.array([0.0]), False), (np.arange(15) * 2.0, True), (np.zeros(0), False)):
        chosen = SHOWN[sampling_grid.stills(SHOWN, keys, count=16, duration_seconds=30.0, exact=exact)]
        far = chosen if exact or not len(keys) else chosen[1:]
        expected = grid if exact or not len(keys) else grid[1:]
        assert ((expected - far >= 0) & (expected - far < 1 / 30)).all()


@pytest.mark.parametrize("frames", [1, 2, 5, 16, 17])
def test_no_still_twice(frames: int) -> None:
    shown = SHOWN[:frames]
    for keys in (shown[:1], shown):
        chosen = sampling_grid.stills(shown, keys, count=16, duration_seconds=frames / 30, exact=False)
        assert len(set(chosen)) == len(chosen) <= frames
        assert chosen == sorted(chosen)
        assert len(chosen) >= min(frames, 8)


def test_runs_are_the_hook_then_short_ones_after_stills() -> None:
    stills = sampling_grid.stills(SHOWN, np.arange(15) * 2.0, count=16, duration_seconds=30.0, exact=False)
    hook, *short = sampling_grid.runs(SHOWN, stills)
    assert hook == list(range(90))
    assert len(short) == sampling_grid.SHORT_RUNS
    for run in short:
        assert run == list(range(run[0], run[0] + sampling_grid.RUN_FRAMES))
        assert run[0] in stills
        assert SHOWN[run[0]] >= 3.0
    starts = [SHOWN[run[0]] for run in short]
    assert starts[0] < 12
    assert starts[-1] > 21
    assert sampling_grid.runs(SHOWN[:30], []) == [list(range(30))]


def test_clips_are_steps_of_a_fifteenth() -> None:
    chosen = SHOWN[sampling_grid.clips(SHOWN, count=3, duration_seconds=30.0)]
    assert chosen.shape == (3, 16)
    np.testing.assert_allclose(np.diff(chosen, axis=1), 1 / 15, atol=1e-9)
    np.testing.assert_allclose(chosen[:, 0], sampling_grid.grid(3, 30.0 - 16 / 15), atol=1 / 30)


def test_a_short_reel_loops() -> None:
    shown = SHOWN[:8]
    chosen = sampling_grid.clips(shown, count=2, duration_seconds=8 / 30)
    assert chosen.tolist() == [[0, 2, 4, 6] * 4] * 2
