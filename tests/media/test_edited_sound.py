"""A copy that begins later begins to the sample: the coded frame around the new start is cut, not left out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest

from virality_core.media.encoding.edited_copy import Edits, write_edited

_BEEP = "aevalsrc='sin(2*PI*440*t)*gte(t,1.0)':s=48000:d=4"  # from 1 s on


@pytest.mark.parametrize(("suffix", "codec"), [(".mkv", "flac"), (".mp4", "aac")])
@pytest.mark.parametrize("wish", ["skip_seconds", "skip_sound_seconds"])
def test_no_coded_frame_of_sound_is_lost(tmp_path: Path, suffix: str, codec: str, wish: str) -> None:
    reel = tmp_path / f"reel{suffix}"
    sources = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=30:duration=4", "-f", "lavfi", "-i", _BEEP]
    coded = ["-c:v", "libx264", "-c:a", codec, *(["-frame_size", "16384"] if codec == "flac" else [])]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *sources, *coded, str(reel)]
    subprocess.run(command, check=True)
    copy = write_edited(reel, tmp_path / "copy.mp4", Edits(**{wish: 0.97}))
    with av.open(str(copy)) as container:
        frames = list(container.decode(audio=0))
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    assert frames[0].time == 0.0
    assert np.argmax(np.abs(samples) > 0.3) / 48_000 == pytest.approx(0.03, abs=0.003)
    assert len(samples) / 48_000 == pytest.approx(4 - 0.97, abs=0.05)
