"""PacingScorer on real and made-up runs: shake, freezes and cuts move their measure the right way."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.scorers.clips import CLIPS, info, reel, run
from virality_core.scorers.measures import motion
from virality_core.scorers.picture.pacing import MotionDetails, PaceDetails, PacingScorer, SteadinessDetails
from virality_core.types import Cuts, FrameBatch, FrameRun, Post, Signal, Skipped

NO_CUTS = Cuts(seconds=np.zeros(0), verified=np.zeros(0, bool))


def _silent(stage: str, fraction: float) -> None:
    assert 0.0 <= fraction <= 1.0, stage


def _pace(
    *runs: FrameRun, cuts: Cuts | None = NO_CUTS, seconds: float = 10.0, progress: object = _silent
) -> dict[str, Signal | Skipped]:
    made = reel(runs=runs, cuts=cuts, video=info(seconds=seconds))
    return {answer.name: answer for answer in PacingScorer().score(made, Post(), progress)}  # type: ignore[arg-type]


def _signal(answers: dict[str, Signal | Skipped], name: str) -> Signal:
    answer = answers[name]
    assert isinstance(answer, Signal), answer
    return answer


def _texture(height: int = 320, width: int = 180) -> np.ndarray:
    """A random texture with detail at all sizes, larger than the frame by a margin of 60 pixels on each side."""
    rng = np.random.default_rng(11)
    out = np.zeros((height + 120, width + 120), np.float32)
    for cells in (4, 8, 16, 32, 64):
        out += cv2.resize(
            rng.normal(0, 1, (cells * 2, cells)).astype(np.float32), out.shape[::-1], interpolation=cv2.INTER_CUBIC
        )
    return np.clip(128 + 40 * out / out.std(), 0, 255)


def _camera(path: np.ndarray, frame_rate: float = 30.0, start: float = 0.0) -> FrameRun:
    """A run in which the camera follows `path` (T, 2): x and y as shares of the frame's height."""
    big, height, width = _texture(), 320, 180
    luma = []
    for x, y in path * height:
        matrix = np.array([[1, 0, 60 + x], [0, 1, 60 + y]], np.float32)
        view = cv2.warpAffine(big, matrix, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        luma.append(np.round(view).astype(np.uint8))
    return FrameRun(luma=np.stack(luma), seconds=start + np.arange(len(path)) / frame_rate)


def _jittered(clip: FrameRun, amount: float) -> FrameRun:
    """The run shaken by white jitter of `amount` frame heights (standard deviation along each axis)."""
    height, width = clip.luma.shape[1:]
    offsets = np.random.default_rng(3).normal(0.0, amount * height, (len(clip), 2))
    luma = [
        cv2.warpAffine(
            frame, np.array([[1, 0, x], [0, 1, y]], np.float32), (width, height), borderMode=cv2.BORDER_REFLECT
        )
        for frame, (x, y) in zip(clip.luma, offsets, strict=True)
    ]
    return FrameRun(luma=np.stack(luma), seconds=clip.seconds)


def _frozen(clip: FrameRun, hold: int) -> FrameRun:
    """The run with only every `hold`-th frame new, the others repeats."""
    return FrameRun(luma=clip.luma[np.arange(len(clip)) // hold * hold], seconds=clip.seconds)


@pytest.mark.parametrize("clip", CLIPS)
def test_shake_grows_with_jitter(clip: str) -> None:
    frames = run(clip)
    values = [_signal(_pace(frames), "steadiness")]
    values += [_signal(_pace(_jittered(frames, amount)), "steadiness") for amount in (0.001, 0.002, 0.005, 0.01, 0.02)]
    assert (np.diff([signal.value for signal in values]) > 0).all(), [signal.value for signal in values]
    assert (np.diff([signal.desirability for signal in values]) <= 0).all()
    assert values[-1].desirability < values[0].desirability


@pytest.mark.parametrize("clip", CLIPS)
def test_frozen_copies_are_told_and_move_less(clip: str) -> None:
    frames = run(clip)
    shares, moved = [], []
    for hold in (1, 2, 3, 5, 10, 1000):
        answers = _pace(_frozen(frames, hold))
        details = _signal(answers, "motion").details
        assert isinstance(details, MotionDetails)
        shares.append(details.frozen_share)
        moved.append(_signal(answers, "motion").value)
    assert (np.diff(shares) > 0).all(), shares
    assert (np.diff(moved) < 0).all(), moved
    assert shares[0] == 0.0
    assert (shares[-1], moved[-1]) == (1.0, 0.0)


@pytest.mark.parametrize("speed", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("frame_rate", [24.0, 30.0, 60.0])
def test_motion_of_a_steady_pan_is_its_speed(speed: float, frame_rate: float) -> None:
    count = round(frame_rate * 0.5)
    path = np.stack([np.arange(count) / frame_rate * speed, np.zeros(count)], axis=1)
    answers = _pace(_camera(path, frame_rate))
    assert _signal(answers, "motion").value == pytest.approx(speed, rel=0.12)
    assert _signal(answers, "steadiness").value < 0.06, "a steady pan does not shake"


def test_shake_of_known_jitter_is_its_size() -> None:
    for amount in (0.003, 0.01):
        path = np.random.default_rng(8).normal(0.0, amount, (60, 2))
        value = _signal(_pace(_camera(path)), "steadiness").value
        # Two axes of the same size: √2 · amount, in %; the parabolas take some of it, at random.
        assert value == pytest.approx(100 * np.sqrt(2) * amount, rel=0.25)


def test_black_bars_hide_no_shake() -> None:
    shaken = _camera(np.random.default_rng(5).normal(0.0, 0.004, (90, 2)))
    bars = ((0, 0), (80, 80), (0, 0))
    barred = FrameRun(luma=np.pad(shaken.luma, bars), seconds=shaken.seconds)
    stills = np.repeat(barred.luma[:2, :, :, None], 3, axis=3)
    frames = FrameBatch(rgb=stills, seconds=np.array([0.0, 1.0]))
    made = reel(frames, runs=(barred,), cuts=NO_CUTS, video=info())
    found = {answer.name: answer for answer in PacingScorer().score(made, Post(), _silent)}
    plain = _pace(shaken)
    for name in ("steadiness", "motion"):
        assert _signal(found, name).value == pytest.approx(_signal(plain, name).value, rel=0.05), name


def test_an_evenly_accelerating_camera_does_not_shake() -> None:
    seconds = np.arange(30) / 30
    path = np.stack([0.15 * seconds**2, 0.1 * seconds], axis=1)
    assert _signal(_pace(_camera(path)), "steadiness").value < 0.06


def test_a_still_reel_has_no_motion_and_no_shake() -> None:
    answers = _pace(_camera(np.zeros((30, 2))))
    assert _signal(answers, "motion").value == 0.0
    assert _signal(answers, "steadiness").value == 0.0
    details = _signal(answers, "steadiness").details
    assert isinstance(details, SteadinessDetails)
    assert details.frozen_share == 1.0


def test_a_cut_is_not_motion() -> None:
    still = _camera(np.zeros((12, 2)))
    other = np.ascontiguousarray(still.luma[:, ::-1])
    both = FrameRun(luma=np.concatenate([still.luma, other]), seconds=np.arange(24) / 30)
    cut = Cuts(seconds=np.array([12 / 30]), verified=np.array([True]))
    assert _signal(_pace(both, cuts=cut), "motion").value == 0.0
    assert _signal(_pace(both), "motion").value > 0.0, "without the cut it would be"


def test_motion_is_a_mean_over_time_not_over_frames() -> None:
    count = 15
    moving = np.stack([np.arange(count) / 30 * 0.3, np.zeros(count)], axis=1)
    opening = [_camera(moving, start=start) for start in (0.0, 0.5, 1.0)]
    later = _camera(np.zeros((count, 2)), start=8.0)
    value = _signal(_pace(*opening, later), "motion").value
    # The moving windows stand for the time up to the middle of the gap, about 4.8 of 10 s; three of four runs move.
    assert value == pytest.approx(0.3 * 0.48, rel=0.15)


@pytest.mark.parametrize("frames", [(), (1,), (1, 1, 1)], ids=["no run", "one frame", "three runs of one frame"])
def test_too_few_frames_are_skipped_with_the_reason(frames: tuple[int, ...]) -> None:
    runs = tuple(_camera(np.zeros((count, 2)), start=float(i)) for i, count in enumerate(frames))
    answers = _pace(*runs)
    for name in ("motion", "steadiness"):
        assert isinstance(answers[name], Skipped)


def test_a_fifth_of_a_second() -> None:
    answers = _pace(_camera(np.zeros((6, 2))), seconds=0.2)
    assert _signal(answers, "motion").value == 0.0
    assert _signal(answers, "steadiness").value == 0.0
    pace = answers["pace"]
    assert isinstance(pace, Skipped)
    assert "0.2 s" in pace.reason


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("size", [(16, 16), (1, 1), (320, 180)])
def test_flat_runs_stand_still(size: tuple[int, int], level: int) -> None:
    flat = FrameRun(luma=np.full((12, *size), level, np.uint8), seconds=np.arange(12) / 30)
    answers = _pace(flat)
    assert _signal(answers, "motion").value == 0.0
    assert _signal(answers, "steadiness").value == 0.0


def test_random_frames_stay_in_range() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 33, 17), dtype=np.uint8)
    answers = _pace(FrameRun(luma=noise, seconds=np.arange(40) / 240))
    for name in ("motion", "steadiness"):
        assert np.isfinite(_signal(answers, name).value)


def test_repeated_time_stamps_and_gaps_do_not_count_as_steps() -> None:
    frames = _camera(np.zeros((20, 2)))
    seconds = frames.seconds.copy()
    seconds[10] = seconds[9]
    seconds[15:] += 5.0
    answers = _pace(FrameRun(luma=frames.luma, seconds=seconds))
    assert _signal(answers, "motion").value == 0.0


def test_pace_is_the_average_shot_length() -> None:
    cuts = Cuts(seconds=np.array([2.0, 3.0, 7.0]), verified=np.array([True, False, True]))
    signal = _signal(_pace(cuts=cuts, seconds=12.0), "pace")
    assert signal.value == pytest.approx(3.0)
    assert signal.timeline is not None
    np.testing.assert_allclose(signal.timeline.seconds, [0, 2, 3, 7])
    np.testing.assert_allclose(signal.timeline.values, [2, 1, 4, 5])
    details = signal.details
    assert isinstance(details, PaceDetails)
    assert (details.shots, details.verified) == (4, 2)
    assert (details.median_shot_seconds, details.longest_shot_seconds) == (3.0, 5.0)
    assert details.cuts_per_10_seconds == pytest.approx(2.5)


def test_more_cuts_make_shorter_shots() -> None:
    values = []
    for count in (0, 1, 3, 9, 29):
        seconds = np.linspace(0, 30, count + 2)[1:-1]
        cuts = Cuts(seconds=seconds, verified=np.ones(count, bool))
        values.append(_signal(_pace(cuts=cuts, seconds=30.0), "pace").value)
    assert (np.diff(values) < 0).all()


def test_pace_without_a_look_for_cuts_is_skipped() -> None:
    assert isinstance(_pace(cuts=None)["pace"], Skipped)


def test_one_long_take_has_a_pace() -> None:
    signal = _signal(_pace(seconds=40.0), "pace")
    assert signal.value == 40.0
    assert signal.desirability < 40.0


def test_progress_may_cancel() -> None:
    class Stop(Exception):  # noqa: N818
        pass

    def stop(stage: str, fraction: float) -> None:
        raise Stop

    with pytest.raises(Stop):
        _pace(_camera(np.zeros((5, 2))), progress=stop)


def test_shots_are_split_at_the_frame_that_begins_one() -> None:
    seconds = np.arange(10) / 30
    run_ = FrameRun(luma=np.zeros((10, 16, 16), np.uint8), seconds=seconds)
    parts = motion.flow_steps(run_, np.array([seconds[4]]), lambda: None)
    assert [len(part.seconds) for part in parts] == [4, 6]
