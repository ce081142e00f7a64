"""Sound of any number and order of channels, and damaged files of all kinds, taken or refused by one process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from tests.conftest import SHARED
from tests.media.mutations import mutations
from tests.soak import size

ROOT = Path(__file__).resolve().parents[2]
PCM, FLOATS = ("pcm_s16le",), ("pcm_f32le",)
OPUS_OF_ANY = ("libopus", "-mapping_family", "255")
UNKNOWN = "are in an order that isn't known"

#: (container, codec with its options, layout by ffmpeg's name or a number of channels without order)
TAKEN = (
    *(("mp4", ("aac",), layout) for layout in ("mono", "stereo", "quad", "5.1", "6.1", "7.1", "7.1(wide)")),
    *(("mkv", ("flac",), layout) for layout in ("mono", "5.1(side)", "6.1", "7.1")),
    *(("webm", ("libopus",), layout) for layout in ("mono", "stereo", "5.1", "7.1")),
    *(("mkv", PCM, layout) for layout in ("mono", "stereo", "5.1", "7.1", "hexadecagonal", "22.2")),
    *(("avi", PCM, layout) for layout in ("stereo", "7.1")),
    *(("mov", ("alac",), layout) for layout in ("stereo", "7.1(wide)")),
    ("mkv", OPUS_OF_ANY, "7.1"),
    ("mkv", OPUS_OF_ANY, 16),
    ("mkv", ("libvorbis",), "7.1"),
    ("mp4", ("ac3",), "5.1"),
    ("ts", ("mp2",), "stereo"),
    ("mov", PCM, "7.1"),
    ("mov", FLOATS, "22.2"),
)
UNREADABLE = (
    ("mov", PCM, "FR+FL"),
    ("mov", FLOATS, "FR+FL"),
    ("mov", PCM, "FR+FL+FC+LFE+BL+BR+SL+SR"),
    ("mov", FLOATS, "FC+FL+FR"),
    *(("mkv", codec, 9) for codec in (PCM, OPUS_OF_ANY, ("libvorbis",), ("wavpack",))),
    ("mov", PCM, 9),
)


def write_clip(path: Path, codec: tuple[str, ...], layout: str | int, seconds: float = 1.0) -> Path:
    """Moving pictures of 96 × 160 with a tone in each channel."""
    silent = {"22.2": 24, "hexadecagonal": 16, "7.1": 8, "7.1(wide)": 8, "6.1": 7, "5.1": 6, "5.1(side)": 6}
    silent |= {"mono": 1, "stereo": 2, "quad": 4}
    count = layout if isinstance(layout, int) else silent.get(layout, layout.count("+") + 1)
    tones = "|".join(f"0.2*sin({220 + 40 * channel}*2*PI*t)" for channel in range(count))
    order = "" if isinstance(layout, int) else f":c={layout}"
    pictures = "libvpx-vp9" if path.suffix == ".webm" else "libx264"
    drawn, heard = f"testsrc2=s=96x160:r=15:d={seconds}", f"aevalsrc='{tones}':s=48000:d={seconds}{order}"
    sources = ["-f", "lavfi", "-i", drawn, "-f", "lavfi", "-i", heard]
    coded = ["-c:v", pictures, "-pix_fmt", "yuv420p", "-c:a", *codec]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *sources, *coded, str(path)], check=True)
    return path


def open_all(folder: Path) -> dict[str, Mapping[str, Any]]:
    """What became of each file, in a process of its own that must outlive them all."""
    command = [sys.executable, "-m", "tests.media.open_all", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    rows = {row["file"]: row for row in map(json.loads, done.stdout.splitlines())}
    left = sorted({path.name for path in folder.iterdir()} - set(rows))
    assert done.returncode == 0, f"it ended at {left[0] if left else 'its end'}: {done.stderr[-3000:]}"
    return rows


@pytest.mark.slow
def test_any_number_and_order_of_channels(tmp_path: Path) -> None:
    for number, (container, codec, layout) in enumerate(TAKEN):
        write_clip(tmp_path / f"taken-{number}.{container}", codec, layout)
    for number, (container, codec, layout) in enumerate(UNREADABLE):
        write_clip(tmp_path / f"unreadable-{number}.{container}", codec, layout)
    for name, row in open_all(tmp_path).items():
        assert row["end"] == "taken", row
        if name.startswith("taken"):
            assert row["heard"], row
            assert "not written" not in row
        else:
            assert not row["heard"], row
            assert UNKNOWN in " ".join(row["notes"])
            assert UNKNOWN in row["not written"], "a copy without its sound would be a loss nobody asked for"


def test_clips_that_killed_the_process() -> None:
    folder = SHARED / "cases" / "crashing"
    if not folder.is_dir():
        pytest.skip("the shared cases are not there")
    rows = open_all(folder)
    assert rows["aac71.mp4"]["heard"]
    assert UNKNOWN in " ".join(rows["pcm61.mov"]["notes"])


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_damaged_clips_are_taken_or_refused(tmp_path: Path) -> None:
    sound = (("mp4", ("aac",), "stereo"), ("mp4", ("aac",), "7.1"), ("mov", PCM, "FR+FL"), ("mkv", ("flac",), "7.1"))
    sound += (
        ("webm", ("libopus",), "5.1"),
        ("ts", ("mp2",), "mono"),
        ("mov", FLOATS, "22.2"),
        ("mp4", ("ac3",), "5.1"),
    )
    clips = [
        write_clip(tmp_path / f"{number}.{container}", codec, layout).read_bytes()
        for number, (container, codec, layout) in enumerate(sound)
    ]
    folder = tmp_path / "damaged"
    folder.mkdir()
    for number, (kind, content) in enumerate(mutations(clips, size(400, 4000), seed=23)):
        (folder / f"{number:04d}-{kind}.mp4").write_bytes(content)
    rows = open_all(folder)
    ends = [row["end"] for row in rows.values()]
    assert min(ends.count("taken"), ends.count("refused")) > 0.1 * len(ends), "the damage is of no use"
