"""How much memory a decoder needs: the pictures that it holds, times the bytes of each.

H.264 and HEVC say in their headers how many pictures others may refer to (`max_num_ref_frames` in the sequence
parameter set of ITU-T H.264, 7.3.2.1.1; `sps_max_dec_pic_buffering_minus1` in H.265, 7.3.2.2): between 1 and 16, which
at 8K is the difference between 0.1 and 3 GB.
"""

from __future__ import annotations

from collections.abc import Iterator

from av.video.codeccontext import VideoCodecContext
from av.video.format import VideoFormat

from virality_core.errors import InputError
from virality_core.media.guards.limits import MEGABYTE, Limits

_MOST = 16
_HELD = {"h264": _MOST, "hevc": _MOST, "vvc": _MOST, "vp8": 4, "vp9": 8, "av1": 8}
_HELD_BY_OTHERS = 2  # MPEG-2, MPEG-4 and their like; codecs of single pictures hold none
_AT_WORK = 2  # the one being decoded, and the one being looked at
_HIGH_PROFILES = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135))


def frame_bytes(width: int, height: int, format_: VideoFormat) -> int:
    """Bytes of a decoded picture in memory."""
    return width * height * max(8, format_.padded_bits_per_pixel) // 8


def check_memory(
    context: VideoCodecContext, size: tuple[int, int], format_: VideoFormat, *, name: str, limits: Limits
) -> None:
    """Refuse a stream whose pictures need more memory than the limits allow; `size` is (width, height).

    Raises:
        InputError: a picture is over `max_frame_bytes`, or those held at once over `max_decoder_bytes`.
    """
    each = frame_bytes(*size, format_)
    if each > limits.max_frame_bytes:
        raise InputError(
            f"“{name}” has pictures of {each // MEGABYTE} MB each ({size[0]}×{size[1]}, {format_.name}); the largest "
            f"taken have {limits.max_frame_bytes // MEGABYTE} MB: export it smaller, or as 4:2:0 in 8 or 10 bit."
        )
    count = frames_at_once(context)
    if count * each > limits.max_decoder_bytes:
        raise InputError(
            f"“{name}” needs {count} pictures of {each // MEGABYTE} MB at once to be decoded, and at most "
            f"{limits.max_decoder_bytes // MEGABYTE} MB are allowed: export it smaller or with fewer reference frames."
        )


def frames_at_once(context: VideoCodecContext) -> int:
    """How many pictures a decoder of the stream has in memory, on one thread."""
    codec = context.codec.canonical_name
    held = _HELD.get(codec, _HELD_BY_OTHERS)
    extradata = context.extradata
    try:
        if codec == "h264" and extradata:
            held = max(map(_h264, _units(extradata, kind=7)), default=held)
        elif codec == "hevc" and extradata:
            held = max(map(_hevc, _units(extradata, kind=33)), default=held)
    except IndexError:  # damaged: the most there can be
        held = _MOST
    return min(held, _MOST) + _AT_WORK


def _units(extradata: bytes, *, kind: int) -> Iterator[_Bits]:
    """The contents of the units of one kind, after their headers, of a stream's `avcC`, `hvcC` or Annex B header."""
    header, mask, shift = (1, 0x1F, 0) if kind < 32 else (2, 0x3F, 1)
    for unit in _annex_b(extradata) if extradata[:3] in (b"\0\0\0", b"\0\0\1") else _listed(extradata, kind):
        if unit and unit[0] >> shift & mask == kind:
            yield _Bits(unit[header:].replace(b"\0\0\3", b"\0\0"))


def _annex_b(data: bytes) -> list[bytes]:
    return data.split(b"\0\0\1")[1:]


def _listed(data: bytes, kind: int) -> Iterator[bytes]:
    """The units of an `avcC` (its parameter sets come first) or an `hvcC` (lists by kind)."""
    place, lists = (5, 1) if kind < 32 else (23, data[22])
    for _ in range(lists):
        if kind < 32:
            count, place = data[place] & 0x1F, place + 1
        else:
            count, place = int.from_bytes(data[place + 1 : place + 3]), place + 3
        for _ in range(count):
            size = int.from_bytes(data[place : place + 2])
            yield data[place + 2 : place + 2 + size]
            place += 2 + size
            if place > len(data):
                raise IndexError


class _Bits:
    """Reads numbers bit by bit. Raises IndexError at the end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._place = data, 0

    def take(self, count: int) -> int:
        value = 0
        for place in range(self._place, self._place + count):
            value = value << 1 | self._data[place >> 3] >> (7 - (place & 7)) & 1
        self._place += count
        return value

    def golomb(self) -> int:
        """An Exp-Golomb code, ue(v)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)


def _h264(bits: _Bits) -> int:
    profile = bits.take(8)
    bits.take(16)
    bits.golomb()
    if profile in _HIGH_PROFILES:
        chroma = bits.golomb()
        if chroma == 3:
            bits.take(1)
        bits.golomb(), bits.golomb()
        bits.take(1)
        if bits.take(1):
            for number in range(12 if chroma == 3 else 8):
                if bits.take(1):
                    _skip_scaling(bits, 16 if number < 6 else 64)
    bits.golomb()
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.take(1)
        bits.golomb(), bits.golomb()
        for _ in range(bits.golomb()):
            bits.golomb()
    return bits.golomb()


def _skip_scaling(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            code = bits.golomb()
            following = (last + (code + 1) // 2 * (1 if code % 2 else -1)) % 256
        last = following or last


def _hevc(bits: _Bits) -> int:
    bits.take(4)
    layers = bits.take(3)
    bits.take(1 + 96)
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    if layers:
        bits.take(2 * (8 - layers))
    for profile, level in present:
        bits.take(88 * profile + 8 * level)
    bits.golomb()
    if bits.golomb() == 3:
        bits.take(1)
    bits.golomb(), bits.golomb()
    if bits.take(1):
        for _ in range(4):
            bits.golomb()
    for _ in range(3):
        bits.golomb()
    most = 0
    for _ in range(layers + 1 if bits.take(1) else 1):
        most = max(most, bits.golomb() + 1)
        bits.golomb(), bits.golomb()
    return most
