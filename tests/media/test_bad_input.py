"""What is refused, with one plain sentence, and what is scored in spite of its faults, with a note.

Longer than other files: one list of odd files, which a reader wants to see whole.
"""

from __future__ import annotations

import io
import os
import struct
import threading
import time
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests.media.clips import Clip, barcode, read_barcode, tone
from virality_core.errors import Cancelled, InputError
from virality_core.media import Limits, open_reel, probe
from virality_core.types import Plan

MakeClip = Callable[..., Clip]
PLAN = Plan(stills=6, hook_stills=4, runs=True, cuts=True, clips=1, audio_rate=16_000)
OPTIONS = (("preset", "veryfast"), ("crf", "18"), ("x264-params", "keyint=30:min-keyint=30:scenecut=0"))


@pytest.fixture
def clip(make_clip: MakeClip) -> Clip:
    return make_clip(frames=150, options=OPTIONS, container_options=(("movflags", "+faststart"),))


def png() -> bytes:
    return bytes(cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1])


def refusal(path: Path, *, limits: Limits | None = None) -> str:
    """The sentence both doors refuse the file with."""
    limits = limits or Limits()
    with pytest.raises(InputError) as by_reel:
        open_reel(path, PLAN, limits=limits)
    message = str(by_reel.value)
    assert message.endswith(".")
    assert "\n" not in message
    assert "Traceback" not in message
    assert "Errno" not in message
    assert path.name in message
    return message


REFUSED: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "empty": ("reel.mp4", lambda: b"", "is empty"),
    "text": ("reel.mp4", lambda: b"I am a reel.\n" * 100, "text file"),
    "one letter": ("reel.mp4", lambda: b"a", "text file"),
    "noise": ("reel.mp4", lambda: np.random.default_rng(0).bytes(5000), "can't be read as a video"),
    "png": ("reel.mp4", png, "PNG picture"),
    "jpeg": ("reel.jpg", lambda: bytes(cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1]), "JPEG picture"),
    "webp": ("reel.webp", lambda: bytes(cv2.imencode(".webp", np.zeros((8, 8, 3), np.uint8))[1]), "WebP picture"),
    "bmp": ("reel.bmp", lambda: bytes(cv2.imencode(".bmp", np.zeros((8, 8, 3), np.uint8))[1]), "BMP picture"),
    "tiff": ("reel.mp4", lambda: bytes(cv2.imencode(".tiff", np.zeros((8, 8, 3), np.uint8))[1]), "TIFF picture"),
    "avif": ("reel.mp4", lambda: bytes(cv2.imencode(".avif", np.zeros((64, 64, 3), np.uint8))[1]), "AVIF"),
    "pdf": ("reel.mp4", lambda: b"%PDF-1.7\n" + bytes(100), "PDF"),
    "zip": ("reel.mp4", lambda: b"PK\x03\x04" + bytes(100), "ZIP"),
    "svg": ("reel.mp4", lambda: b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', "text file"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(tmp_path: Path, kind: str) -> None:
    name, data, expected = REFUSED[kind]
    path = tmp_path / name
    path.write_bytes(data())
    assert expected in refusal(path)
    with pytest.raises(InputError, match=expected.replace("(", r"\(")):
        probe(path)


def test_still_gif_is_refused(make_clip: MakeClip) -> None:
    still = make_clip(frames=1, codec="gif", suffix=".gif", pixel_format="rgb8", time_base=Fraction(1, 100), options=())
    assert "single picture" in refusal(still.path)


def test_missing_file(tmp_path: Path) -> None:
    assert "no file" in refusal(tmp_path / "nothing.mp4")
    assert "a folder" in refusal(tmp_path)


def test_truncated_before_moov(make_clip: MakeClip, tmp_path: Path) -> None:
    whole = make_clip(frames=150, options=OPTIONS).path.read_bytes()
    assert whole.index(b"moov") > whole.index(b"mdat")
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: len(whole) // 2])
    assert "moov" in refusal(path)


def test_sound_only(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=48_000, layout="mono")
        for frame in tone(1.0, rate=48_000):
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    assert "sound but no video" in refusal(path)


def test_over_the_limits(clip: Clip) -> None:
    assert "MB" in refusal(clip.path, limits=Limits(max_bytes=1000))
    assert "minutes" in refusal(clip.path, limits=Limits(max_seconds=4.0))
    assert "160×96" in refusal(clip.path, limits=Limits(max_pixels=160 * 96 - 1))
    assert "frames" in refusal(clip.path, limits=Limits(max_packets=100))
    assert "too long to decode" in refusal(clip.path, limits=Limits(max_decoded_frames=40))


def test_a_length_that_only_the_packets_tell(tmp_path: Path, clip: Clip) -> None:
    """A header that claims less than the file holds does not get a longer reel past the limit."""
    data = bytearray(clip.path.read_bytes())
    for box in (b"mvhd", b"mdhd"):
        place = data.index(box) + 4
        struct.pack_into(">I", data, place + 16, 1)
    path = tmp_path / "liar.mp4"
    path.write_bytes(data)
    assert "minutes" in refusal(path, limits=Limits(max_seconds=4.0))


def test_truncated_after_moov(clip: Clip, tmp_path: Path) -> None:
    whole = clip.path.read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: int(len(whole) * 0.6)])
    reel = open_reel(path, PLAN)
    assert any("ends early" in note for note in reel.notes)
    assert 1.0 < reel.info.duration_seconds < 4.5
    assert len(reel.frames) == PLAN.stills
    for seconds, image in zip(reel.frames.seconds, reel.frames.rgb, strict=True):
        assert clip.seconds[read_barcode(image)] == pytest.approx(seconds, abs=1e-3)


def test_truncated_fragments(make_clip: MakeClip, tmp_path: Path) -> None:
    movflags = (("movflags", "frag_keyframe+empty_moov"),)
    whole = make_clip(frames=150, options=OPTIONS, container_options=movflags).path.read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: int(len(whole) * 0.7)])
    reel = open_reel(path, PLAN)
    assert len(reel.frames) == PLAN.stills
    assert reel.info.duration_seconds > 1.0


def test_corrupt_stretch(make_clip: MakeClip, tmp_path: Path) -> None:
    clip = make_clip(frames=240, options=OPTIONS, width=320, height=192)
    data = bytearray(clip.path.read_bytes())
    start, size = data.index(b"mdat") + 4, struct.unpack(">I", data[data.index(b"mdat") - 4 : data.index(b"mdat")])[0]
    first, last = start + int(size * 0.4), start + int(size * 0.6)
    data[first:last] = np.random.default_rng(0).bytes(last - first)
    path = tmp_path / "corrupt.mp4"
    path.write_bytes(data)
    reel = open_reel(path, Plan(stills=12, hook_stills=4, runs=True, exact=True))
    assert any("damaged" in note for note in reel.notes), reel.notes
    assert len(reel.frames) >= 6
    right = 0
    for seconds, image in zip(reel.frames.seconds, reel.frames.rgb, strict=True):
        try:
            right += abs(clip.seconds[read_barcode(image)] - seconds) < 1e-3
        except (ValueError, IndexError):
            continue
    assert right >= 6


def test_a_destroyed_opening(make_clip: MakeClip, tmp_path: Path) -> None:
    """Nothing of the first seconds can be decoded: the rest is scored."""
    clip = make_clip(frames=240, options=OPTIONS, width=320, height=192)
    data = bytearray(clip.path.read_bytes())
    start, size = data.index(b"mdat") + 4, struct.unpack(">I", data[data.index(b"mdat") - 4 : data.index(b"mdat")])[0]
    data[start : start + int(size * 0.5)] = bytes(int(size * 0.5))
    path = tmp_path / "corrupt.mp4"
    path.write_bytes(data)
    reel = open_reel(path, PLAN)
    assert any("damaged" in note for note in reel.notes), reel.notes
    assert reel.frames.seconds[-1] > 6.0
    assert all(len(run) for run in reel.runs)
    readable = [
        read_barcode(image) for seconds, image in zip(reel.frames.seconds, reel.frames.rgb, strict=True) if seconds > 5
    ]
    assert [clip.seconds[number] for number in readable] == pytest.approx(
        [s for s in reel.frames.seconds if s > 5], abs=1e-3
    )


@pytest.mark.parametrize("frames", [1, 2, 6])
def test_very_short(make_clip: MakeClip, frames: int) -> None:
    reel = open_reel(make_clip(frames=frames, options=OPTIONS).path, PLAN)
    assert 1 <= len(reel.frames) <= frames
    assert reel.info.frame_count == frames
    assert reel.clips is not None
    assert reel.clips.rgb.shape[:2] == (1, 16)
    assert any("looped" in note for note in reel.notes)
    assert reel.info.duration_seconds == pytest.approx(frames / 30, abs=0.04)


@pytest.mark.parametrize(("width", "height"), [(16, 16), (2, 2), (4096, 16), (62, 1922)])
def test_odd_shapes(make_clip: MakeClip, width: int, height: int) -> None:
    clip = make_clip(frames=3, width=width, height=height, options=OPTIONS)
    reel = open_reel(clip.path, PLAN)
    assert reel.frames.rgb.shape[1:] == (height, width, 3)


def test_8k_is_scaled_to_the_budget(make_clip: MakeClip) -> None:
    clip = make_clip(frames=2, width=7680, height=4320, options=(("preset", "ultrafast"), ("crf", "30")))
    reel = open_reel(clip.path, Plan(stills=2))
    assert reel.info.width == 7680
    assert reel.frames.rgb.shape[1:] == (1080, 1920, 3)
    assert [read_barcode(image) for image in reel.frames.rgb] == [0, 1]


@pytest.mark.parametrize("name", ["a b.mp4", "🎬✨.mp4", "-rf.mp4", "http:x.mp4", "%d.mp4", "file:x.mp4", "[1].mp4"])
def test_odd_names(clip: Clip, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(clip.path.read_bytes())
    assert open_reel(path, Plan(stills=2)).info.name == name


def test_a_name_is_never_a_path(clip: Clip) -> None:
    upload = io.BytesIO(clip.path.read_bytes())
    assert probe(upload, name="../../etc/passwd").name == "passwd"
    assert (
        probe(os.path.join(clip.path.parent, ".", "..", clip.path.parent.name, clip.path.name)).name == clip.path.name
    )


def test_upload_in_memory_is_the_same_reel(clip: Clip) -> None:
    by_path = open_reel(clip.path, PLAN)
    upload = io.BytesIO(clip.path.read_bytes())
    upload.seek(77)
    for _ in range(2):
        by_upload = open_reel(upload, PLAN, name="reel.mp4")
        np.testing.assert_array_equal(by_path.frames.rgb, by_upload.frames.rgb)
        np.testing.assert_array_equal(by_path.runs[0].luma, by_upload.runs[0].luma)
    assert by_upload.info.name == "reel.mp4"
    assert not upload.closed
    assert upload.tell() == 77


def open_files() -> set[str]:
    return {
        os.readlink(f"/proc/self/fd/{fd}")
        for fd in os.listdir("/proc/self/fd")
        if os.path.exists(f"/proc/self/fd/{fd}")
    }


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_cancel_closes_everything(clip: Clip, after: int) -> None:
    calls = 0

    def progress(stage: str, fraction: float) -> None:
        nonlocal calls
        assert 0.0 <= fraction <= 1.0
        calls += 1
        if calls > after:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        open_reel(clip.path, PLAN, progress=progress)
    assert str(clip.path) not in open_files()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode-")]


def test_nothing_stays_open(clip: Clip, tmp_path: Path) -> None:
    open_reel(clip.path, PLAN)
    probe(clip.path)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(clip.path.read_bytes()[:200])
    with pytest.raises(InputError):
        probe(broken)
    assert not {str(clip.path), str(broken)} & open_files()


def test_apng_and_crc_png_are_pictures(tmp_path: Path) -> None:
    """An animated PNG is refused like a still one."""
    control = b"acTL" + struct.pack(">II", 2, 0)
    data = png()
    chunk = struct.pack(">I", 8) + control + struct.pack(">I", zlib.crc32(control))
    path = tmp_path / "moving.png"
    path.write_bytes(data[:33] + chunk + data[33:])
    assert "PNG picture" in refusal(path)


def test_partly_transparent_shows_black_behind(make_clip: MakeClip) -> None:
    def half(number: int, width: int, height: int) -> np.ndarray:
        alpha = np.full((height, width), 255, np.uint8)
        alpha[:, width // 2 :] = 0
        return np.dstack([np.full_like(barcode(number, width, height), 200), alpha])

    clip = make_clip(
        frames=6,
        codec="libvpx-vp9",
        suffix=".webm",
        pixel_format="yuva420p",
        time_base=Fraction(1, 1000),
        options=(("crf", "10"), ("b:v", "0"), ("deadline", "realtime"), ("cpu-used", "8")),
        draw=half,
    )
    reel = open_reel(clip.path, Plan(stills=2, runs=True))
    assert reel.info.has_alpha
    assert reel.frames.rgb[0, :, :70].mean() == pytest.approx(200, abs=4)
    assert reel.frames.rgb[0, :, 90:].max() < 8
    assert reel.runs[0].luma[0, :, 90:].max() < 8
    assert any("transparent" in note for note in reel.notes)


def test_thousands_of_damaged_keyframes_are_no_hours_of_searching(tmp_path: Path) -> None:
    path = tmp_path / "damaged.avi"
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 16, 16, "yuvj420p"
    encoder.time_base = Fraction(1, 240)
    picture = av.VideoFrame.from_ndarray(np.zeros((24, 16), np.uint8), format="yuv420p").reformat(format="yuvj420p")
    picture.pts = 0
    good = bytes(next(iter((*encoder.encode(picture), *encoder.encode(None)))))
    with av.open(path, "w") as container:
        stream = container.add_stream("mjpeg", rate=240)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuvj420p"
        for number in range(12_000):
            packet = av.Packet(good if number < 300 else b"\xff\xd8\x00")
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 240)
            packet.is_keyframe = True
            container.mux(packet)
    began = time.process_time()
    reel = open_reel(path, PLAN)
    assert time.process_time() - began < 60
    assert len(reel.frames) > 0
    assert reel.frames.seconds.max() <= 300 / 240
    assert any("damaged" in note for note in reel.notes)
