"""Degraded copies of a real clip: the advice names what was done, and applying it brings the promised points."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from recipes.advice import measure as advice
from virality_core import load_scorers, score_reel
from virality_core.advice import Change, candidates
from virality_core.advice.export import export
from virality_core.advice.trial import _edited, rescorer, with_advice
from virality_core.errors import InputError, UsageError
from virality_core.media import open_reel, probe
from virality_core.pipeline import Scorers
from virality_core.score import Weighting
from virality_core.scorers.measures import motion
from virality_core.types import FrameRun, Plan, Report


def _degraded(source: Path, out: Path, *, video: str = "null", audio: str = "anull") -> Path:
    """The first 4 s at half size, through the two FFmpeg filters."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-t", "4", "-i", str(source)]
    command += ["-vf", f"scale=240:426,{video}", "-af", audio, "-c:v", "libx264", "-crf", "12", "-preset", "veryfast"]
    subprocess.run([*command, "-c:a", "aac", "-b:a", "192k", str(out)], check=True)
    return out


def _advised(path: Path, lite: Scorers) -> Report:
    return with_advice(path, score_reel(path, scorers=lite), lite, budget_seconds=120.0)


@pytest.mark.parametrize("kind", ["exposure", "stabilise"])
def test_the_top_advice_names_the_fault_and_keeps_its_promise(kind: str, shared_media: Path, lite: Scorers) -> None:
    """Four seconds at half size, of two kinds; `python -m recipes.advice.measure` does all of them."""
    case = advice.Case(shared_media / "1e719ead.mp4", kind, 1)
    (row,) = advice.measure([case], lite, budget=120.0, seconds=4.0, width=240)["rows"]
    assert row["top"] == kind, row
    assert row["kept"] == pytest.approx(row["promised"], abs=1.0)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.skipif(not os.environ.get("VIRALITY_SOAK"), reason="runs for an hour: make soak")
def test_every_kind_and_strength(shared_media: Path, lite: Scorers) -> None:
    clips = sorted(shared_media.glob("*.mp4"))
    asked = advice.cases(clips, list(advice.DAMAGE), [0, 1, 2])
    found = advice.measure(asked, lite, budget=120.0)
    named, kept = found["top_advice_names_it"], found["kept_within_1_point"]
    assert named >= 0.8 * found["cases"], found
    assert kept >= 0.95 * found["applied"], found
    invented = [row for row in found["clean"] for kind, points in row["advice"] if kind in advice.DAMAGE and points > 3]
    assert not invented


def test_a_silent_start_moves_the_sound_where_nobody_speaks(shared_media: Path, lite: Scorers, tmp_path: Path) -> None:
    silent = _degraded(shared_media / "13bdbeb5.mp4", tmp_path / "silent.mp4", audio="volume=0:enable='lt(t,2)'")
    report = score_reel(silent, scorers=lite)
    moved = next(change for change in candidates(report) if change.sound_begin_seconds)
    promised = rescorer(silent, report, lite)(moved) - report.score
    assert promised > 1.0
    mended = score_reel(export(silent, tmp_path / "mended.mp4", moved), scorers=lite)
    assert mended.score - report.score == pytest.approx(promised, abs=0.3)
    first, before = mended.signal("first_sound"), report.signal("first_sound")
    assert first is not None
    assert before is not None
    assert (before.value, first.value) == (pytest.approx(2.0, abs=0.1), pytest.approx(0.05, abs=0.08))
    assert mended.provenance.video.duration_seconds == pytest.approx(report.provenance.video.duration_seconds)


@pytest.mark.parametrize("kind", ["mkv", "late"])
def test_a_copy_with_other_sound_keeps_its_picture(shared_media: Path, tmp_path: Path, kind: str) -> None:
    """Matroska states no decoding times, B-frames need them; a transport stream's clock begins anywhere."""
    out = tmp_path / ("reel.mkv" if kind == "mkv" else "reel.ts")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(shared_media / "1e719ead.mp4"), "-t", "2"]
    command += ["-c:v", "libx264", "-bf", "2", "-preset", "veryfast", "-vf", "scale=120:-2", "-c:a", "aac"]
    subprocess.run([*command, str(out)], check=True)
    louder = Change(kind="leading_silence", start=0.0, end=0.5, text="", promise=0.0, sound_begin_seconds=0.5)
    before, after = (probe(path) for path in (out, export(out, tmp_path / "copy.mp4", louder)))
    assert after.duration_seconds == pytest.approx(before.duration_seconds, abs=0.06)
    shown = [open_reel(path, Plan(stills=3)).frames.rgb.astype(int) for path in (out, tmp_path / "copy.mp4")]
    assert np.abs(shown[0] - shown[1]).mean() < 4


def test_bars_are_cut_off_whole(shared_media: Path, lite: Scorers, tmp_path: Path) -> None:
    barred = _degraded(shared_media / "421c8b59.mp4", tmp_path / "barred.mp4", video="pad=iw:620:0:97")
    report = score_reel(barred, scorers=lite)
    crop = next(one for one in candidates(report) if one.kind == "crop_bars")
    copy = export(barred, tmp_path / "copy.mp4", crop)
    frames = open_reel(copy, Plan(stills=4)).frames.rgb
    edges = frames[:, [0, 1, -2, -1]].max(axis=(0, 3))
    assert (np.percentile(edges, 95, axis=1) > 24).all(), "no dark line is left"
    assert frames.shape[1] > 410, "and no more than a line or two of the picture is lost"
    promised = rescorer(barred, report, lite)(crop)
    assert score_reel(copy, scorers=lite).score == pytest.approx(promised, abs=1.0)


def test_the_sound_is_not_moved_under_a_voice(shared_media: Path, lite: Scorers, tmp_path: Path) -> None:
    silent = _degraded(shared_media / "421c8b59.mp4", tmp_path / "silent.mp4", audio="volume=0:enable='lt(t,2)'")
    found = [one for one in candidates(score_reel(silent, scorers=lite)) if one.kind == "leading_silence"]
    assert [one.sound_begin_seconds for one in found] == [0.0]


def test_a_denoised_reel_moves_as_its_copy_does(shared_media: Path, lite: Scorers, tmp_path: Path) -> None:
    grainy = tmp_path / "grainy.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-t", "2", "-i", str(shared_media / "421c8b59.mp4")]
    command += ["-vf", "noise=alls=50:allf=t", "-an", "-c:v", "libx264", "-crf", "14", "-preset", "veryfast"]
    subprocess.run([*command, str(grainy)], check=True)
    report = score_reel(grainy, scorers=lite)
    change = next(one for one in candidates(report) if one.kind == "denoise")
    assert change.detail_only
    assert change.edit is not None
    before, plan = open_reel(grainy, Plan(stills=1, runs=True)), Plan(runs=True)

    def shake(run: FrameRun) -> float:
        return float(motion.shake_windows(motion.flow_steps(run, np.zeros(0), lambda: None))[1].mean())

    copied = shake(open_reel(export(grainy, tmp_path / "copy.mp4", change), plan).runs[0])
    tried, smoothed = (shake(_edited(before, change.edit, detail_only=only).runs[0]) for only in (True, False))
    assert abs(tried - copied) < 0.6 * abs(smoothed - copied)


def test_what_is_known_is_not_done_again(shared_media: Path, lite: Scorers, tmp_path: Path) -> None:
    clip = shared_media / "1e719ead.mp4"
    asked = advice.cases([clip], ["exposure"], [1])
    row = {"clip": clip.name, "degraded": "exposure", "strength": 1, "top": "exposure", "advice": [["exposure", 5.0]]}
    row |= {"promised": 5.0, "kept": 7.5}
    found = advice.measure(
        asked, lite, rows=[row], clean=[{"clip": clip.name, "advice": []}], out=tmp_path / "out.json"
    )
    assert (found["cases"], found["top_advice_names_it"], found["kept_within_1_point"]) == (1, 1, 0)
    assert found["largest_broken_promise"] == 2.5


def test_advice_as_json(shared_media: Path, lite: Scorers, tmp_path: Path) -> None:
    report = _advised(_degraded(shared_media / "1e719ead.mp4", tmp_path / "dark.mp4", video="eq=gamma=0.3"), lite)
    plain = report.to_dict()["advice"][0]
    assert set(plain) == {"id", "kind", "start", "end", "text", "points", "before", "after"}
    assert plain["kind"] == "exposure"
    assert plain["before"] == report.score


def test_a_clean_copy_is_left_alone(shared_media: Path, lite: Scorers, tmp_path: Path) -> None:
    clean = _degraded(shared_media / "421c8b59.mp4", tmp_path / "clean.mp4")
    report = _advised(clean, lite)
    degradations = {"exposure", "contrast", "white_balance", "denoise", "sharpen", "crop_bars", "loudness", "stabilise"}
    assert not [one for one in report.advice if one.kind in degradations and one.points > 3.0]


def test_another_caption_drops_the_advice(drawn_report: Report) -> None:
    from virality_core.types import Advice, Post
    from virality_core.what_if import with_caption

    old = Advice(kind="loudness", start=0.0, end=1.0, text="x", points=1.0, before=50.0, after=51.0)
    assert with_caption(replace(drawn_report, advice=(old,)), Post(caption="hello"), []).advice == ()


def test_what_can_not_be_exported_is_one_sentence(shared_media: Path, tmp_path: Path) -> None:
    from virality_core.advice import Change

    words = Change(kind="hashtags", start=0.0, end=1.0, text="x", promise=1.0, caption="hello")
    clip = shared_media / "1e719ead.mp4"
    with pytest.raises(UsageError, match="nothing to export"):
        export(clip, tmp_path / "out.mp4", words)
    louder = replace(words, kind="loudness", caption=None, gain=3.0)
    with pytest.raises(UsageError, match="reel itself"):
        export(clip, clip, louder)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    with pytest.raises(InputError, match="video"):
        export(broken, tmp_path / "out.mp4", louder)
    assert not list(tmp_path.glob(".export-*"))


def test_tried_changes_are_weighed_as_the_report_was(drawn_clip: Path, drawn_report: Report) -> None:
    weights = {"brightness": 1.0, "contrast": 3.0}
    values = tuple(weights.values())
    fitted = Weighting(way="learned", names=tuple(weights), shares=values, draws=np.array([values, values]))
    scorers = load_scorers("lite", device="cpu", weighting=fitted)
    report = score_reel(drawn_clip, scorers=scorers)
    nothing = Change(kind="exposure", start=0.0, end=2.0, text="as it is", promise=0.0, edit=lambda frame: frame)
    assert abs(report.score - drawn_report.score) > 3.0, "else the test could not tell"
    assert rescorer(drawn_clip, report, scorers)(nothing) == pytest.approx(report.score, abs=1.0)
