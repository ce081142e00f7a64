"""Every returned frame is the one its time stamp says: the number drawn in it is looked up in the clip's own times."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.media.clips import Clip, barcode, read_barcode, trim_by_edit_list
from virality_core.media import open_reel
from virality_core.media.container.source import Source, main_video
from virality_core.media.container.stream_index import StreamIndex, index_stream
from virality_core.media.decoding.gop_decoder import GopDecoder, plan_jobs
from virality_core.types import Plan, Reel

MakeClip = Callable[..., Clip]
EVERYTHING = Plan(stills=9, hook_stills=5, runs=True, clips=2)
EXACT = Plan(stills=9, hook_stills=5, runs=True, clips=2, exact=True)

X264 = (("preset", "veryfast"), ("crf", "18"))
VARIABLE = tuple(int(t) for t in np.cumsum(np.random.default_rng(1).choice([10, 20, 25, 40, 90], 120)))


def _x264(params: str) -> tuple[tuple[str, str], ...]:
    return (*X264, ("x264-params", params))


KINDS: dict[str, dict[str, Any]] = {
    "constant": {"frames": 150, "options": _x264("keyint=30")},
    "variable": {"ticks": VARIABLE, "options": _x264("keyint=30")},
    "rotated 90": {"frames": 120, "rotation": 90, "options": _x264("keyint=24"), "width": 96, "height": 160},
    "rotated 180": {"frames": 60, "rotation": 180, "options": _x264("keyint=24")},
    "rotated 270": {"frames": 60, "rotation": 270, "options": _x264("keyint=24"), "width": 96, "height": 160},
    "mirrored": {"frames": 60, "mirrored": True, "options": _x264("keyint=24")},
    "long group": {"frames": 300, "options": _x264("keyint=250:min-keyint=250:scenecut=0")},
    "open group": {"frames": 180, "options": _x264("open-gop=1:keyint=25:min-keyint=25:bframes=3:b-pyramid=2")},
    "HEVC 10 bit": {
        "frames": 120,
        "codec": "libx265",
        "pixel_format": "yuv420p10le",
        "options": (("preset", "ultrafast"), ("x265-params", "keyint=25:open-gop=1:bframes=4:log-level=none")),
    },
    "AV1": {"frames": 90, "codec": "libsvtav1", "options": (("preset", "8"), ("crf", "8"), ("g", "30"))},
    "VP9 with alpha": {
        "frames": 90,
        "codec": "libvpx-vp9",
        "suffix": ".webm",
        "pixel_format": "yuva420p",
        "time_base": Fraction(1, 1000),
        "options": (("deadline", "realtime"), ("cpu-used", "8"), ("crf", "20"), ("b:v", "0"), ("g", "30")),
        "draw": lambda number, width, height: np.dstack(
            [barcode(number, width, height), np.full((height, width), 255, np.uint8)]
        ),
    },
    "Matroska": {"frames": 90, "suffix": ".mkv", "time_base": Fraction(1, 1000), "options": _x264("keyint=30")},
    "transport stream": {
        "frames": 90,
        "suffix": ".ts",
        "time_base": Fraction(1, 90_000),
        "options": _x264("keyint=30"),
    },
    "AVI": {"frames": 60, "suffix": ".avi", "codec": "mpeg4", "time_base": Fraction(1, 30), "options": (("g", "12"),)},
    "fragmented": {
        "frames": 90,
        "options": _x264("keyint=30"),
        "container_options": (("movflags", "frag_keyframe+empty_moov"),),
    },
    "animated GIF": {
        "frames": 40,
        "rate": 10,
        "codec": "gif",
        "suffix": ".gif",
        "pixel_format": "rgb8",
        "time_base": Fraction(1, 100),
        "options": (),
    },
    "240 frames a second": {"frames": 600, "rate": 240, "time_base": Fraction(1, 2400), "options": _x264("keyint=240")},
    "odd size": {"frames": 40, "width": 161, "height": 97, "pixel_format": "yuv444p", "options": _x264("keyint=24")},
    "with sound": {"frames": 90, "sound": True, "options": _x264("keyint=30")},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("plan", [EVERYTHING, EXACT], ids=["keyframes", "exact"])
def test_each_frame_is_the_one_its_time_says(make_clip: MakeClip, kind: str, plan: Plan) -> None:
    clip = make_clip(**KINDS[kind])
    reel = open_reel(clip.path, plan)
    assert_times_are_true(reel, clip.seconds)
    assert_all_is_there(reel, clip.seconds, plan)


@pytest.mark.parametrize("plan", [EVERYTHING, EXACT], ids=["keyframes", "exact"])
@pytest.mark.parametrize("codec", ["no B-frames", "B-frames", "AV1"])
def test_trimmed_by_edit_list(make_clip: MakeClip, tmp_path: Path, plan: Plan, codec: str) -> None:
    params = f"keyint=40:min-keyint=40:scenecut=0:bframes={3 if codec == 'B-frames' else 0}"
    wishes = {**KINDS["AV1"], "frames": 150} if codec == "AV1" else {"frames": 150, "options": _x264(params)}
    clip = make_clip(**wishes)
    first, kept = 47, 80
    trimmed = trim_by_edit_list(clip.path, tmp_path / "trimmed.mp4", skip=Fraction(first, 30), keep=Fraction(kept, 30))
    seconds = {number: clip.seconds[number] - clip.seconds[first] for number in range(first, first + kept)}
    reel = open_reel(trimmed, plan)
    assert_times_are_true(reel, seconds)
    assert reel.info.frame_count == kept
    assert reel.info.duration_seconds == pytest.approx(kept / 30, abs=1e-3)
    assert reel.runs[0].seconds[0] == 0.0


def assert_times_are_true(reel: Reel, seconds: Any) -> None:
    """Every picture of the reel shows the number of the frame that is displayed at the picture's time."""
    shown: list[tuple[float, np.ndarray]] = list(zip(reel.frames.seconds, reel.frames.rgb, strict=True))
    assert reel.hook is not None
    shown += zip(reel.hook.seconds, reel.hook.rgb, strict=True)
    for run in reel.runs:
        shown += zip(run.seconds, run.luma, strict=True)
    assert reel.clips is not None
    for clip_seconds, clip_rgb in zip(reel.clips.seconds, reel.clips.rgb, strict=True):
        shown += zip(clip_seconds, clip_rgb, strict=True)
    wrong = [
        (float(when), number) for when, image in shown if abs(seconds[number := read_barcode(image)] - when) > 1e-3
    ]
    assert not wrong, f"{len(wrong)} of {len(shown)} frames are not those of their time: {wrong[:5]}"


def assert_all_is_there(reel: Reel, seconds: tuple[float, ...], plan: Plan) -> None:
    """As many pictures as asked for, each once, where the plan wants them."""
    duration = reel.info.duration_seconds
    assert len(reel.frames) == plan.stills
    assert (np.diff(reel.frames.seconds) > 0).all()
    places = (np.arange(plan.stills) + 0.5) * duration / plan.stills
    longest = float(np.max(np.diff(seconds)))
    reach = longest if plan.exact else duration / plan.stills / 2 + longest
    assert (np.abs(reel.frames.seconds - places) <= reach + 1e-3).all()
    assert reel.hook is not None
    assert len(reel.hook) == plan.hook_stills
    run = reel.runs[0]
    np.testing.assert_allclose(run.seconds, [s for s in seconds if s < 3.0 - 1e-9][: len(run)], atol=1e-3)
    assert len(run) == sum(s < 3.0 - 1e-3 for s in seconds)
    for short in reel.runs[1:]:
        first = int(np.argmin(np.abs(np.array(seconds) - short.seconds[0])))
        np.testing.assert_allclose(short.seconds, seconds[first : first + len(short)], atol=1e-3)
    assert reel.info.frame_count == len(seconds)
    assert reel.notes == () or reel.notes[0].startswith(("The file has no sound", "The video has transparent"))


def indexed(path: Path) -> tuple[Source, StreamIndex]:
    source = Source(path)
    with source.open() as container:
        stream = main_video(container, source.name)
        return source, index_stream(source, container, stream, progress=lambda *_: None)


def test_keyframes_that_are_none(make_clip: MakeClip) -> None:
    """A container that calls every frame a keyframe misleads nobody."""
    clip = make_clip(**KINDS["constant"])
    source, true = indexed(clip.path)
    keys = np.ones_like(true.is_key)
    index = replace(true, is_key=keys, key_packets=np.flatnonzero(keys))
    decoder = GopDecoder(source, index, threads=1)
    with closing(source), closing(decoder):
        for pts in index.frame_pts[[5, 44, 100, 149]].tolist():
            ((wanted, frame),) = [pair for job in plan_jobs(index, [pts]) for pair in decoder.frames(job)]
            assert wanted == frame.pts == pts
            assert clip.seconds[read_barcode(frame.to_ndarray(format="rgb24"))] == pytest.approx(
                float(index.seconds(pts)), abs=1e-3
            )


@pytest.mark.parametrize("kind", ["open group", "HEVC 10 bit"])
def test_frames_shown_before_their_open_groups_keyframe_start_at_the_one_before(make_clip: MakeClip, kind: str) -> None:
    source, index = indexed(make_clip(**KINDS[kind]).path)
    source.close()
    leading = 0
    for pts in index.frame_pts.tolist():
        (job,) = plan_jobs(index, [pts])
        assert index.pts[job.first] <= pts
        assert index.is_key[job.first]
        leading += bool(index.is_key[job.first + 1 : job.last].any())
    assert leading >= 4, "the clip has no open groups: nothing was tested"


def test_pixels_come_out_square(make_clip: MakeClip) -> None:
    clip = make_clip(frames=20, pixel_aspect=Fraction(2), options=_x264("keyint=10"))
    reel = open_reel(clip.path, EVERYTHING)
    assert (reel.info.width, reel.info.height) == (320, 96)
    assert reel.frames.rgb.shape[1:3] == (96, 320)
    assert_times_are_true(reel, clip.seconds)
    turned = make_clip(
        frames=20, pixel_aspect=Fraction(1, 2), rotation=90, width=96, height=160, options=_x264("keyint=10")
    )
    reel = open_reel(turned.path, EVERYTHING)
    assert (reel.info.width, reel.info.height, reel.info.rotation_degrees) == (96, 80, 270)
    assert_times_are_true(reel, turned.seconds)


def test_large_stills_are_scaled_to_the_budget(make_clip: MakeClip) -> None:
    clip = make_clip(frames=20, options=_x264("keyint=10"))
    reel = open_reel(clip.path, Plan(stills=3, hook_stills=2, pixel_budget=40 * 24))
    assert reel.frames.rgb.shape == (3, 24, 40, 3)
    assert (reel.info.width, reel.info.height) == (160, 96)
    assert [clip.seconds[read_barcode(image)] for image in reel.frames.rgb] == pytest.approx(reel.frames.seconds)


def test_a_transport_streams_clock_starts_anywhere(make_clip: MakeClip) -> None:
    """Zero is where the earlier of picture and sound begins, and both keep their distance."""
    clip = make_clip(
        frames=90,
        sound=True,
        suffix=".ts",
        time_base=Fraction(1, 90_000),
        options=_x264("keyint=30"),
    )
    reel = open_reel(clip.path, Plan(stills=5, exact=True, audio_rate=8000))
    offsets = [
        seconds - clip.seconds[read_barcode(image)]
        for seconds, image in zip(reel.frames.seconds, reel.frames.rgb, strict=True)
    ]
    assert np.ptp(offsets) < 1e-3
    assert reel.audio is not None
    assert min(offsets[0], reel.audio.start_seconds) == pytest.approx(0.0, abs=1e-3)
    assert max(offsets[0], reel.audio.start_seconds) < 0.1
