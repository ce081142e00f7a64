"""The command line's contract: exit codes, one sentence on stderr, JSON alone on stdout."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.media.clips import Clip
from virality_core.cli import main, score


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
        ["score", "x.mp4", "--followers", "many"],
        ["score", "x.mp4", "--followers", "1.5"],
        ["score", "x.mp4", "--followers", "1,5"],
        ["score", "x.mp4", "--followers", "-5"],
        ["score", "x.mp4", "--posted-at", "yesterday"],
        ["score", "x.mp4", "--advice", "--advice-seconds", "0"],
        ["score", "x.mp4", "--advice", "--advice-seconds", "nan"],
        ["score", "x.mp4", "--advice-seconds", "5"],
        ["score", "x.mp4", "--export-fix", "out.mp4"],
        ["no-such-command"],
        [],
    ],
)
def test_bad_use_is_2_and_one_sentence(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    code, out, err = _run(capsys, *argv)
    assert code == 2
    assert out == ""
    assert _is_one_sentence(err), err


@pytest.mark.parametrize(
    ("typed", "followers"), [("3000", 3000), ("3k", 3000), ("1.2M", 1_200_000), ("1.1m", 1_100_000), ("10,000", 10_000)]
)
@pytest.mark.parametrize("platform", ["Instagram", "tiktok", "YouTube"])
def test_counts_and_platforms_as_people_type_them(typed: str, followers: int, platform: str) -> None:
    parser = argparse.ArgumentParser()
    score.add_parser(parser.add_subparsers())
    counts = [f"--{name}={typed}" for name in ("followers", "following", "videos", "music-uses")]
    args = parser.parse_args(["score", "x.mp4", *counts, "--platform", platform])
    assert {args.followers, args.following, args.videos, args.music_uses} == {followers}
    assert args.platform == platform.lower()


def test_a_file_that_is_not_there_is_3(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = _run(capsys, "score", str(tmp_path / "none.mp4"))
    assert (code, out) == (3, "")
    assert _is_one_sentence(err)
    assert "none.mp4" in err


@pytest.mark.parametrize(
    "caption", ["a" * 50_000, "مرحبا بالعالم 🔥🔥🔥 <b>bold</b> **md** [x](javascript:1)", "\ud800 lone"]
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


def test_the_text_report_says_it_in_plain_words(capsys: pytest.CaptureFixture[str], drawn_clip: Path) -> None:
    plain = ["score", str(drawn_clip), "--caption", "I love this so much #fyp", "--profile", "lite"]
    code, out, err = _run(capsys, *plain)
    assert (code, err) == (0, "")
    for words in (
        "What costs you most:",
        "Technical faults",
        "Measured, without points:",
        "Sentiment: sounds",
        "of its height",
    ):
        assert words in out
    for unit in ("NIMA rating", "L* RMS", "cycles per short side", "ln engagement", "e+0", "tiktok-vn"):
        assert unit not in out
    _, out, _ = _run(capsys, *plain, "--details")
    assert "NIMA rating" in out
    assert "cycles per short side" in out


def test_what_is_wrong_with_a_file_stands_at_its_score(
    capsys: pytest.CaptureFixture[str], make_clip: Callable[..., Clip], tmp_path: Path
) -> None:
    whole = make_clip(frames=60, width=180, height=320, container_options=(("movflags", "faststart"),)).path
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: int(0.6 * whole.stat().st_size)])
    code, out, _ = _run(capsys, "score", str(cut), "--profile", "lite")
    assert code == 0
    score, note = out.splitlines()[1:3]
    assert score.startswith("Score ")
    assert note.startswith("Note: The file ends early or is damaged")


@pytest.mark.parametrize("options", [["--json"], ["--advice", "--export-fix"]])
def test_what_is_written_does_not_overwrite_the_video(
    capsys: pytest.CaptureFixture[str], drawn_clip: Path, tmp_path: Path, options: list[str]
) -> None:
    video = tmp_path / "reel.mp4"
    video.write_bytes(drawn_clip.read_bytes())
    code, _, err = _run(capsys, "score", str(video), *options, str(tmp_path / "." / "reel.mp4"))
    assert code == 2
    assert _is_one_sentence(err)
    assert "would overwrite" in err, "said before anything is scored"
    assert video.read_bytes() == drawn_clip.read_bytes()
