"""The bundled quality model on clips: worse copies score lower, and the report says which unit it speaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import SHARED
from virality_core import words
from virality_core.media import open_reel, probe
from virality_core.scorers.quality import QualityScorer
from virality_core.training.quality import ffmpeg
from virality_core.training.quality.distortions import CODECS, MEASURED, crf_of
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
    assert words.says(signal).startswith(f"picture quality {signal.value:.0f} of 100")
    assert "VMAF" in words.axis(signal)
