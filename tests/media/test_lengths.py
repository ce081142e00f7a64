"""How long a reel is: by its picture, whatever its clock begins with and however long its sound is."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media.clips import Clip, tone
from virality_core.errors import InputError
from virality_core.media import Limits, open_reel, probe
from virality_core.types import Plan

MakeClip = Callable[..., Clip]
PLAN = Plan(stills=6, audio_rate=16_000)
MILLISECONDS = Fraction(1, 1000)


def shifted(clip: Clip, path: Path, *, by_seconds: float, sound_seconds: float = 0.0) -> Path:
    """The clip's packets in another file, all later (or earlier), with sound of another length."""
    options = {"avoid_negative_ts": "disabled"}
    with av.open(str(clip.path)) as source, av.open(str(path), "w", options=options) as target:
        stream = source.streams.video[0]
        out = target.add_stream_from_template(stream)
        sound = target.add_stream("aac", rate=48_000, layout="mono") if sound_seconds else None
        for packet in source.demux(stream):
            if packet.dts is None or packet.pts is None:
                continue
            move = round(by_seconds / packet.time_base)
            packet.pts, packet.dts, packet.stream = packet.pts + move, packet.dts + move, out
            target.mux(packet)
        if sound is not None:
            for frame in tone(sound_seconds, rate=48_000, start=round(by_seconds * 48_000)):
                target.mux(sound.encode(frame))
            target.mux(sound.encode(None))
    return path


@pytest.fixture
def clip(make_clip: MakeClip) -> Clip:
    return make_clip(frames=90, suffix=".mkv", time_base=MILLISECONDS)


@pytest.mark.parametrize("suffix", [".mkv", ".ts"])
def test_a_late_start_is_no_length(clip: Clip, tmp_path: Path, suffix: str) -> None:
    late = shifted(clip, tmp_path / f"late{suffix}", by_seconds=1300.0)
    assert probe(late).duration_seconds == pytest.approx(3.0, abs=0.1)
    reel = open_reel(late, PLAN)
    assert reel.info.duration_seconds == pytest.approx(3.0, abs=0.1)
    assert not [note for note in reel.notes if "ends early" in note]


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".mp4"])
def test_a_longer_sound_is_no_longer_reel(clip: Clip, tmp_path: Path, suffix: str) -> None:
    path = shifted(clip, tmp_path / f"sound{suffix}", by_seconds=0.0, sound_seconds=9.0)
    limits = Limits(max_seconds=5.0)
    probe(path, limits=limits)
    for plan in (PLAN, Plan(stills=6)):
        reel = open_reel(path, plan, limits=limits)
        assert reel.info.duration_seconds == pytest.approx(3.0, abs=0.1)
        assert not [note for note in reel.notes if "ends early" in note], reel.notes


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".ts"])
def test_a_longer_picture_is_refused(make_clip: MakeClip, suffix: str) -> None:
    path = make_clip(frames=90, suffix=suffix, sound=True).path
    with pytest.raises(InputError, match="minutes"):
        open_reel(path, PLAN, limits=Limits(max_seconds=2.0))


def test_the_length_is_told_in_minutes_and_seconds(make_clip: MakeClip) -> None:
    """20 minutes and a frame are taken; of 20:01 it is said that they are 20:01, not “20.0 minutes”."""
    stills = (("preset", "ultrafast"), ("g", "600"))
    exact = make_clip(frames=1200 * 2 + 1, rate=2, width=32, height=32, options=stills, draw=blank)
    longer = make_clip(frames=1201 * 2, rate=2, width=32, height=32, options=stills, draw=blank)
    assert open_reel(exact.path, Plan(stills=2)).info.duration_seconds == pytest.approx(1200.5)
    for door in (probe, lambda path: open_reel(path, Plan(stills=2))):
        with pytest.raises(InputError, match="lasts 20:01; the limit is 20:00 "):
            door(longer.path)


def blank(number: int, width: int, height: int) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


def test_repeated_times_are_told(make_clip: MakeClip, tmp_path: Path) -> None:
    """Two parts of a stream joined, the second with the clock of the first."""
    part = make_clip(frames=60, suffix=".ts").path.read_bytes()
    joined = tmp_path / "joined.ts"
    joined.write_bytes(part + part)
    assert any("60 frames have the same time as another" in note for note in open_reel(joined, PLAN).notes)
    alone = tmp_path / "alone.ts"
    alone.write_bytes(part)
    assert not [note for note in open_reel(alone, PLAN).notes if "same time as another" in note]


def test_times_before_zero(clip: Clip, tmp_path: Path) -> None:
    """Matroska has no times before zero: what was written with them comes without, and that is said."""
    path = shifted(clip, tmp_path / "before.mkv", by_seconds=-5.0)
    with pytest.raises(InputError, match="times before zero"):
        open_reel(path, PLAN)
