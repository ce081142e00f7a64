"""The bundled quality model on clips: worse copies score lower, and the report says which unit it speaks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from recipes.vsfa_lite import ffmpeg
from recipes.vsfa_lite.clips import CODECS, MEASURED, crf_of
from tests.conftest import SHARED
from virality_core.media import open_reel, probe
from virality_core.report import wording
from virality_core.scorers.picture.quality import QualityScorer
from virality_core.types import Post, Signal

STRENGTHS = (0.15, 0.5, 0.85)


@pytest.fixture(scope="module")
def scorer() -> QualityScorer:
    return QualityScorer(profile="lite")


def judged(scorer: QualityScorer, path: Path) -> Signal:
    (answer,) = scorer.score(open_reel(path, scorer.plan), Post(), lambda *_: None)
    assert isinstance(answer, Signal)
    return answer


@pytest.mark.parametrize("kind", [*CODECS, *MEASURED])
def test_worse_copies_of_a_real_clip_score_lower(scorer: QualityScorer, tmp_path: Path, kind: str) -> None:
    path = SHARED / "media" / "1e719ead.mp4"
    if not path.exists():
        pytest.skip("the real clips are not at hand")
    info = probe(path)
    clean = ffmpeg.decode(path, (0, info.height, info.width, 3), seconds=0.5)
    values = []
    for strength in STRENGTHS:
        file = tmp_path / f"{strength}.mp4"
        if kind in CODECS:
            ffmpeg.encode(clean, file, CODECS[kind][0], crf_of(kind, strength))
        else:
            ffmpeg.encode(MEASURED[kind](clean, strength, 1), file, "libx264", 18.0)
        values.append(judged(scorer, file).value)
    assert values == sorted(values, reverse=True)
    assert values[0] > values[-1] + 5


def test_its_value_is_said_in_its_own_unit(scorer: QualityScorer, drawn_clip: Path) -> None:
    signal = judged(scorer, drawn_clip)
    assert signal.model is not None
    assert (signal.model.variant, signal.unit, signal.percentile) == ("lite", "predicted VMAF", None)
    assert signal.desirability == pytest.approx(max(0.0, (signal.value - 20) / 0.8))
    assert wording.describe(signal).startswith(f"picture quality {signal.value:.0f} of 100")
    assert "VMAF" in wording.axis(signal)


def test_black_bars_are_not_judged(scorer: QualityScorer, tmp_path: Path) -> None:
    """Two of four crops of a wide picture in a tall frame would see nothing but black."""
    wide = np.random.default_rng(4).integers(40, 220, (4, 304, 540, 3), dtype=np.uint8)
    wide = np.stack([cv2.GaussianBlur(one, (0, 0), 1.5) for one in wide])
    tall = np.pad(wide, ((0, 0), (328, 328), (0, 0), (0, 0)))
    path = tmp_path / "clip.mp4"
    values = []
    for clip in (wide, tall):
        ffmpeg.encode(clip, path, "libx264", 14.0)
        values.append(judged(scorer, path).value)
    assert values[1] == pytest.approx(values[0], abs=1.0)
