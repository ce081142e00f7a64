"""How much memory a decoder needs: the number of frames it holds times their size.

H.264 and HEVC state the number in their headers (`max_num_ref_frames` in the sequence parameter set of ITU-T H.264,
7.3.2.1.1; `sps_max_dec_pic_buffering_minus1` in H.265, 7.3.2.2): 1 to 16, which at 8K means 0.1 to 3 GB.
"""

from __future__ import annotations

from collections.abc import Iterator

from av.video.codeccontext import VideoCodecContext
from av.video.format import VideoFormat

from virality_core.errors import InputError
from virality_core.media.guards.limits import MEGABYTE, Limits

_MAX_REFERENCES = 16
_REFERENCES = {"h264": 16, "hevc": 16, "vvc": 16, "vp8": 4, "vp9": 8, "av1": 8}  # at most, by codec
_OTHER_REFERENCES = 2  # MPEG-2, MPEG-4 and similar codecs
_IN_USE = 2  # the frame being decoded and the one being processed
_HIGH_PROFILES = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135))


def frame_bytes(width: int, height: int, format_: VideoFormat) -> int:
    """Bytes of a decoded frame in memory."""
    return width * height * max(8, format_.padded_bits_per_pixel) // 8


def check_memory(
    context: VideoCodecContext, size: tuple[int, int], format_: VideoFormat, *, name: str, limits: Limits
) -> None:
    """Raise InputError if frames of (width, height) need more memory than `max_frame_bytes` or `max_decoder_bytes`."""
    bytes_each = frame_bytes(*size, format_)
    if bytes_each > limits.max_frame_bytes:
        raise InputError(
            f"“{name}” has frames of {bytes_each // MEGABYTE} MB each ({size[0]}×{size[1]}, {format_.name}); the limit "
            f"is {limits.max_frame_bytes // MEGABYTE} MB: export it smaller, or as 4:2:0 in 8 or 10 bit."
        )
    count = frames_at_once(context)
    if count * bytes_each > limits.max_decoder_bytes:
        raise InputError(
            f"“{name}” can only be decoded with {count} frames of {bytes_each // MEGABYTE} MB in memory at once; the "
            f"limit is {limits.max_decoder_bytes // MEGABYTE} MB: export it smaller or with fewer reference frames."
        )


def frames_at_once(context: VideoCodecContext) -> int:
    """How many frames a decoder of the stream has in memory, on one thread."""
    codec = context.codec.canonical_name
    references = _REFERENCES.get(codec, _OTHER_REFERENCES)
    extradata = context.extradata
    try:
        if codec == "h264" and extradata:
            references = max(map(_h264_references, _units(extradata, kind=7)), default=references)
        elif codec == "hevc" and extradata:
            references = max(map(_hevc_references, _units(extradata, kind=33)), default=references)
    except IndexError:  # damaged: assume the most
        references = _MAX_REFERENCES
    return min(references, _MAX_REFERENCES) + _IN_USE


def _units(extradata: bytes, *, kind: int) -> Iterator[_BitReader]:
    """The payloads of the NAL units of one kind in a stream's `avcC`, `hvcC` or Annex B header."""
    header, mask, shift = (1, 0x1F, 0) if kind < 32 else (2, 0x3F, 1)
    is_annex_b = extradata[:3] in (b"\0\0\0", b"\0\0\1")
    for unit in extradata.split(b"\0\0\1")[1:] if is_annex_b else _configuration_units(extradata, kind):
        if unit and unit[0] >> shift & mask == kind:
            yield _BitReader(unit[header:].replace(b"\0\0\3", b"\0\0"))


def _configuration_units(data: bytes, kind: int) -> Iterator[bytes]:
    """The NAL units of an `avcC` (its parameter sets come first) or an `hvcC` (lists by kind)."""
    offset, lists = (5, 1) if kind < 32 else (23, data[22])
    for _ in range(lists):
        if kind < 32:
            count, offset = data[offset] & 0x1F, offset + 1
        else:
            count, offset = int.from_bytes(data[offset + 1 : offset + 3]), offset + 3
        for _ in range(count):
            size = int.from_bytes(data[offset : offset + 2])
            yield data[offset + 2 : offset + 2 + size]
            offset += 2 + size
            if offset > len(data):
                raise IndexError


class _BitReader:
    """Reads numbers bit by bit. Raises IndexError at the end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._position = data, 0

    def bits(self, count: int) -> int:
        value = 0
        for position in range(self._position, self._position + count):
            value = value << 1 | self._data[position >> 3] >> (7 - (position & 7)) & 1
        self._position += count
        return value

    def golomb(self, count: int = 1) -> int:
        """Read Exp-Golomb codes, ue(v); returns the last."""
        value = 0
        for _ in range(count):
            zeros = 0
            while not self.bits(1):
                zeros += 1
            value = (1 << zeros) - 1 + self.bits(zeros)
        return value


def _h264_references(reader: _BitReader) -> int:
    profile = reader.bits(8)
    reader.bits(16)
    reader.golomb()
    if profile in _HIGH_PROFILES:
        chroma = reader.golomb()
        if chroma == 3:
            reader.bits(1)
        reader.golomb(2)
        reader.bits(1)
        if reader.bits(1):
            for number in range(12 if chroma == 3 else 8):
                if reader.bits(1):
                    _skip_scaling_list(reader, 16 if number < 6 else 64)
    order = reader.golomb(2)
    if order == 0:
        reader.golomb()
    elif order == 1:
        reader.bits(1)
        reader.golomb(2)
        reader.golomb(reader.golomb())
    return reader.golomb()


def _skip_scaling_list(reader: _BitReader, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            code = reader.golomb()
            following = (last + (code + 1) // 2 * (1 if code % 2 else -1)) % 256
        last = following or last


def _hevc_references(reader: _BitReader) -> int:
    reader.bits(4)
    layers = reader.bits(3)
    reader.bits(1 + 96)
    present = [(reader.bits(1), reader.bits(1)) for _ in range(layers)]
    if layers:
        reader.bits(2 * (8 - layers))
    for profile, level in present:
        reader.bits(88 * profile + 8 * level)
    if reader.golomb(2) == 3:
        reader.bits(1)
    reader.golomb(2)
    if reader.bits(1):
        reader.golomb(4)
    reader.golomb(3)
    references = 0
    for _ in range(layers + 1 if reader.bits(1) else 1):
        references = max(references, reader.golomb() + 1)
        reader.golomb(2)
    return references
