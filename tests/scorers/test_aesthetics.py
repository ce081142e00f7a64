"""The aesthetics scorer on reels built by hand from pictures: its signals, its times, its cover, and what it skips."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.scorers import clips
from virality_core.config import signals
from virality_core.errors import Cancelled, InputError
from virality_core.scorers.picture.aesthetics import AestheticsDetails, AestheticsScorer, FrameDetails, score_images
from virality_core.types import FrameBatch, Post, Reel, Signal, Skipped, VideoInfo, to_plain

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
REFERENCE = SHARED / "reference" / "nima"
PHOTOS = SHARED / "data" / "photos"


@pytest.fixture(scope="module")
def scorer() -> AestheticsScorer:
    return AestheticsScorer(profile="lite")


def _reel(frames: np.ndarray, seconds: list[float], hook: tuple[np.ndarray, list[float]] | None = None) -> Reel:
    info = VideoInfo(
        name="by hand",
        size_bytes=1,
        container="mp4",
        codec="h264",
        width=frames.shape[2],
        height=frames.shape[1],
        rotation_degrees=0,
        duration_seconds=seconds[-1] + 1.0,
        frame_rate=30.0,
        frame_count=None,
        bit_rate=None,
        pixel_format="yuv420p",
        transfer="sdr",
        has_alpha=False,
        audio=None,
    )
    opening = None if hook is None else FrameBatch(rgb=hook[0], seconds=np.array(hook[1]))
    return Reel(info=info, frames=FrameBatch(rgb=frames, seconds=np.array(seconds)), hook=opening)


def _silent(stage: str, fraction: float) -> None:
    pass


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """12 everyday photos, the middle square of each, uint8 (12, 256, 256, 3)."""
    paths = sorted(PHOTOS.glob("*.jpg"))[::20][:12]
    if not paths:
        pytest.skip("the photos of ../shared/data are not here")
    squares = []
    for path in paths:
        photo = cv2.imread(str(path))[..., ::-1]
        top, left = (photo.shape[0] - 256) // 2, (photo.shape[1] - 256) // 2
        squares.append(photo[top : top + 256, left : left + 256])
    return np.stack(squares)


def _answers(scorer: AestheticsScorer, reel: Reel) -> dict[str, Signal | Skipped]:
    return {answer.name: answer for answer in scorer.score(reel, Post(), _silent)}


def test_signals_of_a_reel(scorer: AestheticsScorer, pictures: np.ndarray) -> None:
    seconds = [0.0, 2.0, 4.0, 6.0]
    reel = _reel(pictures[:4], seconds, (pictures[[0, 4, 5]], [0.0, 1.0, 2.5]))
    answers = _answers(scorer, reel)
    assert tuple(answers) == scorer.names
    whole, hook = answers["aesthetics"], answers["hook"]
    assert isinstance(whole, Signal)
    assert isinstance(hook, Signal)
    assert whole.timeline is not None
    assert hook.timeline is not None
    assert whole.timeline.seconds.tolist() == seconds
    assert hook.timeline.seconds.tolist() == [0.0, 1.0, 2.5]
    assert whole.value == pytest.approx(whole.timeline.values.mean())
    assert hook.value == pytest.approx(hook.timeline.values.mean())
    assert whole.timeline.values[0] == hook.timeline.values[0], "the frame both have, marked once"
    assert whole.model is not None
    assert whole.model.id == "nima-mobilenet-ava"
    rating = signals.rate("aesthetics", whole.value)
    assert (whole.desirability, whole.percentile, whole.reference) == (
        rating.desirability,
        rating.percentile,
        rating.reference,
    )
    for signal in (whole, hook):
        details = signal.details
        assert isinstance(details, FrameDetails)
        frames = len(signal.timeline.seconds)
        assert details.distribution.shape == (10,)
        assert details.distribution.sum() == pytest.approx(1.0, abs=1e-5)
        assert details.distribution @ np.arange(1, 11) == pytest.approx(signal.value, abs=1e-5)
        assert details.frame_distribution.shape == (frames, 10)
        assert details.frame_spread.shape == (frames,)
        assert 0.5 < details.spread < 3.0
        json.dumps(to_plain(signal), allow_nan=False)


def test_the_cover_is_the_best_frame_wherever_it_was_sampled(scorer: AestheticsScorer, pictures: np.ndarray) -> None:
    everything = _answers(scorer, _reel(pictures, [float(i) for i in range(len(pictures))]))["aesthetics"]
    assert isinstance(everything, Signal)
    assert everything.timeline is not None
    marks = everything.timeline.values
    order = np.argsort(marks)
    low, best = pictures[order[:3]], pictures[order[-1:]]
    in_hook = _reel(low, [0.0, 5.0, 10.0], (np.concatenate([low[:1], best]), [0.0, 1.7]))
    details = _details(scorer, in_hook)
    assert details.cover_seconds == 1.7
    assert details.cover_value == pytest.approx(marks.max(), abs=1e-5)
    in_stills = _reel(np.concatenate([low, best]), [0.0, 5.0, 10.0, 15.0], (low[:1], [0.0]))
    assert _details(scorer, in_stills).cover_seconds == 15.0
    twice = _reel(np.concatenate([low[:1], best, best]), [0.0, 5.0, 10.0])
    assert _details(scorer, twice).cover_seconds == 5.0, "of equals the earliest"


def _details(scorer: AestheticsScorer, reel: Reel) -> AestheticsDetails:
    signal = _answers(scorer, reel)["aesthetics"]
    assert isinstance(signal, Signal)
    assert isinstance(signal.details, AestheticsDetails)
    return signal.details


def _value(scorer: AestheticsScorer, frames: np.ndarray) -> float:
    signal = _answers(scorer, _reel(frames, [float(i) for i in range(len(frames))]))["aesthetics"]
    assert isinstance(signal, Signal)
    return signal.value


_DAMAGES = {
    "blurred": lambda frame: cv2.GaussianBlur(frame, (0, 0), 4),
    "lower contrast": lambda frame: (128 + (frame.astype(float) - 128) * 0.4).astype(np.uint8),
    "darker": lambda frame: (frame * 0.3).astype(np.uint8),
    "noisier": lambda frame: np.clip(frame + np.random.default_rng(0).normal(0, 20, frame.shape), 0, 255).astype(
        np.uint8
    ),
}


@pytest.mark.parametrize("clip", clips.CLIPS)
def test_worse_copies_of_a_real_clip_score_lower(scorer: AestheticsScorer, clip: str) -> None:
    frames = clips.stills(clip).rgb
    original = _value(scorer, frames)
    for name, damage in _DAMAGES.items():
        worse = _value(scorer, np.stack([damage(frame) for frame in frames]))
        assert worse < original - 0.1, f"{name}: {worse:.2f}, original {original:.2f}"


def test_black_bars_win_no_marks(scorer: AestheticsScorer, pictures: np.ndarray) -> None:
    frames = np.maximum(pictures, 30)  # no row of the picture itself is black
    barred = np.pad(frames, ((0, 0), (64, 64), (0, 0), (0, 0)))
    seconds = [float(place) for place in range(len(frames))]
    made = [_answers(scorer, _reel(rgb, seconds, (rgb[:2], [0.0, 1.5]))) for rgb in (frames, barred)]
    for name in ("aesthetics", "hook"):
        bare, letterbox = (answers[name] for answers in made)
        assert isinstance(bare, Signal)
        assert isinstance(letterbox, Signal)
        assert letterbox.value == pytest.approx(bare.value, abs=0.1)


def test_no_hook_is_skipped_with_a_reason(scorer: AestheticsScorer, pictures: np.ndarray) -> None:
    nothing = (np.empty((0, 8, 8, 3), dtype=np.uint8), [])
    for hook in (None, nothing):
        answers = _answers(scorer, _reel(pictures[:2], [0.0, 1.0], hook))
        assert isinstance(answers["aesthetics"], Signal)
        skipped = answers["hook"]
        assert isinstance(skipped, Skipped)
        assert "first 3 seconds" in skipped.reason


@pytest.mark.parametrize("shape", [(16, 16), (1, 1), (1920, 1080), (3, 999)])
def test_any_size_of_frame(scorer: AestheticsScorer, shape: tuple[int, int]) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (1, *shape, 3), dtype=np.uint8)
    assert 1.0 <= _value(scorer, frames) <= 10.0


def test_the_same_reel_gives_the_same_answer(scorer: AestheticsScorer, pictures: np.ndarray) -> None:
    reel = _reel(pictures[:9], [float(i) for i in range(9)], (pictures[9:], [0.1, 1.1, 2.1]))
    first = to_plain(tuple(scorer.score(reel, Post(), _silent)))
    _value(scorer, pictures[::-1])
    assert to_plain(tuple(scorer.score(reel, Post(), _silent))) == first


def test_progress_is_told_by_batch_and_may_cancel(scorer: AestheticsScorer, pictures: np.ndarray) -> None:
    reel = _reel(pictures, [float(i) for i in range(12)])
    told: list[float] = []
    scorer.score(reel, Post(), lambda _stage, fraction: told.append(fraction))
    assert told[0] == 0.0
    assert told[-1] == 1.0
    assert len(told) == 3, "12 pictures are two batches"

    def stop(stage: str, fraction: float) -> None:
        if fraction > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        scorer.score(reel, Post(), stop)


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the goldens of ../shared/reference are not here")
def test_picture_files_in_their_order(scorer: AestheticsScorer, tmp_path: Path) -> None:
    expected = json.loads((REFERENCE / "expected.json").read_text())
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    paths = [bad, *(REFERENCE / name for name in expected)] * 4  # more than a batch
    results = list(score_images(paths, scorer))
    assert [path for path, _ in results] == paths
    for path, marks in results:
        if path == bad:
            assert isinstance(marks, InputError)
        else:
            assert not isinstance(marks, InputError)
            assert marks.mean[0] == pytest.approx(expected[path.name]["mean"], abs=1e-3)
            assert marks.distribution[0] == pytest.approx(expected[path.name]["distribution"], abs=1e-3)


def test_no_picture_files(scorer: AestheticsScorer) -> None:
    assert list(score_images([], scorer)) == []
