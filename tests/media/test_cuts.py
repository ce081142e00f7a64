"""Cuts: the rules on made-up numbers, and whole reels with known cuts in several encodings."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache, partial
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from virality_core.media import open_reel
from virality_core.media import reel as opener
from virality_core.media.shots.detector import find_cuts
from virality_core.media.shots.frame_difference import correlation, cut_indices, thumbnail
from virality_core.media.shots.packet_sizes import anchors, early_keyframes, size_ratios
from virality_core.media.shots.single_packets import Prediction, cut_by_gray, cut_by_vectors
from virality_core.types import Cuts, Plan

WIDTH, HEIGHT, RATE = 144, 256, 30
PLAN = Plan(stills=16, runs=True, cuts=True)


def test_anchors_are_the_frames_not_shown_before_an_earlier_packet() -> None:
    ticks = np.array([0, 4, 2, 1, 3, 8, 6, 9])  # I P B b b P B P, in decode order
    np.testing.assert_array_equal(anchors(ticks), [0, 1, 5, 7])
    np.testing.assert_array_equal(anchors(np.arange(5)), np.arange(5))
    assert len(anchors(np.zeros(0, np.int64))) == 0


def test_size_ratios_are_relative_to_the_neighbours_and_leave_keyframes_out() -> None:
    sizes = np.array([900, 10, 10, 10, 40, 10, 10, 10, 900, 10, 10, 10])
    keys = sizes == 900
    found = size_ratios(sizes, keys)
    assert found[4] == pytest.approx(4.0)
    assert (found[keys] == 0.0).all()
    assert (found[~keys & (sizes == 10)] <= 1.0).all()
    richer = size_ratios(np.array([10, 10, 10, 50, 40, 40, 40]), np.zeros(7, bool))
    assert richer[3] == pytest.approx(1.25), "after a cut to a richer scene all packets are large"
    assert (size_ratios(np.array([5, 9]), np.zeros(2, bool)) == 0.0).all(), "too few to tell what is usual"


@pytest.mark.parametrize(
    ("keys", "frames", "early"),
    [
        ([0, 60, 120, 180], 200, []),
        ([0, 60, 97, 157, 217], 270, [2]),
        ([0, 138, 228, 257, 382], 498, [1, 2, 3, 4]),  # no rhythm: all stand at cuts
        ([0, 40], 300, [1]),  # the encoder can do without for 260 frames
        ([0, 120], 150, []),  # nothing to compare with
        ([0], 100, []),
    ],
)
def test_early_keyframes_break_the_rhythm(keys: list[int], frames: int, early: list[int]) -> None:
    assert early_keyframes(np.array(keys), frames) == early


def _vectors(before: float, after: float = 0.0) -> Prediction:
    return Prediction(before=before, after=after)


def test_a_p_frame_that_copies_nothing_is_a_cut() -> None:
    cut = cut_by_vectors(9, {9: _vectors(0.02)}, size_ratio=1.3, size_to_keyframe=0.5, usual_intra=0.05)
    assert cut is not None
    assert (cut.pts, cut.certain) == (9, True)
    tiny = cut_by_vectors(9, {9: _vectors(0.0)}, size_ratio=1.3, size_to_keyframe=0.1, usual_intra=0.05)
    assert tiny is None, "a small packet without vectors was not read at all"
    assert cut_by_vectors(9, {}, size_ratio=9.0, size_to_keyframe=1.0, usual_intra=0.0) is None


def test_b_frames_tell_the_first_frame_after_the_cut() -> None:
    found = {12: _vectors(0.0), 9: _vectors(0.97, 0.02), 10: _vectors(0.03, 0.9), 11: _vectors(0.9, 0.9)}
    cut = cut_by_vectors(12, found, size_ratio=1.3, size_to_keyframe=0.5, usual_intra=0.0)
    assert cut is not None
    assert cut.pts == 10


def test_a_p_frame_drawn_anew_in_one_scene_is_no_sure_cut() -> None:
    """The B-frames before it are copied from both sides of it: what x264 made of a flat, grainy clip."""
    found = {12: _vectors(0.0), 9: _vectors(0.77, 0.71), 10: _vectors(0.69, 0.45), 11: _vectors(0.75, 0.68)}
    cut = cut_by_vectors(12, found, size_ratio=1.2, size_to_keyframe=0.44, usual_intra=0.19)
    assert cut is not None
    assert not cut.certain
    for last in (_vectors(0.9, 0.05), _vectors(0.4, 0.0), _vectors(0.0, 0.0)):
        cut = cut_by_vectors(12, found | {11: last}, size_ratio=1.2, size_to_keyframe=0.44, usual_intra=0.19)
        assert cut is not None
        assert cut.certain


def test_a_moving_shot_is_no_cut() -> None:
    found = {12: _vectors(0.5), 9: _vectors(0.6, 0.8), 10: _vectors(0.7, 0.7), 11: _vectors(0.8, 0.6)}
    assert cut_by_vectors(12, found, size_ratio=1.7, size_to_keyframe=0.3, usual_intra=0.05) is None


def test_grain_is_no_jump_cut() -> None:
    found = {12: _vectors(0.35), 11: _vectors(0.1, 0.9)}
    jump = cut_by_vectors(12, found, size_ratio=1.4, size_to_keyframe=0.5, usual_intra=0.05)
    assert jump is not None
    assert not jump.certain
    assert cut_by_vectors(12, found, size_ratio=1.4, size_to_keyframe=0.5, usual_intra=0.5) is None


@pytest.mark.parametrize(
    ("coded", "expected"),
    [
        ({9: 0.02, 10: 0.6, 11: 0.61, 12: 0.6}, 10),
        ({9: 0.9, 10: 0.9, 11: 0.9, 12: 0.9}, 9),
        ({9: 0.05, 10: 0.06, 11: 0.08, 12: 0.55}, 12),
        ({9: 0.29, 10: 0.34, 11: 0.47, 12: 0.54}, None),  # grows bit by bit: movement
        ({9: 0.01, 10: 0.02, 11: 0.03, 12: 0.04}, None),
        ({12: 0.9}, 12),
        ({}, None),
    ],
)
def test_gray_that_ends_at_once_is_a_cut(coded: dict[int, float], expected: int | None) -> None:
    cut = cut_by_gray(12, coded)
    assert (cut.pts if cut else None) == expected


def _scene(generator: np.random.Generator) -> np.ndarray:
    """A picture larger than the frame, float32, with detail at several sizes."""
    high, wide = HEIGHT + 80, WIDTH + 80
    image = np.full((high, wide, 3), generator.uniform(40, 215, 3), np.float32)
    for cells in (3, 8, 20, 50):
        coarse = generator.normal(0, 22, (cells * 2, cells, 3)).astype(np.float32)
        image += cv2.resize(coarse, (wide, high), interpolation=cv2.INTER_CUBIC)
    return np.clip(image, 0, 255)


def _frames(lengths: list[int], seed: int = 0) -> list[np.ndarray]:
    """Scenes of the given lengths in frames, each drifting slowly under a little grain."""
    return list(_drawn(tuple(lengths), seed))


@lru_cache(maxsize=4)
def _drawn(lengths: tuple[int, ...], seed: int) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    frames = []
    for length in lengths:
        scene = _scene(generator)
        x, y = generator.uniform(0, 40, 2)
        dx, dy = generator.uniform(-0.4, 0.4, 2)
        for _ in range(length):
            x, y = np.clip(x + dx, 0, 79), np.clip(y + dy, 0, 79)
            view = cv2.getRectSubPix(scene, (WIDTH, HEIGHT), (x + WIDTH / 2, y + HEIGHT / 2))
            frames.append(np.clip(view + generator.normal(0, 1.5, view.shape), 0, 255).astype(np.uint8))
    return frames


def _write(
    path: Path, frames: list[np.ndarray], codec: str, options: dict[str, str], ticks: list[int] | None = None
) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = Fraction(1, 600)
        stream.options = options
        stream.codec_context.time_base = Fraction(1, 600)
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.time_base = Fraction(1, 600)
            frame.pts = ticks[number] if ticks else number * 20
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def by_packets(monkeypatch: pytest.MonkeyPatch) -> None:
    """No frame may be decoded for cuts: what is found comes from packets and from what was decoded anyway."""
    monkeypatch.setattr(opener, "find_cuts", partial(find_cuts, budget_pixels=0))


def _cuts(path: Path) -> Cuts:
    cuts = open_reel(path, PLAN).cuts
    assert cuts is not None
    return cuts


LENGTHS = [
    50,
    73,
    41,
    84,
    33,
]  # no cut on a keyframe of the steady rhythm, 60 frames, or just before one: a stated limit
KNOWN = np.cumsum(LENGTHS)[:-1] / RATE
X264 = "x264-params"
ENCODINGS = {
    "b_frames": ("libx264", {"preset": "veryfast", X264: "keyint=60:min-keyint=60:scenecut=0:bframes=3"}),
    "one_long_group": ("libx264", {"preset": "veryfast", X264: "scenecut=0:keyint=999"}),
    "scene_cut_keyframes": ("libx264", {"preset": "veryfast"}),
    "no_b_frames": ("libx264", {"preset": "veryfast", X264: "bframes=0:keyint=60:scenecut=0"}),
    "constant_bit_rate": (
        "libx264",
        {"preset": "superfast", "b": "900k", "maxrate": "900k", "bufsize": "900k", X264: "keyint=60:scenecut=0"},
    ),
    "hevc": ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none:keyint=60:scenecut=0"}),
    "mpeg4": ("mpeg4", {"qscale": "5", "g": "60"}),
}


@pytest.mark.usefixtures("by_packets")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_cut_is_found_without_decoding_for_it(encoding: str, tmp_path: Path) -> None:
    codec, options = ENCODINGS[encoding]
    cuts = _cuts(_write(tmp_path / "reel.mp4", _frames(LENGTHS), codec, options))
    np.testing.assert_allclose(cuts.seconds, KNOWN, atol=1e-3)


@pytest.mark.parametrize("encoding", ["b_frames", "hevc"])
def test_a_small_reel_is_looked_at_whole(encoding: str, tmp_path: Path) -> None:
    codec, options = ENCODINGS[encoding]
    cuts = _cuts(_write(tmp_path / "reel.mp4", _frames(LENGTHS), codec, options))
    np.testing.assert_allclose(cuts.seconds, KNOWN, atol=1e-3)
    assert cuts.verified.all()


@pytest.mark.usefixtures("by_packets")
def test_variable_frame_rate(tmp_path: Path) -> None:
    frames = _frames(LENGTHS)
    steps = np.random.default_rng(5).choice([10, 20, 30, 60], len(frames))
    ticks = np.concatenate([[0], np.cumsum(steps[:-1])])
    codec, options = ENCODINGS["b_frames"]
    cuts = _cuts(_write(tmp_path / "vfr.mp4", frames, codec, options, ticks.tolist()))
    np.testing.assert_allclose(cuts.seconds, ticks[np.cumsum(LENGTHS)[:-1]] / 600, atol=1e-3)


@pytest.mark.usefixtures("by_packets")
@pytest.mark.parametrize("encoding", ["b_frames", "hevc", "no_b_frames"])
def test_one_shot_has_no_cut(encoding: str, tmp_path: Path) -> None:
    codec, options = ENCODINGS[encoding]
    assert len(_cuts(_write(tmp_path / "shot.mp4", _frames([240]), codec, options)).seconds) == 0


@pytest.mark.parametrize("lengths", [[1], [2], [6], [3, 3], [1, 1, 1]])
def test_very_short_reels(lengths: list[int], tmp_path: Path) -> None:
    codec, options = ENCODINGS["b_frames"]
    cuts = _cuts(_write(tmp_path / "short.mp4", _frames(lengths), codec, options))
    assert set(np.round(cuts.seconds * RATE).astype(int)) <= set(np.cumsum(lengths)[:-1].tolist())


def test_a_fade_is_not_found(tmp_path: Path) -> None:
    """A stated limit: this test is here to be turned round the day fades are found."""
    before, after = _frames([60]), _frames([60], seed=9)
    share = np.linspace(0, 1, 30)[:, np.newaxis, np.newaxis, np.newaxis]
    middle = list(((1 - share) * np.stack(before[-30:]) + share * np.stack(after[:30])).astype(np.uint8))
    codec, options = ENCODINGS["b_frames"]
    cuts = _cuts(_write(tmp_path / "fade.mp4", [*before[:-30], *middle, *after[30:]], codec, options))
    assert len(cuts.seconds) == 0


def test_a_flash_is_no_cut() -> None:
    frames = [thumbnail(frame[:, :, 1]) for frame in _frames([40])]
    assert cut_indices(frames) == []
    frames[20] = np.full_like(frames[20], 250)
    assert cut_indices(frames) == []


def test_pixels_show_the_frame_after_each_cut() -> None:
    frames = [thumbnail(frame[:, :, 1]) for frame in _frames([15, 20, 9])]
    assert cut_indices(frames) == [15, 35]
    assert cut_indices(frames[:2]) == []
    assert cut_indices([]) == []


def test_alike() -> None:
    one, other = (thumbnail(frame[:, :, 1]) for frame in _frames([1, 1]))
    assert correlation(one, one) == pytest.approx(1.0)
    assert correlation(one, other) < 0.8
    assert correlation(np.zeros((4, 4), np.float32), np.ones((4, 4), np.float32)) == 1.0


def test_cuts_can_be_cancelled(tmp_path: Path) -> None:
    class Stop(Exception):  # noqa: N818
        pass

    def stop(stage: str, fraction: float) -> None:
        if stage == "cuts":
            raise Stop

    codec, options = ENCODINGS["b_frames"]
    path = _write(tmp_path / "reel.mp4", _frames([30, 100]), codec, options)
    with pytest.raises(Stop):
        open_reel(path, PLAN, progress=stop)
