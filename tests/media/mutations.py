"""Real and drawn clips, damaged in the ways of a hostile upload; the same files from the same seed."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator, Sequence

Mutate = Callable[[bytearray, random.Random, Sequence[bytes]], bytearray]

_BOXES = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"stts", b"ctts", b"stsz", b"stco", b"elst", b"esds")
_CODECS = (b"avc1", b"hvc1", b"mp4v", b"mp4a", b"vp09", b"av01", b"Opus", b"fLaC", b"ac-3", b"sowt", b"twos", b"alac")
_ABSURD = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x00010000, 48_000, 255)
_HEAD = 4096


def mutations(clips: Sequence[bytes], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """`count` damaged clips as (kind, content), each kind in turn."""
    for number in range(count):
        chance = random.Random(f"{seed}-{number}")
        mutate = _KINDS[number % len(_KINDS)]
        yield mutate.__name__.strip("_"), bytes(mutate(bytearray(chance.choice(clips)), chance, clips))


def _flip_bits(data: bytearray, chance: random.Random, clips: Sequence[bytes]) -> bytearray:
    for _ in range(chance.choice((1, 8, 64, 512))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return data


def _flip_bits_of_the_header(data: bytearray, chance: random.Random, clips: Sequence[bytes]) -> bytearray:
    at = max(0, data.find(b"moov"))  # or the beginning of what is no MP4
    for _ in range(chance.choice((1, 4, 16))):
        data[min(len(data) - 1, at + chance.randrange(_HEAD))] ^= 1 << chance.randrange(8)
    return data


def _truncate(data: bytearray, chance: random.Random, clips: Sequence[bytes]) -> bytearray:
    return data[: chance.randrange(1, len(data))]


def _splice(data: bytearray, chance: random.Random, clips: Sequence[bytes]) -> bytearray:
    other = chance.choice(clips)
    at, start = chance.randrange(len(data)), chance.randrange(len(other))
    size = chance.choice((16, 256, 4096, 65536))
    data[at : at + size] = other[start : start + size]
    return data


def _rename_a_box(data: bytearray, chance: random.Random, clips: Sequence[bytes]) -> bytearray:
    return _replace(data, _BOXES, _BOXES, chance)


def _swap_the_codec(data: bytearray, chance: random.Random, clips: Sequence[bytes]) -> bytearray:
    return _replace(data, _CODECS, _CODECS, chance)


def _absurd_numbers(data: bytearray, chance: random.Random, clips: Sequence[bytes]) -> bytearray:
    places = [at for kind in (*_BOXES, *_CODECS) if (at := data.find(kind)) >= 0] or [0]
    for _ in range(chance.choice((1, 2, 6))):
        at = chance.choice(places) + chance.randrange(4, 40)
        if at + 4 <= len(data):
            struct.pack_into(">I", data, at, chance.choice(_ABSURD))
    return data


def _cut_out(data: bytearray, chance: random.Random, clips: Sequence[bytes]) -> bytearray:
    at = chance.randrange(len(data))
    del data[at : at + chance.choice((1, 7, 188, 5000))]
    return data


def _replace(data: bytearray, kinds: Sequence[bytes], others: Sequence[bytes], chance: random.Random) -> bytearray:
    present = [kind for kind in kinds if kind in data]
    if not present:
        return _flip_bits(data, chance, ())
    at = data.find(chance.choice(present))
    data[at : at + 4] = chance.choice(others)
    return data


_KINDS: tuple[Mutate, ...] = (
    _flip_bits,
    _flip_bits_of_the_header,
    _truncate,
    _splice,
    _rename_a_box,
    _swap_the_codec,
    _absurd_numbers,
    _cut_out,
)
