"""What the note on damage says: each damaged piece once, and how much of what was looked for came out."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.media.clips import Clip
from virality_core.media import open_reel
from virality_core.types import Plan

MakeClip = Callable[..., Clip]
PLAN = Plan(stills=90, hook_stills=4, runs=True, cuts=True, exact=True)
X264 = (("preset", "veryfast"), ("x264-params", "keyint=30:min-keyint=30:scenecut=0:bframes=0"))
VP9 = (("crf", "30"), ("b:v", "0"), ("deadline", "realtime"), ("cpu-used", "8"), ("g", "30"))
NOTE = re.compile(r"^([\d,]+) damaged (?:pieces|or missing frames) of the video .* ([\d,]+) of the ([\d,]+) frames")


def spoil(clip: Clip, path: Path, spoiled: range, content: bytes) -> Path:
    """The clip with another content in some of its packets."""
    with av.open(str(clip.path)) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        out = target.add_stream_from_template(stream)
        for number, packet in enumerate(source.demux(stream)):
            if packet.dts is None:
                continue
            copy = av.Packet(content if number in spoiled else bytes(packet))
            copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
            copy.time_base, copy.is_keyframe, copy.stream = packet.time_base, packet.is_keyframe, out
            target.mux(copy)
    return path


def damage_note(path: Path) -> tuple[int, int, int]:
    """Damaged pieces, frames seen and frames looked for, by the note."""
    notes = [match for note in open_reel(path, PLAN).notes if (match := NOTE.match(note))]
    assert len(notes) == 1
    pieces, seen, asked = (int(number.replace(",", "")) for number in notes[0].groups())
    return pieces, seen, asked


def test_each_damaged_piece_counts_once(make_clip: MakeClip, tmp_path: Path) -> None:
    clip = make_clip(frames=90, options=X264)
    pieces, seen, asked = damage_note(spoil(clip, tmp_path / "reel.mp4", range(60, 70), b"\0\0\0\1\xff" * 8))
    assert (pieces, asked) == (10, 90)
    assert 60 <= seen <= 80, "frames after the gap may lack what they refer to"


def test_frames_that_never_come_are_counted(make_clip: MakeClip, tmp_path: Path) -> None:
    """A codec may lose a frame without a word."""
    clip = make_clip(frames=90, codec="libvpx-vp9", suffix=".webm", time_base=Fraction(1, 1000), options=VP9)
    _, seen, asked = damage_note(spoil(clip, tmp_path / "reel.webm", range(60, 70), b"\x86\x00\x40\x92\x80"))
    assert (seen, asked) == (80, 90)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi", ".webm"])
def test_a_sound_file_has_no_such_note(make_clip: MakeClip, suffix: str) -> None:
    codec, options = {".webm": ("libvpx-vp9", VP9), ".avi": ("mpeg4", ())}.get(suffix, ("libx264", X264))
    reel = open_reel(make_clip(frames=90, codec=codec, suffix=suffix, options=options).path, PLAN)
    assert not [note for note in reel.notes if NOTE.match(note)]
