"""Looks over the tables of an MP4 or QuickTime file before libav does: a few bytes there can ask for gigabytes.

libav makes an entry of 24 bytes and more for every sample that a table declares, in one go, when it opens the file: a
file of 8 KB may declare a hundred million. Boxes are walked as libav's reader of such files does (ISO 14496-12 for the
boxes themselves), which looks for tables at any depth and in places where the standard has none.
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

_ENTRIES_A_PACKET = 8  # sizes, two kinds of times, chunks, keyframes; and the sound has as many packets as the picture
_HEADER_BYTES = 64 * MEGABYTE  # 20 minutes at 240 frames a second need about 10
MAX_TRACKS = 64  # a phone's file has up to about 8, a film's with all its subtitles 40
_BOX_COST = 4  # in entries; walking a box takes longer than an entry
_DEPTH = 12  # libav gives up at 10
_HEAD_BYTES = 32  # of a box: enough for its size and for what a `free` box begins with
_PCM_SAMPLES = 160  # libav joins at least this many samples of plain sound to one entry

_CONTAINERS = frozenset(
    b"moov moof trak mdia minf stbl dinf edts mvex traf tref udta sinf schi meta ilst wave jp2h iref hoov".split()
)
_OPAQUE = frozenset((b"stsd", b"iprp"))  # hold boxes behind fields of varying size: searched, not walked
#: tables by the place of their 32-bit count in the payload
_COUNT_AT = {
    b"stsz": 8, b"stz2": 8, b"stts": 4, b"ctts": 4, b"stss": 4, b"stps": 4, b"stsc": 4, b"stco": 4, b"co64": 4,
    b"elst": 4, b"trun": 4, b"senc": 4, b"sbgp": 8, b"saiz": 5, b"iinf": 4, b"iloc": 6,
}  # fmt: skip
_ANY_TABLE = re.compile(b"|".join([*_COUNT_AT, b"cmov"]))


def check_tables(read_at: ReadAt, size_bytes: int, *, name: str, limits: Limits) -> None:
    """Refuse a file whose tables declare far more than `limits.max_packets` samples. Any other kind of file passes.

    Args:
        read_at: gives bytes of the file.
        size_bytes: of the file.
        name: what to call it in the message.
        limits: what is taken in.

    Raises:
        InputError: too many samples, boxes or header bytes, or a compressed header, which can hide them.
    """
    _Walk(read_at, size_bytes, name, limits).run()


@dataclass(slots=True)
class _Track:
    """What a `trak` declares; `is_one` is False for what stands outside of any."""

    is_one: bool = False
    handlers: set[bytes] = field(default_factory=set)
    samples: int = 0
    edits: int = 0
    times: list[bytes] = field(default_factory=list)  # the beginnings of its stts
    has_offsets: bool = False
    chunks: int = 0
    most_in_a_chunk: int = 0

    def entries(self) -> int:
        """How many index entries libav makes of it, at most."""
        entries = self.samples
        if self._is_plain_sound():
            entries = self.chunks * (self.most_in_a_chunk // _PCM_SAMPLES + 1)
        return entries * max(1, self.edits)  # each edit may show all of it again

    def _is_plain_sound(self) -> bool:
        if self.handlers & {b"soun", b"vide"} != {b"soun"} or len(self.times) != 1 or self.has_offsets:
            return False
        return _number(self.times[0], 4) == 1 and _number(self.times[0], 12) == 1  # one run of samples, one tick each


class _Walk:
    """One walk over a file; `_left` is how many entries may still be declared."""

    def __init__(self, read_at: ReadAt, size_bytes: int, name: str, limits: Limits) -> None:
        self._read_at, self._size, self._name = read_at, size_bytes, name
        self._left = _ENTRIES_A_PACKET * limits.max_packets
        self._header_left = _HEADER_BYTES
        self._tracks_left = MAX_TRACKS

    def run(self) -> None:
        """Walk the boxes of the file itself: frames (`mdat`) are stepped over, headers are read whole."""
        place = 0
        while (box := _box(self._read_at(place, _HEAD_BYTES), self._size - place)) is not None:
            self._spend(_BOX_COST)
            if box.kind in _CONTAINERS or box.kind in _OPAQUE or _ANY_TABLE.fullmatch(box.kind):
                self._header_left -= box.size - box.start
                if self._header_left < 0:
                    raise self._refused(f"its table of contents has more than {_HEADER_BYTES // MEGABYTE} MB")
                payload = self._read_at(place + box.start, box.size - box.start)
                self._enter(box.kind, memoryview(payload), 1, _Track())
            place += box.size

    def _enter(self, kind: bytes, payload: memoryview, depth: int, track: _Track) -> None:
        if kind == b"cmov":
            raise self._refused("its table of contents is compressed")
        if depth > _DEPTH:
            raise self._refused("its boxes are nested too deeply")
        if kind == b"trak":
            own = _Track(is_one=True)
            self._children(payload, depth, own)
            self._spend(own.entries())
            self._tracks_left -= 1
            if self._tracks_left < 0:
                raise self._refused(f"it has more than {MAX_TRACKS} tracks")
        elif kind in _CONTAINERS:
            self._children(payload[_first_child(payload) :] if kind == b"meta" else payload, depth, track)
        elif kind in _OPAQUE:
            for found in _ANY_TABLE.finditer(payload):
                self._enter(found.group(), payload[found.end() : found.end() + _HEAD_BYTES], depth + 1, _Track())
        elif kind == b"hdlr":
            track.handlers.add(bytes(payload[8:12]))
        elif kind in _COUNT_AT:
            self._table(kind, payload, track)

    def _children(self, data: memoryview, depth: int, track: _Track) -> None:
        place = 0
        while (box := _box(data[place : place + _HEAD_BYTES], len(data) - place)) is not None:
            self._spend(_BOX_COST)
            self._enter(box.kind, data[place + box.start : place + box.size], depth + 1, track)
            place += box.size

    def _table(self, kind: bytes, payload: memoryview, track: _Track) -> None:
        count = _number(payload, _count_at(kind, payload))
        if kind in (b"stsz", b"stz2") and track.is_one:
            track.samples += count
        elif kind == b"elst":
            track.edits += min(count, len(payload) // 12)
        else:
            self._spend(count)
        if kind == b"stts":
            track.times.append(bytes(payload[:16]))
        elif kind == b"ctts":
            track.has_offsets = True
        elif kind in (b"stco", b"co64"):
            track.chunks += count
        elif kind == b"stsc":
            most = max((_number(payload, at) for at in range(12, len(payload), 12)), default=0)
            track.most_in_a_chunk = max(track.most_in_a_chunk, most)

    def _spend(self, entries: int) -> None:
        self._left -= entries
        if self._left < 0:
            raise self._refused("its tables declare many more frames than the longest reel can have")

    def _refused(self, why: str) -> InputError:
        return InputError(f"“{self._name}” can't be taken: {why}; export it again as MP4.")


class _Box(NamedTuple):
    kind: bytes
    start: int  # where its content begins
    size: int  # from its own beginning on, no more than there is


def _box(head: bytes | memoryview, room: int) -> _Box | None:
    """The box that begins with `head` where `room` bytes are left; None where libav stops reading boxes."""
    if len(head) < 8 or room < 8:
        return None
    size, kind = struct.unpack_from(">I4s", head)
    start = 8
    if size == 1 and room >= 16 and len(head) >= 16:
        size, start = struct.unpack_from(">q", head, 8)[0], 16
        size = 0 if size == 8 else size  # libav takes the header off first, and then 0 for "to the end"
    if size == 0:
        size = room
    if size < start:
        return None
    if kind in (b"free", b"hoov") and bytes(head[start + 4 : start + 8]) in (b"mvhd", b"cmov"):
        kind = b"moov"  # libav looks for a header there, too
    return _Box(kind, start, min(size, room))


def _first_child(meta: memoryview) -> int:
    """Where the boxes of a `meta` begin: at its `hdlr`, after version and flags where it has them."""
    return next((at for at in range(0, len(meta) - 7, 4) if bytes(meta[at + 4 : at + 8]) == b"hdlr"), len(meta))


def _count_at(kind: bytes, payload: memoryview) -> int:
    version, flags = (payload[0], payload[3]) if len(payload) >= 4 else (0, 0)
    if kind == b"saiz":
        return 13 if flags & 1 else 5
    if (kind == b"iinf" and version == 0) or (kind == b"iloc" and version < 2):
        return len(payload)  # of 16 bits there: harmless
    return _COUNT_AT[kind] + (4 if kind == b"sbgp" and version == 1 else 0)


def _number(data: bytes | memoryview, at: int) -> int:
    """The 32-bit number there, 0 where the data ends before."""
    return int(struct.unpack_from(">I", data, at)[0]) if at + 4 <= len(data) else 0
