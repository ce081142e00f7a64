"""Files of a few KB whose tables would make libav take gigabytes are refused before it sees them."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import pytest

from tests.media.bombs import box, compressed_header, fragment, full, movie, numbers, sample_table, track
from tests.media.clips import Clip
from virality_core.errors import InputError
from virality_core.media import open_reel, probe
from virality_core.media.guards import mp4_tables
from virality_core.media.guards.limits import DEFAULT_LIMITS, Limits
from virality_core.types import Plan

MANY = 20_000_000
DEFAULTS = box("mvex", full("trex", numbers(1, 1, 1, 1, 0)))
PICTURE_ITEMS = full("hdlr", bytes(4) + b"pict" + bytes(13))


def hidden() -> bytes:
    """A header in a `free` box, where libav looks when it finds none."""
    return movie(track(sample_table(samples=MANY))).replace(b"moov", b"free")


def packed() -> bytes:
    plain = movie(track(sample_table(samples=MANY)))
    header = plain[plain.index(b"moov") - 4 : plain.index(b"mdat") - 4]
    return plain.replace(header, box("moov", compressed_header(header)))


def inside_the_description() -> bytes:
    """Libav reads tables after a sample description's own fields, too."""
    table = sample_table(samples=1)
    size = full("stsz", numbers(1, MANY))
    start = table.index(b"jpeg") - 4
    length = int.from_bytes(table[start : start + 4], "big")
    grown = table[start : start + length] + size
    return movie(track(table.replace(table[start : start + length], (len(grown)).to_bytes(4, "big") + grown[4:])))


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "sizes": (lambda: movie(track(sample_table(samples=MANY))), "many more frames"),
    "three tracks": (lambda: movie(*[track(sample_table(samples=MANY // 20))] * 3), "many more frames"),
    "fragment": (lambda: movie(track(sample_table(samples=0)), DEFAULTS, after=fragment(MANY)), "many more frames"),
    "fragments": (
        lambda: movie(track(sample_table(samples=0)), DEFAULTS, after=fragment(MANY // 20) * 3),
        "many more frames",
    ),
    "edits": (lambda: movie(track(sample_table(samples=100_000), edits=300, of=100_000)), "many more frames"),
    "sound": (
        lambda: movie(track(sample_table(samples=MANY, sound=True, size=2, chunks=20, in_chunk=2_000_000_000))),
        "many more frames",
    ),
    "encryption": (lambda: movie(track(sample_table(samples=1, more=full("senc", numbers(MANY))))), "many more frames"),
    "items": (
        lambda: movie(after=full("meta", PICTURE_ITEMS, full("iinf", numbers(MANY), version=1))),
        "many more frames",
    ),
    "places of items": (
        lambda: movie(after=full("meta", PICTURE_ITEMS, full("iloc", bytes(2), numbers(MANY), version=2))),
        "many more frames",
    ),
    "inside a description": (inside_the_description, "many more frames"),
    "hidden header": (hidden, "many more frames"),
    "compressed header": (packed, "compressed"),
    "tracks": (lambda: movie(*[track(sample_table(samples=1))] * 100), "64 tracks"),
    "nested": (lambda: movie(box("udta", deep(40))), "nested"),
}


def deep(levels: int) -> bytes:
    return box("udta", deep(levels - 1)) if levels else b""


@pytest.mark.parametrize("kind", BOMBS)
def test_refused_unopened(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, expected = BOMBS[kind]
    data = make()
    assert len(data) < 100_000
    monkeypatch.setattr("av.open", lambda *_, **__: pytest.fail("libav was given the file"))
    for door in (probe, lambda file, name: open_reel(file, Plan(stills=2), name=name)):
        with pytest.raises(InputError, match=expected) as refusal:
            door(io.BytesIO(data), name="reel.mp4")
        assert "reel.mp4" in str(refusal.value)


def long_file(data: bytes) -> None:
    mp4_tables.check_tables(lambda at, count: data[at : at + count], len(data), name="reel.mp4", limits=DEFAULT_LIMITS)


def test_the_longest_reels_pass() -> None:
    """20 minutes at 240 frames a second with their sound; 20 minutes of plain sound, whose every sample is declared."""
    frames = DEFAULT_LIMITS.max_packets
    more = full("ctts", numbers(frames), bytes(8) * frames) + full("stss", numbers(frames), bytes(4) * frames)
    long_file(movie(track(sample_table(samples=frames, more=more)), track(sample_table(samples=56_250, step=1024))))
    sound = 20 * 60 * 48_000
    for chunks in (1, 1200, 60_000):
        table = sample_table(samples=sound, size=4, sound=True, chunks=chunks, in_chunk=sound // chunks)
        long_file(movie(track(sample_table(samples=36_000)), track(table)))


def test_fragments_of_one_frame_pass() -> None:
    long_file(movie(track(sample_table(samples=0)), DEFAULTS, after=fragment(1) * 20 * 60 * 60))


def test_text_that_looks_like_a_table_passes(make_clip: Callable[..., Clip]) -> None:
    text = box("udta", box("name", b" a trunk full of stsz and cmov " * 10))
    long_file(movie(track(sample_table(samples=30)), text))


def test_walking_is_quick() -> None:
    """The most boxes that a file may have, and one with no end of them."""
    began = time.process_time()
    with pytest.raises(InputError):
        long_file(movie(box("udta", box("abcd") * 4_000_000)))
    with pytest.raises(InputError):
        long_file(movie() + box("abcd") * 4_000_000)
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "size", [b"\0\0\0\0", b"\0\0\0\1", b"\0\0\0\7", b"\xff\xff\xff\xff", b"\0\0\0\1" + b"\xff" * 12]
)
def test_odd_sizes_end_the_walk(size: bytes) -> None:
    for kind in (b"moov", b"free", b"mdat", b"abcd"):
        long_file(box("ftyp", b"isom") + size[:4] + kind + size[4:] + bytes(100))


def test_a_64_bit_size_is_followed() -> None:
    plain = movie(track(sample_table(samples=MANY)))
    start, end = plain.index(b"moov") - 4, plain.index(b"mdat") - 4
    for size in (end - start + 8, 8):  # the whole, and libav's "to the end"
        with pytest.raises(InputError, match="many more frames"):
            long_file(plain[:start] + b"\0\0\0\1moov" + size.to_bytes(8, "big") + plain[start + 8 :])


def test_the_limit_follows_the_stated_one() -> None:
    data = movie(track(sample_table(samples=10_000)))
    long_file(data)
    with pytest.raises(InputError):
        mp4_tables.check_tables(
            lambda at, count: data[at : at + count], len(data), name="a", limits=Limits(max_packets=1000)
        )
