"""Checks the tables of an MP4 or QuickTime file before FFmpeg reads them: a few bytes can demand gigabytes.

On opening a file, FFmpeg allocates 24 bytes or more for every sample that a table declares, and 8 KB can declare a
hundred million. Boxes are walked as FFmpeg's demuxer does (ISO 14496-12 for the boxes themselves): it accepts tables at
any depth and where the standard has none.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from virality_core.errors import InputError
from virality_core.media.guards.limits import MEGABYTE, Limits

ReadAt = Callable[[int, int], bytes]  # (offset, count) → at most count bytes

_ENTRIES_PER_PACKET = 8  # sizes, two kinds of times, chunks, keyframes; the sound has as many packets as the video
_MAX_HEADER_BYTES = 64 * MEGABYTE  # 20 minutes at 240 frames per second need about 10
MAX_TRACKS = 64  # phones write up to about 8, films with all their subtitles 40
_BOX_COST = 4  # in entries; walking a box takes longer than an entry
_MAX_DEPTH = 12  # FFmpeg gives up at 10
_HEAD_BYTES = 32  # of a box: its size, and the start of what a `free` box contains
_PCM_SAMPLES = 160  # FFmpeg joins at least this many PCM samples into one entry

_CONTAINERS = frozenset(
    b"moov moof trak mdia minf stbl dinf edts mvex traf tref udta sinf schi meta ilst wave jp2h iref hoov".split()
)
_OPAQUE = frozenset((b"stsd", b"iprp"))  # have boxes after fields of varying size: searched, not walked
#: Tables, with the offset of their 32-bit count in the payload.
_COUNT_OFFSET = {
    b"stsz": 8, b"stz2": 8, b"stts": 4, b"ctts": 4, b"stss": 4, b"stps": 4, b"stsc": 4, b"stco": 4, b"co64": 4,
    b"elst": 4, b"trun": 4, b"senc": 4, b"sbgp": 8, b"saiz": 5, b"iinf": 4, b"iloc": 6,
}  # fmt: skip
_ANY_TABLE = re.compile(b"|".join([*_COUNT_OFFSET, b"cmov"]))


def check_tables(read_at: ReadAt, size_bytes: int, *, name: str, limits: Limits) -> None:
    """Raise InputError if a file's tables declare far more than `limits.max_packets` samples. Other file types pass.

    Too many boxes or header bytes, or a compressed header, which can hide them, are refused too.
    """
    _Checker(read_at, size_bytes, name, limits).run()


@dataclass(slots=True)
class _Track:
    """What a `trak` declares. `is_trak` is False for boxes outside of any."""

    is_trak: bool = False
    handlers: set[bytes] = field(default_factory=set)
    samples: int = 0
    edits: int = 0
    stts_heads: list[bytes] = field(default_factory=list)
    has_offsets: bool = False
    chunks: int = 0
    max_per_chunk: int = 0

    def entries(self) -> int:
        """How many index entries FFmpeg makes of it at most."""
        entries = self.samples
        is_sound = self.handlers & {b"soun", b"vide"} == {b"soun"} and not self.has_offsets
        runs = [(_number(head, 4), _number(head, 12)) for head in self.stts_heads]
        if is_sound and runs == [(1, 1)]:  # one run of samples, of one tick each: PCM
            entries = self.chunks * (self.max_per_chunk // _PCM_SAMPLES + 1)
        return entries * max(1, self.edits)  # each edit may repeat all of it


class _Checker:
    """Walks the boxes of one file: headers are read whole, `mdat` is skipped."""

    def __init__(self, read_at: ReadAt, size_bytes: int, name: str, limits: Limits) -> None:
        self._read_at, self._size, self._name = read_at, size_bytes, name
        self._entries_left = _ENTRIES_PER_PACKET * limits.max_packets
        self._header_left = _MAX_HEADER_BYTES
        self._tracks_left = MAX_TRACKS

    def run(self) -> None:
        offset = 0
        while (box := _box(self._read_at(offset, _HEAD_BYTES), self._size - offset)) is not None:
            self._spend(_BOX_COST)
            if box.kind in _CONTAINERS or box.kind in _OPAQUE or _ANY_TABLE.fullmatch(box.kind):
                self._header_left -= box.size - box.start
                if self._header_left < 0:
                    raise self._refusal(f"its table of contents is over {_MAX_HEADER_BYTES // MEGABYTE} MB")
                payload = self._read_at(offset + box.start, box.size - box.start)
                self._enter(box.kind, memoryview(payload), 1, _Track())
            offset += box.size

    def _enter(self, kind: bytes, payload: memoryview, depth: int, track: _Track) -> None:
        if kind == b"cmov":
            raise self._refusal("its table of contents is compressed")
        if depth > _MAX_DEPTH:
            raise self._refusal("its boxes are nested too deeply")
        if kind == b"trak":
            track = _Track(is_trak=True)
            self._children(payload, depth, track)
            self._spend(track.entries())
            self._tracks_left -= 1
            if self._tracks_left < 0:
                raise self._refusal(f"it has more than {MAX_TRACKS} tracks")
        elif kind in _CONTAINERS:
            self._children(payload[_first_child(payload) :] if kind == b"meta" else payload, depth, track)
        elif kind in _OPAQUE:
            for found in _ANY_TABLE.finditer(payload):
                self._enter(found.group(), payload[found.end() : found.end() + _HEAD_BYTES], depth + 1, _Track())
        elif kind == b"hdlr":
            track.handlers.add(bytes(payload[8:12]))
        elif kind in _COUNT_OFFSET:
            self._table(kind, payload, track)

    def _children(self, data: memoryview, depth: int, track: _Track) -> None:
        offset = 0
        while (box := _box(data[offset : offset + _HEAD_BYTES], len(data) - offset)) is not None:
            self._spend(_BOX_COST)
            self._enter(box.kind, data[offset + box.start : offset + box.size], depth + 1, track)
            offset += box.size

    def _table(self, kind: bytes, payload: memoryview, track: _Track) -> None:
        count = _number(payload, _count_offset(kind, payload))
        if kind in (b"stsz", b"stz2") and track.is_trak:
            track.samples += count
        elif kind == b"elst":
            track.edits += min(count, len(payload) // 12)
        else:
            self._spend(count)
        if kind == b"stts":
            track.stts_heads.append(bytes(payload[:16]))
        elif kind == b"ctts":
            track.has_offsets = True
        elif kind in (b"stco", b"co64"):
            track.chunks += count
        elif kind == b"stsc":
            largest = max((_number(payload, at) for at in range(12, len(payload), 12)), default=0)
            track.max_per_chunk = max(track.max_per_chunk, largest)

    def _spend(self, entries: int) -> None:
        self._entries_left -= entries
        if self._entries_left < 0:
            raise self._refusal("its tables declare many more frames than the longest reel may have")

    def _refusal(self, why: str) -> InputError:
        return InputError(f"“{self._name}” can't be opened: {why}; export it again as MP4.")


class _Box(NamedTuple):
    kind: bytes
    start: int  # of its payload
    size: int  # including the header, within the parent


def _box(head: bytes | memoryview, room: int) -> _Box | None:
    """The box that starts with `head`, with `room` bytes left; None where FFmpeg stops reading boxes."""
    if len(head) < 8 or room < 8:
        return None
    size, kind = struct.unpack_from(">I4s", head)
    start = 8
    if size == 1 and room >= 16 and len(head) >= 16:
        size, start = struct.unpack_from(">q", head, 8)[0], 16
        size = 0 if size == 8 else size  # FFmpeg subtracts the header first; 0 then means "to the end"
    if size == 0:
        size = room
    if size < start:
        return None
    if kind in (b"free", b"hoov") and bytes(head[start + 4 : start + 8]) in (b"mvhd", b"cmov"):
        kind = b"moov"  # FFmpeg looks for a header there, too
    return _Box(kind, start, min(size, room))


def _first_child(meta: memoryview) -> int:
    """Where the boxes of a `meta` start: at its `hdlr`, after version and flags if it has them."""
    return next((at for at in range(0, len(meta) - 7, 4) if bytes(meta[at + 4 : at + 8]) == b"hdlr"), len(meta))


def _count_offset(kind: bytes, payload: memoryview) -> int:
    version, flags = (payload[0], payload[3]) if len(payload) >= 4 else (0, 0)
    if kind == b"saiz":
        return 13 if flags & 1 else 5
    if (kind == b"iinf" and version == 0) or (kind == b"iloc" and version < 2):
        return len(payload)  # a 16-bit count: harmless
    return _COUNT_OFFSET[kind] + (4 if kind == b"sbgp" and version == 1 else 0)


def _number(data: bytes | memoryview, at: int) -> int:
    """The 32-bit number at an offset; 0 past the end."""
    return int(struct.unpack_from(">I", data, at)[0]) if at + 4 <= len(data) else 0
