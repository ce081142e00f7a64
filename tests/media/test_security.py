"""A stranger's file reaches nothing but its own bytes, whatever it claims to be, and says nothing on stderr."""

from __future__ import annotations

import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media.clips import Clip
from tests.soak import size
from virality_core.errors import InputError, ViralityError
from virality_core.media import open_reel, probe
from virality_core.media.container import source
from virality_core.media.guards import file_type
from virality_core.types import Plan

MakeClip = Callable[..., Clip]
OPTIONS = (("preset", "veryfast"), ("crf", "18"), ("x264-params", "keyint=30:min-keyint=30:scenecut=0"))


@pytest.fixture
def clip(make_clip: MakeClip) -> Clip:
    return make_clip(frames=150, options=OPTIONS)


@pytest.fixture
def host() -> Iterator[tuple[str, list[str]]]:
    """A web server on this machine and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def playlists(address: str, victim: Path) -> dict[str, bytes]:
    """Files that tell a naive player to open something else."""
    hls = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{}\n#EXT-X-ENDLIST\n"
    dash = (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
        f"<BaseURL>{address}/x.mp4</BaseURL><Period><AdaptationSet><Representation id='1' bandwidth='1'/>"
        "</AdaptationSet></Period></MPD>"
    )
    return {
        "hls to a host": hls.format(f"{address}/segment.ts").encode(),
        "hls to a file": hls.format(victim.as_uri()).encode(),
        "hls with a control character": hls.format(f"{address}/segment.ts").encode() + b"#\x01\x00",
        "concat": f"ffconcat version 1.0\nfile '{victim}'\n".encode(),
        "concat with a control character": f"ffconcat version 1.0\nfile '{victim}'\n#\x01".encode(),
        "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        "dash": dash.encode(),
        "image list": f"{victim}\n{address}/a.png\n".encode(),
    }


KINDS = sorted(playlists("", Path("/")))


@pytest.mark.parametrize("kind", KINDS)
def test_playlists_open_nothing(clip: Clip, tmp_path: Path, host: tuple[str, list[str]], kind: str) -> None:
    address, asked = host
    path = tmp_path / "reel.mp4"
    path.write_bytes(playlists(address, clip.path)[kind])
    with pytest.raises(InputError):
        open_reel(path, Plan(stills=2))
    with pytest.raises(InputError):
        probe(path)
    assert asked == []


def test_only_listed_containers_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raw pictures (YUV4MPEG) are a format libav knows and the list does not."""
    path = tmp_path / "reel.mp4"
    path.write_bytes(b"YUV4MPEG2 W16 H16 F25:1 C420jpeg\n" + (b"FRAME\n" + bytes(384)) * 5)
    with pytest.raises(InputError, match="unknown format"):
        probe(path)
    monkeypatch.setattr(source, "VIDEO_FORMATS", file_type.VIDEO_FORMATS + ",yuv4mpegpipe")
    assert probe(path).width == 16


def external_movie(data: bytes, target: Path) -> bytes:
    """The movie with its frames said to lie in another file: its `dref` becomes an alias to the target."""
    name, path = target.name.encode()[:63], str(target).encode()
    record = bytes(10) + b"\x01v".ljust(28, b"\0") + bytes(12) + bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16)
    record += struct.pack(">hh", 1, 1) + bytes(16)
    record += struct.pack(">hh", 2, len(path)) + path + b"\0" * (len(path) % 2) + struct.pack(">hh", -1, 0)
    alias = struct.pack(">I4sI", 12 + len(record), b"alis", 0) + record
    place = data.index(b"dref") + 4 + 8  # past version, flags and the count of one
    old = struct.unpack_from(">I", data, place)[0]
    grown = bytearray(data[:place] + alias + data[place + old :])
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        size = data.index(box) - 4
        struct.pack_into(">I", grown, size, struct.unpack_from(">I", data, size)[0] + len(alias) - old)
    return bytes(grown)


FOLLOW = {"enable_drefs": "1", "use_absolute_path": "1"}


def borrowing(clip: Clip, folder: Path) -> Path:
    """A movie without frames of its own beside the one it borrows them from."""
    path, victim = folder / "reel.mp4", folder / "victim.mp4"
    victim.write_bytes(clip.path.read_bytes())
    data = external_movie(clip.path.read_bytes(), victim)
    frames, header = data.index(b"mdat") + 4, data.index(b"moov") - 4
    assert frames < header, "frames keep their places"
    path.write_bytes(data[:frames] + bytes(header - frames) + data[header:])
    return path


def test_a_movie_may_not_borrow_another_files_frames(clip: Clip, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        open_reel(borrowing(clip, tmp_path), Plan(stills=2))


def test_the_alias_is_one_that_libav_follows_when_told_to(clip: Clip, tmp_path: Path) -> None:
    """Without the locks the crafted movie does open the other file: the tests around this one can fail."""
    path = borrowing(clip, tmp_path)
    with av.open(str(path), options=FOLLOW) as container:
        assert sum(1 for _ in container.decode(video=0)) == 150


def test_requests_to_open_something_are_refused(clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second lock, with libav told to follow aliases."""
    path = borrowing(clip, tmp_path)
    asked = []
    refuse = source._refuse_to_open

    def note(url: str, *rest: object) -> None:
        asked.append(url)
        refuse(url, *rest)

    plain_open = av.open
    monkeypatch.setattr(source, "_refuse_to_open", note)
    monkeypatch.setattr(av, "open", lambda *args, options, **rest: plain_open(*args, options=options | FOLLOW, **rest))
    with pytest.raises(InputError):
        open_reel(path, Plan(stills=2))
    assert any("victim.mp4" in url for url in asked)


def test_nothing_is_said_on_stderr(clip: Clip, tmp_path: Path) -> None:
    data = bytearray(clip.path.read_bytes())
    for place in range(200, len(data) - 3000, 97):
        data[place] ^= 0xFF
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(data)
    code = (
        "import sys, pathlib\n"
        "from virality_core.media import open_reel\n"
        "from virality_core.types import Plan\n"
        "reel = open_reel(sys.argv[1], Plan(stills=4, runs=True))\n"
        "assert any('damaged' in note for note in reel.notes), reel.notes\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(broken)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def spoiled(data: bytes, generator: np.random.Generator) -> bytes:
    """The bytes cut, flipped, overwritten, doubled or with a stretch left out."""
    way = generator.integers(0, 5)
    spot, reach = int(generator.integers(0, len(data))), int(generator.integers(1, 400))
    if way == 0:
        return data[:spot]
    if way == 1:
        flipped = bytearray(data)
        for place in generator.integers(0, len(data), reach // 8 + 1):
            flipped[place] ^= 1 << int(generator.integers(0, 8))
        return bytes(flipped)
    if way == 2:
        return data[:spot] + generator.bytes(reach) + data[spot + reach :]
    if way == 3:
        return data[:spot] + data[max(0, spot - reach) :]
    return data[:spot] + data[spot + reach :]


FUZZED = {
    "mp4": {"frames": 30, "options": OPTIONS, "sound": True},
    "faststart": {"frames": 30, "options": OPTIONS, "container_options": (("movflags", "+faststart"),)},
    "mkv": {"frames": 30, "options": OPTIONS, "suffix": ".mkv"},
    "ts": {"frames": 30, "options": OPTIONS, "suffix": ".ts"},
    "avi": {"frames": 30, "codec": "mpeg4", "options": (), "suffix": ".avi"},
}


def fuzz(clip: Clip, path: Path, rounds: int) -> None:
    data = clip.path.read_bytes()
    plan = Plan(stills=4, hook_stills=2, runs=True, cuts=True, clips=1, audio_rate=8000)
    scored = 0
    for seed in range(rounds):
        generator = np.random.default_rng(seed)
        broken = spoiled(data, generator)
        if seed % 2:  # the header is where the traps are
            head = max(1, len(data) // 10)
            broken = spoiled(data[-head:], generator)
            broken = data[:-head] + broken
        path.write_bytes(broken)
        try:
            reel = open_reel(path, plan)
        except ViralityError:
            continue
        scored += 1
        assert np.isfinite(reel.frames.seconds).all()
        assert (np.diff(reel.frames.seconds) > 0).all()
    assert scored, "every spoiled file was refused: the fuzz is too rough to say anything"


@pytest.mark.parametrize("kind", FUZZED)
@pytest.mark.timeout(120)
def test_spoiled_files(make_clip: MakeClip, tmp_path: Path, kind: str) -> None:
    fuzz(make_clip(**FUZZED[kind]), tmp_path / "spoiled.mp4", rounds=12)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FUZZED)
@pytest.mark.timeout(size(900, 7200))
def test_many_spoiled_files(make_clip: MakeClip, tmp_path: Path, kind: str) -> None:
    fuzz(make_clip(**FUZZED[kind]), tmp_path / "spoiled.mp4", rounds=size(100, 1500))
