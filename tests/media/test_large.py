"""What large pictures may cost: memory reckoned from the pictures that a decoder holds, work counted in pixels."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from tests.media.clips import Clip
from virality_core.errors import Cancelled, InputError
from virality_core.media import Limits, open_reel, probe
from virality_core.media.container.source import Source
from virality_core.media.decoding.frame_decoder import FrameDecoder
from virality_core.media.decoding.opened_video import open_video
from virality_core.media.guards import decoder_memory
from virality_core.types import FULL_HD_PIXELS, Plan, no_progress

MakeClip = Callable[..., Clip]
PLAN = Plan(stills=6, hook_stills=4, runs=True, cuts=True, clips=1)


def x264(refs: int) -> tuple[tuple[str, str], ...]:
    return (("preset", "veryfast"), ("x264-params", f"ref={refs}:bframes=2:keyint=30:scenecut=0"))


def at_once(path: Path) -> int:
    with av.open(str(path)) as container:
        return decoder_memory.frames_at_once(container.streams.video[0].codec_context)


@pytest.mark.parametrize("refs", [1, 3, 5, 16])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p10le"])
@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
def test_reference_frames_of_h264_are_read(make_clip: MakeClip, refs: int, pixel_format: str, suffix: str) -> None:
    clip = make_clip(frames=30, options=x264(refs), pixel_format=pixel_format, suffix=suffix)
    assert refs <= at_once(clip.path) - 2 <= max(4, refs + 1), "B-frames that others refer to need 4"


@pytest.mark.parametrize("refs", [1, 4, 8])
def test_pictures_held_by_hevc_are_read(make_clip: MakeClip, refs: int) -> None:
    options = (("preset", "ultrafast"), ("x265-params", f"ref={refs}:bframes=3:log-level=0"))
    found = at_once(make_clip(frames=30, codec="libx265", options=options).path) - 2
    assert refs < found <= refs + 4


def test_a_damaged_header_counts_as_the_most(make_clip: MakeClip) -> None:
    with av.open(str(make_clip(frames=30, options=x264(1)).path)) as container:
        context = container.streams.video[0].codec_context
        extradata = bytes(context.extradata or b"")
        for end in range(6, 12):
            context.extradata = extradata[:end]
            assert decoder_memory.frames_at_once(context) >= 16


def test_too_many_pictures_at_once_are_refused(make_clip: MakeClip) -> None:
    """By the header alone: the same clip with fewer reference frames passes."""
    limits = Limits(max_decoder_bytes=10 * 160 * 96 * 6)
    few, many = (make_clip(frames=30, options=x264(refs), pixel_format="yuv444p10le").path for refs in (3, 16))
    open_reel(few, PLAN, limits=limits)
    for door in (probe, lambda path, limits: open_reel(path, PLAN, limits=limits)):
        with pytest.raises(InputError, match="at once"):
            door(many, limits=limits)


def test_pictures_of_many_bytes_are_refused(make_clip: MakeClip) -> None:
    limits = Limits(max_frame_bytes=160 * 96 * 2)
    open_reel(make_clip(frames=30, options=x264(3)).path, PLAN, limits=limits)
    deep = make_clip(frames=30, options=x264(3), pixel_format="yuv444p10le").path
    with pytest.raises(InputError, match="the limit is"):
        open_reel(deep, PLAN, limits=limits)


def test_the_limits_let_8k_of_ten_bits_pass() -> None:
    limits = Limits()
    for name, bits in (("yuv420p", 12), ("yuv420p10le", 24), ("yuv422p10le", 32)):
        format_ = av.VideoFormat(name, 7680, 4320)
        assert decoder_memory.frame_bytes(7680, 4320, format_) == 7680 * 4320 * bits // 8 <= limits.max_frame_bytes
    assert (
        10 * decoder_memory.frame_bytes(7680, 4320, av.VideoFormat("yuv420p10le", 7680, 4320))
        <= limits.max_decoder_bytes
    )


def opened_decoder(path: Path, use: Callable[[FrameDecoder], None]) -> None:
    with Source(path) as source, open_video(source, no_progress) as decoder:
        use(decoder)


def test_heavy_pictures_are_decoded_by_one_worker(make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    heavy = make_clip(frames=30, options=x264(16), pixel_format="yuv444p10le").path

    def light(decoder: FrameDecoder) -> None:
        assert decoder._worker_count(10) == 4
        assert decoder._threads_per_worker(1) == 8

    def single(decoder: FrameDecoder) -> None:
        assert decoder._worker_count(10) == 1
        assert decoder._threads_per_worker(1) == 1

    opened_decoder(heavy, light)
    monkeypatch.setattr("virality_core.media.decoding.frame_decoder._MAX_POOL_BYTES", 19 * 160 * 96 * 6)
    opened_decoder(heavy, single)


def test_work_is_counted_in_pixels(make_clip: MakeClip) -> None:
    """A frame of four times full HD costs four, one below full HD a whole one."""
    small = make_clip(frames=30, options=x264(1))
    large = make_clip(frames=30, width=3840, height=2160, options=(("preset", "ultrafast"), ("crf", "40"), ("g", "30")))
    plan = Plan(stills=30, exact=True)
    limits = Limits(max_decoded_frames=60)
    open_reel(small.path, plan, limits=limits)
    with pytest.raises(InputError, match="too long to decode"):
        open_reel(large.path, plan, limits=limits)
    assert 4 * FULL_HD_PIXELS == 3840 * 2160


@pytest.mark.parametrize("stage", ["decoding", "cuts"])
def test_cancelling_is_heard_where_no_frame_comes(tmp_path: Path, stage: str) -> None:
    """Tens of thousands of damaged packets in one group: whoever cancels is heard between two of them."""
    path = tmp_path / "garbage.avi"
    garbage_avi(path, good=300, bad=30_000)
    longest, last, cancelled_at = 0.0, time.process_time(), None

    def progress(now_at: str, fraction: float) -> None:
        nonlocal longest, last, cancelled_at
        now = time.process_time()
        longest, last = max(longest, now - last), now
        if now_at == stage and fraction > 0.1:
            cancelled_at = cancelled_at or now
            raise Cancelled

    with pytest.raises(Cancelled):
        open_reel(path, PLAN, progress=progress)
    assert longest < 2.0
    assert cancelled_at is not None
    assert time.process_time() - cancelled_at < 1.0
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode-")]


def garbage_avi(path: Path, *, good: int, bad: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=240)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuvj420p"
        picture = av.VideoFrame(16, 16, "yuvj420p")
        for plane in picture.planes:
            plane.update(bytes(plane.buffer_size))
        picture.pts = 0
        encoded = next(iter(stream.encode(picture)))
        whole = bytes(encoded)
        for number in range(good + bad):
            packet = av.Packet(whole if number < good else b"\xff\xd8\x00")
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, encoded.time_base
            packet.is_keyframe = True
            container.mux(packet)
