"""The browser's copy: same frames at the same times, upright, H.264 with its index in front; and when one is needed."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest

from tests.media.clips import Clip, read_barcode
from virality_core.errors import Cancelled, InputError
from virality_core.media import open_reel, playable, preview_mp4, probe
from virality_core.types import AudioInfo, Plan

MakeClip = Callable[..., Clip]
X264 = (("preset", "veryfast"), ("crf", "18"), ("x264-params", "keyint=30"))
VARIABLE = (0, *(int(t) for t in np.cumsum(np.random.default_rng(2).choice([10, 20, 25, 40], 39))))

KINDS: dict[str, dict[str, Any]] = {
    "variable": {"ticks": VARIABLE, "options": X264, "sound": True},
    "rotated": {"frames": 40, "rotation": 90, "options": X264, "width": 96, "height": 160},
    "HEVC 10 bit": {
        "frames": 40,
        "codec": "libx265",
        "pixel_format": "yuv420p10le",
        "options": (("preset", "ultrafast"), ("x265-params", "keyint=25:log-level=none")),
    },
    "odd size": {"frames": 20, "width": 161, "height": 97, "pixel_format": "yuv444p", "options": X264},
    "GIF": {
        "frames": 20,
        "rate": 10,
        "codec": "gif",
        "suffix": ".gif",
        "pixel_format": "rgb8",
        "time_base": Fraction(1, 100),
        "options": (),
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_same_frames_at_the_same_times(make_clip: MakeClip, kind: str) -> None:
    clip = make_clip(**KINDS[kind])
    data = preview_mp4(clip.path)
    assert data.index(b"moov") < data.index(b"mdat")
    info = probe(io.BytesIO(data), name="preview.mp4")
    assert playable(info)
    assert (info.codec, info.pixel_format, info.rotation_degrees) == ("h264", "yuv420p", 0)
    assert (info.width, info.height) == (clip.spec.width // 2 * 2, clip.spec.height // 2 * 2)
    reel = open_reel(io.BytesIO(data), Plan(stills=len(clip.seconds), exact=True), name="preview.mp4")
    assert reel.info.frame_count == len(clip.seconds)
    for seconds, image in zip(reel.frames.seconds, reel.frames.rgb, strict=True):
        assert clip.seconds[read_barcode(image)] == pytest.approx(seconds, abs=2e-3)
    assert (info.audio is not None) == clip.spec.sound


def test_longer_side_is_bounded_and_sound_keeps_its_place(make_clip: MakeClip) -> None:
    clip = make_clip(**KINDS["variable"])
    data = preview_mp4(clip.path, max_side=64)
    reel = open_reel(io.BytesIO(data), Plan(audio_rate=8000), name="preview.mp4")
    assert (reel.info.width, reel.info.height) == (64, 38)
    assert reel.audio is not None
    assert reel.audio.start_seconds == pytest.approx(0.0, abs=0.03)
    assert np.sqrt(np.mean(reel.audio.samples[2000:-2000] ** 2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


def test_cancel(make_clip: MakeClip) -> None:
    def progress(stage: str, fraction: float) -> None:
        if stage == "preparing the preview" and fraction > 0.3:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        preview_mp4(make_clip(**KINDS["variable"]).path, progress=progress)


def test_no_preview_of_what_is_no_video() -> None:
    with pytest.raises(InputError):
        preview_mp4(io.BytesIO(b"hello"), name="reel.mp4")


def test_what_browsers_play(make_clip: MakeClip) -> None:
    info = probe(make_clip(**KINDS["variable"]).path)
    assert playable(info)
    assert not playable(probe(make_clip(**KINDS["HEVC 10 bit"]).path))
    assert not playable(probe(make_clip(**KINDS["odd size"]).path)), "4:4:4"
    assert not playable(probe(make_clip(**KINDS["GIF"]).path))
    assert not playable(replace(info, transfer="hlg"))
    assert not playable(replace(info, codec="mpeg4"))
    assert not playable(replace(info, container="avi"))
    assert not playable(replace(info, audio=AudioInfo(codec="ac3", channels=2, sample_rate=48_000, duration_seconds=1)))
    webm = replace(info, container="matroska,webm", codec="vp9", audio=None)
    assert playable(replace(webm, name="a.webm"))
    assert not playable(replace(webm, name="a.mkv"))


def test_the_copy_can_be_decoded_by_anyone(make_clip: MakeClip) -> None:
    clip = make_clip(**KINDS["rotated"])
    with av.open(io.BytesIO(preview_mp4(clip.path))) as container:
        frames = list(container.decode(video=0))
    assert [read_barcode(frame.to_ndarray(format="rgb24")) for frame in frames] == list(range(40))
    assert all(frame.rotation == 0 for frame in frames)
