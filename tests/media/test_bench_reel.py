"""The reel that times are measured on is what the bench says it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("bench.reel")

from bench import reel as bench_reel
from virality_core.media import open_reel, probe
from virality_core.types import Plan


def test_drawn_the_same_for_a_seed(tmp_path: Path) -> None:
    first, again = (list(bench_reel._scene(np.random.default_rng(3), 2)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first[0].astype(int) - first[1]).mean() > 3, "it moves and has grain"
    bench_reel.write(tmp_path / "reel.mp4", seconds=0.1, seed=3)
    info = probe(tmp_path / "reel.mp4")
    assert (info.width, info.height, info.codec, info.frame_rate) == (1080, 1920, "h264", 30.0)
    assert info.audio is not None
    seen = open_reel(tmp_path / "reel.mp4", Plan(stills=2, exact=True)).frames.rgb.astype(int)
    assert np.abs(seen[0] - seen[1]).mean() > 3


def test_photos_differ() -> None:
    generator = np.random.default_rng(0)
    one, two = (bench_reel.photo(generator, 270, 480) for _ in range(2))
    assert one.shape == (480, 270, 3)
    assert one.std() > 15
    assert np.abs(one.astype(int) - two).mean() > 15
