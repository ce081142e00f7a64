"""`virality quality VIDEO…`: one JSON object a line, findings without a model, and what can't be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from virality_core.cli import main
from virality_core.models import weights

KEYS = {
    "path",
    "value",
    "native_range",
    "desirability",
    "percentile",
    "variant",
    "timeline",
    "findings",
    "model",
    "details",
    "skipped",
}


def test_a_line_for_each_video(capsys: pytest.CaptureFixture[str], drawn_clip: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_text("no video")
    paths = [str(tmp_path / "bad.mp4"), str(drawn_clip), str(tmp_path / "missing.mp4")]
    assert main(["quality", "--profile", "lite", *paths]) == 3
    out, err = capsys.readouterr()
    (text,) = out.splitlines()
    line = json.loads(text)
    assert set(line) == KEYS
    assert line["path"] == str(drawn_clip)
    found = {finding["kind"]: finding for finding in line["findings"]}
    assert found["low_resolution"]["value"] == 180.0
    assert set(found["low_resolution"]) == {
        "kind",
        "start_seconds",
        "end_seconds",
        "worst_seconds",
        "value",
        "unit",
        "threshold",
        "sentence",
        "reason",
    }
    if any(item.component == "quality" and item.source == "bundled" for item in weights.entries()):
        assert line["native_range"][0] <= line["value"] <= line["native_range"][1]
        assert line["variant"] == "lite"
        assert len(line["timeline"]["seconds"]) == len(line["timeline"]["values"]) > 0
    else:
        assert line["value"] is None
        assert "quality" in line["skipped"]
    said = err.splitlines()
    assert len(said) == 2
    assert "bad.mp4" in said[0]
    assert "missing.mp4" in said[1]


def test_the_platform_decides_what_is_asked_for(drawn_clip: Path, tmp_path: Path) -> None:
    asked = {}
    for platform in ("tiktok", "instagram"):
        out = tmp_path / f"{platform}.jsonl"
        assert main(["quality", "--profile", "lite", "--platform", platform, "--json", str(out), str(drawn_clip)]) == 0
        (line,) = out.read_text().splitlines()
        asked[platform] = {f["kind"]: f["threshold"] for f in json.loads(line)["findings"]}
    assert asked["tiktok"]["low_resolution"] == 540
    assert asked["instagram"]["low_resolution"] == 720


def test_bad_use(capsys: pytest.CaptureFixture[str], drawn_clip: Path, tmp_path: Path) -> None:
    for argv in (["quality"], ["quality", "x.mp4", "--profile", "huge"], ["quality", "x.mp4", "--platform", "myspace"]):
        with pytest.raises(SystemExit) as stop:
            main(argv)
        assert stop.value.code == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert main(["quality", "--profile", "lite", "--json", str(tmp_path), str(drawn_clip)]) == 2
    assert capsys.readouterr().err.startswith("Can't write to")
