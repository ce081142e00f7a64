"""The sampled protocol's parts: τ in time, the size bound; and every frame in batches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.media.clips import Clip
from virality_core.errors import Cancelled, InputError
from virality_core.media import open_reel
from virality_core.media.decoding import frame_sampler as reading
from virality_core.scorers.picture.quality import SAMPLED_PIXELS, shrink, tau_of
from virality_core.types import Plan


def _silent(stage: str, fraction: float) -> None:
    pass


@pytest.mark.parametrize(("frame_rate", "step", "tau"), [(30, 1, 12), (30, 3, 4), (60, 6, 2), (30, 40, 1), (24, 12, 1)])
def test_tau_keeps_its_length_in_time(frame_rate: float, step: int, tau: int) -> None:
    seconds = np.arange(20) * step / frame_rate
    assert tau_of(seconds, frame_rate) == tau


def test_tau_of_what_has_no_distance() -> None:
    assert tau_of(np.array([0.0]), 30.0) == 1
    assert tau_of(np.array([0.0, 1.0]), 0.0) == 1


@pytest.mark.parametrize("size", [(1920, 1080), (3840, 2160), (1080, 1080), (100, 8000)])
def test_the_size_bound(size: tuple[int, int]) -> None:
    width, height = size
    small = shrink(np.zeros((1, height, width, 3), np.uint8), SAMPLED_PIXELS)
    assert small.shape[1] * small.shape[2] <= SAMPLED_PIXELS
    assert small.shape[2] / small.shape[1] == pytest.approx(width / height, rel=0.02)


def test_a_small_frame_is_left_alone() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 300, 200, 3), dtype=np.uint8)
    assert shrink(frames, SAMPLED_PIXELS) is frames


def test_every_frame_comes_once_in_order(make_clip: Callable[..., Clip], monkeypatch: pytest.MonkeyPatch) -> None:
    clip = make_clip(frames=60, width=180, height=320, sound=True)
    monkeypatch.setattr(reading, "_BATCH_BYTES", 7 * 180 * 320 * 3)
    batches = list(reading.every_frame(clip.path, progress=_silent))
    assert [len(batch) for batch in batches] == [7] * 8 + [4]
    seconds = np.concatenate([batch.seconds for batch in batches])
    frames = np.concatenate([batch.rgb for batch in batches])
    sampled = open_reel(clip.path, Plan(stills=60, exact=True)).frames
    assert np.array_equal(seconds, sampled.seconds)
    assert np.array_equal(frames, sampled.rgb)


def test_every_frame_can_be_cancelled(drawn_clip: Path) -> None:
    def stop(stage: str, fraction: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        list(reading.every_frame(drawn_clip, progress=stop))


def test_what_is_not_a_video(tmp_path: Path) -> None:
    (tmp_path / "no.mp4").write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(InputError, match=r"no\.mp4"):
        list(reading.every_frame(tmp_path / "no.mp4", progress=_silent))
