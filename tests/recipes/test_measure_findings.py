"""The findings' limits are read off a file that a command makes: a small one is made here, the kept one is read."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from recipes.populations.findings import main, measure
from virality_core.config.faults import fault
from virality_core.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    chance = np.random.default_rng(0)
    for number in range(4):
        coarse = chance.integers(0, 256, (20, 20, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), cv2.resize(coarse, (256, 256), interpolation=cv2.INTER_CUBIC))
    return folder


def test_compressed_clips_show_their_blocks(photos: Path, drawn_clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "findings.json"
    assert main(["--photos", str(photos), "--out", str(out), str(drawn_clip)]) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["photos"]["combing"]["n"] == 4
    clip = found[drawn_clip.name]
    assert clip["H.264, CRF 48"]["blocking"]["50 %"] > clip["as it is"]["blocking"]["50 %"]


def test_without_photos_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no \.jpg"):
        measure([], [])
    assert main(["--photos", str(tmp_path), "--out", str(tmp_path / "x.json")]) == 3
    assert not (tmp_path / "x.json").exists()


def test_the_stated_limits_are_those_of_the_file() -> None:
    found = json.loads(
        (ROOT / "virality_core" / "config" / "populations" / "findings.json").read_text(encoding="utf-8")
    )
    photos = found["photos"]
    assert photos["blocking"]["99 %"] < 1.27 < fault("blocking").threshold
    assert photos["sharpness"]["5 %"] == pytest.approx(fault("blur").threshold, rel=0.02)
    assert photos["highlights"]["95 %"] == pytest.approx(fault("blown_out").threshold, rel=0.05)
    assert photos["shadows"]["99 %"] < fault("crushed").threshold
    assert photos["combing"]["99 %"] < fault("interlaced").threshold
    hard = [value["H.264, CRF 48"]["blocking"]["50 %"] for name, value in found.items() if name.endswith(".mp4")]
    assert all(1.3 < value < 1.6 for value in hard)
