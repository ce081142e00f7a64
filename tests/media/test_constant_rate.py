"""Frames at a steady rate: the right ones, at most so many, also of short and slow reels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.media.clips import Clip, read_barcode
from virality_core.errors import InputError
from virality_core.media import open_reel
from virality_core.media.decoding.frame_sampler import frames_at_rate
from virality_core.types import Plan


def test_every_second_frame_of_a_reel_of_thirty(make_clip: Callable[..., Clip]) -> None:
    clip = make_clip(frames=60)
    found = frames_at_rate(clip.path, max_seconds=60.0)
    assert [read_barcode(frame) for frame in found.rgb] == list(range(0, 60, 2))
    assert np.diff(found.seconds) == pytest.approx(1 / 15)


def test_they_are_the_frames_of_a_plans_clip(make_clip: Callable[..., Clip]) -> None:
    clip = make_clip(frames=32)  # 16/15 s: a single clip that begins at 0
    clips = open_reel(clip.path, Plan(clips=1)).clips
    assert clips is not None
    assert np.array_equal(clips.rgb[0], frames_at_rate(clip.path, max_seconds=60.0).rgb)


def test_only_the_frames_that_are_chosen(make_clip: Callable[..., Clip]) -> None:
    clip = make_clip(frames=60)
    asked: list[int] = []

    def choose(count: int) -> np.ndarray:
        asked.append(count)
        return np.array([20, 21, 3, 3])

    found = frames_at_rate(clip.path, max_seconds=60.0, choose=choose)
    assert asked == [30]
    assert [read_barcode(frame) for frame in found.rgb] == [40, 42, 6, 6]


def test_no_more_seconds_than_asked_for(make_clip: Callable[..., Clip]) -> None:
    assert len(frames_at_rate(make_clip(frames=60).path, max_seconds=1.0)) == 15


def test_a_slow_reel_shows_its_frames_again_and_a_single_one_once(make_clip: Callable[..., Clip]) -> None:
    slow = frames_at_rate(make_clip(frames=10, rate=5).path, max_seconds=60.0)
    assert len(slow) == 30
    assert len({read_barcode(frame) for frame in slow.rgb}) == 10
    assert len(frames_at_rate(make_clip(frames=1).path, max_seconds=60.0)) == 1


def test_what_is_no_video_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"no video" * 100)
    with pytest.raises(InputError):
        frames_at_rate(tmp_path / "x.mp4", max_seconds=60.0)
