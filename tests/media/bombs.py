"""Writes small MP4 files whose tables promise far more than they hold."""

from __future__ import annotations

import struct
import zlib

MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
Run = tuple[int, int]  # of a time table: samples, ticks each


def box(kind: str, *parts: bytes) -> bytes:
    payload = b"".join(parts)
    return struct.pack(">I4s", 8 + len(payload), kind.encode()) + payload


def full(kind: str, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    """A box that begins with version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def numbers(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


PICTURE = box(
    "jpeg", bytes(6), b"\0\1", bytes(16), struct.pack(">HH", 64, 64), bytes(14), b"\0\1", bytes(32), b"\0\x18\xff\xff"
)
SOUND = box("sowt", bytes(6), b"\0\1", bytes(8), struct.pack(">HHHHI", 1, 16, 0, 0, 48_000 << 16))


def sample_table(
    *,
    samples: int,
    size: int = 1,
    step: int = 1,
    chunks: int = 1,
    in_chunk: int | None = None,
    sound: bool = False,
    more: bytes = b"",
) -> bytes:
    """An `stbl` of samples that are all of one size, Motion JPEG or 16-bit sound."""
    return box(
        "stbl",
        full("stsd", numbers(1), SOUND if sound else PICTURE),
        full("stts", numbers(1, samples, step)),
        full("stsc", numbers(1, 1, samples if in_chunk is None else in_chunk, 1)),
        full("stsz", numbers(size, samples)),
        full("stco", numbers(chunks), numbers(*[48] * chunks)),
        more,
    )


def track(table: bytes, *, edits: int = 0, of: int = 1000) -> bytes:
    """A `trak` around the table; each of the edits shows the `of` first ticks."""
    handler = b"soun" if SOUND in table else b"vide"
    elst = full("elst", numbers(edits), numbers(of, 0, 0x10000) * edits) if edits else b""
    return box(
        "trak",
        full("tkhd", numbers(0, 0, 1, 0, 1000) + bytes(16) + MATRIX + numbers(64 << 16, 64 << 16), flags=7),
        box("edts", elst),
        box(
            "mdia",
            full("mdhd", numbers(0, 0, 1000, 1000, 0x55C40000)),
            full("hdlr", bytes(4) + handler + bytes(13)),
            box("minf", table),
        ),
    )


def movie(*tracks: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    """A whole file: `ftyp`, `moov`, and frames of nothing."""
    head = full("mvhd", numbers(0, 0, 1000, 1000, 0x10000, 0x01000000) + bytes(8) + MATRIX + bytes(24) + numbers(9))
    ftyp = box("ftyp", b"isom", bytes(4), b"isomavc1")
    return ftyp + before + box("moov", head, *tracks) + after + box("mdat", bytes(64))


def fragment(samples: int) -> bytes:
    """A `moof` whose only run has so many samples of default size."""
    traf = box("traf", full("tfhd", numbers(1)), full("trun", numbers(samples)))
    return box("moof", full("mfhd", numbers(1)), traf)


def compressed_header(header: bytes) -> bytes:
    """The content of a `moov` that holds the header packed, as QuickTime can."""
    packed = numbers(len(header)) + zlib.compress(header)
    return box("cmov", box("dcom", b"zlib"), box("cmvd", packed))
