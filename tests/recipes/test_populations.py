"""The photo populations: they are what the command writes, and only aggregates are in them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from recipes.populations import photos
from virality_core.config import signals
from virality_core.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = ROOT.parent / "shared" / "data" / "photos"
POPULATIONS = ROOT / "virality_core" / "config" / "populations"
NAMES = ("contrast", "colourfulness", "white_balance", "sharpness", "composition")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 120 pictures: random blocks, from flat to rich in contrast."""
    folder = tmp_path_factory.mktemp("photos")
    generator = np.random.default_rng(4)
    for number in range(120):
        coarse = generator.normal(128, 0.5 * number, (12, 16, 3))
        picture = cv2.resize(np.clip(coarse, 0, 255).astype(np.uint8), (160, 120), interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(folder / f"{number:03}.png"), picture)
    return folder


def test_the_command_writes_quantiles_and_nothing_else(drawn: Path, tmp_path: Path) -> None:
    photos.main(["--photos", str(drawn), "--out", str(tmp_path), "--name", "drawn pictures"])
    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted(NAMES)
    for name in NAMES:
        record = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
        assert set(record) == {"name", "measure", "n", "source", "command", "quantiles"}
        assert len(record["quantiles"]) == 99
        assert record["quantiles"] == sorted(record["quantiles"])
        assert "drawn pictures" in record["name"]
    contrast = json.loads((tmp_path / "contrast.json").read_text(encoding="utf-8"))
    assert contrast["n"] == 120
    assert contrast["quantiles"][0] < 2.0 < 15.0 < contrast["quantiles"][98]
    sharpness = json.loads((tmp_path / "sharpness.json").read_text(encoding="utf-8"))
    assert 100 < sharpness["n"] < 120, "nearly flat pictures have no sharpness, and none is made up for them"


def test_too_few_photos_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 100 photos"):
        photos.write_populations(tmp_path, tmp_path, "none")


def test_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no picture")
    with pytest.raises(InputError, match=r"a\.jpg"):
        photos.measure_photos([tmp_path / "a.jpg"])


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the photos of ../shared/data are not here")
def test_the_bundled_populations_are_those_of_the_photos(tmp_path: Path) -> None:
    photos.write_populations(PHOTOS, tmp_path, "everyday web photos (one of each fourth ImageNet class)")
    for name in NAMES:
        bundled, measured = (
            json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for folder in (POPULATIONS, tmp_path)
        )
        assert bundled["n"] == measured["n"]
        np.testing.assert_allclose(bundled["quantiles"], measured["quantiles"], rtol=0.01, atol=0.01, err_msg=name)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "white_balance"])
def test_more_is_rated_higher(name: str) -> None:
    path = POPULATIONS / f"{name}.json"
    quantiles = json.loads(path.read_text(encoding="utf-8"))["quantiles"]
    ratings = [signals.rate(name, quantiles[place]).desirability for place in (9, 49, 89)]
    assert ratings == pytest.approx([10, 50, 90], abs=1.0)


def test_only_a_rare_cast_costs() -> None:
    path = POPULATIONS / "white_balance.json"
    quantiles = json.loads(path.read_text(encoding="utf-8"))["quantiles"]
    full, none = 12.0, 20.0
    assert [signals.rate("white_balance", value).desirability for value in (full, none)] == [100.0, 0.0]
    assert [sum(value <= end + 0.5 for value in quantiles) for end in (full, none)] == [90, 97]
