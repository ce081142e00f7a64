"""The command line's contract: exit codes, one sentence on stderr, JSON alone on stdout."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from virality_core.cli import main


def _run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    try:
        code = main(list(argv))
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def _is_one_sentence(err: str) -> bool:
    return err.endswith("\n") and err.count("\n") == 1 and "Traceback" not in err


@pytest.mark.parametrize(
    "argv",
    [
        ["score"],
        ["score", "x.mp4", "--platform", "vine"],
        ["score", "x.mp4", "--followers", "1.2M"],
        ["score", "x.mp4", "--followers", "-5"],
        ["score", "x.mp4", "--posted-at", "yesterday"],
        ["no-such-command"],
        [],
    ],
)
def test_bad_use_is_2_and_one_sentence(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    code, out, err = _run(capsys, *argv)
    assert code == 2
    assert out == ""
    assert _is_one_sentence(err), err


def test_a_file_that_is_not_there_is_3(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = _run(capsys, "score", str(tmp_path / "none.mp4"))
    assert (code, out) == (3, "")
    assert _is_one_sentence(err)
    assert "none.mp4" in err


@pytest.mark.parametrize(
    "caption", ["", "a" * 50_000, "مرحبا بالعالم", "🔥🔥🔥", "<b>bold</b> **md** [x](javascript:1)", "\ud800 lone"]
)
def test_json_alone_on_stdout(capsys: pytest.CaptureFixture[str], drawn_clip: Path, caption: str) -> None:
    code, out, err = _run(
        capsys,
        *["score", str(drawn_clip), f"--caption={caption}", "--followers", "1200", "--platform", "tiktok"],
        *["--posted-at", "2026-11-22T18:00+01:00", "--music", "original", "--profile", "lite", "--json", "-"],
    )
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert report["schema_version"] == 1
    assert math.fsum(c["points"] for c in report["contributions"]) == pytest.approx(report["score"], abs=1e-6)
    assert report["provenance"]["ran"] == "lite"
    names = {signal["name"] for signal in report["signals"]} | {skip["name"] for skip in report["skipped"]}
    assert {"aesthetics", "hook", "brightness", "sharpness", "motion", "pace"} <= names


def test_text_report_and_json_file(capsys: pytest.CaptureFixture[str], drawn_clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    code, out, err = _run(capsys, "score", str(drawn_clip), "--profile", "lite", "--json", str(target))
    assert (code, err) == (0, "")
    assert f"Score {json.loads(target.read_text())['score']:.1f} of 100" in out


def test_a_report_that_cannot_be_written_is_bad_use(
    capsys: pytest.CaptureFixture[str], drawn_clip: Path, tmp_path: Path
) -> None:
    code, _, err = _run(
        capsys, "score", str(drawn_clip), "--profile", "lite", "--json", str(tmp_path / "no" / "where.json")
    )
    assert code == 2
    assert _is_one_sentence(err)
