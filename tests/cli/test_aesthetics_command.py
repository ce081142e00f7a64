"""`virality aesthetics IMAGE…`: one JSON object a line, the goldens, and what can't be read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from virality_core.cli import main

REFERENCE = Path(__file__).resolve().parents[2].parent / "shared" / "reference" / "nima"


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the goldens of ../shared/reference are not here")
def test_the_goldens(capsys: pytest.CaptureFixture[str]) -> None:
    expected = json.loads((REFERENCE / "expected.json").read_text())
    paths = [str(REFERENCE / name) for name in expected]
    assert main(["aesthetics", *paths]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["path"] for line in lines] == paths
    for line, golden in zip(lines, expected.values(), strict=True):
        assert set(line) == {"path", "mean", "std", "distribution"}
        assert line["mean"] == pytest.approx(golden["mean"], abs=1e-3)
        assert line["distribution"] == pytest.approx(golden["distribution"], abs=1e-3)
        marks = np.arange(1, 11)
        variance = np.dot(line["distribution"], marks**2) - line["mean"] ** 2
        assert line["std"] == pytest.approx(variance**0.5, abs=1e-6)


def test_what_can_not_be_read_does_not_stop_the_rest(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    Image.new("RGB", (30, 20), (90, 120, 40)).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_text("no picture")
    names = ["bad.png", "good.png", "missing.png"]
    assert main(["aesthetics", "--profile", "lite", *(str(tmp_path / name) for name in names)]) == 3
    out, err = capsys.readouterr()
    (line,) = out.splitlines()
    assert json.loads(line)["path"] == str(tmp_path / "good.png")
    said = err.splitlines()
    assert len(said) == 2
    assert said[0].startswith("bad.png is not a picture")
    assert said[1].startswith("There is no file")


def test_bad_use(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["aesthetics"], ["aesthetics", "x.png", "--profile", "huge"]):
        with pytest.raises(SystemExit) as stop:
            main(argv)
        assert stop.value.code == 2
        assert capsys.readouterr().err.count("\n") == 1
