"""Decodes sound into frames that are safe to use.

Two faults of PyAV 18.1 crash the process, so nothing else in this package decodes sound:

- `AudioFrame.planes` of planar frames reads past its end from 8 channels on. To read samples, resample to a packed
  format (`flt`), which has one plane.
- `AudioLayout` frees the channel list of a layout in custom order (stereo as right, left; 6.1 as FFmpeg writes it to
  MOV), which its frame or decoder owns and frees again. Such a layout is leaked, about 100 bytes, and its sound is not
  read.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.frame import VideoFrame

from virality_core.errors import InputError
from virality_core.media.container.source import AV_ERRORS

#: The bits of a channel mask, which describes any layout in native order.
_NATIVE_BITS = {AudioLayout(hex(1 << bit)).channels[0].name: bit for bit in range(63)}
_UNORDERED = re.compile(r"(\d+) channels")  # FFmpeg's name for a layout that has only a count


class UnreadableSound(InputError):  # noqa: N818
    """The channels are in an unknown order; the message says what would work."""


def check_channels(context: AudioCodecContext) -> None:
    """Call this before decoding anything of a stream. Raises UnreadableSound."""
    _check(context.layout)


def channel_count(context: AudioCodecContext) -> int:
    """How many channels the sound has, in any order."""
    layout = context.layout
    _is_known(layout)
    return layout.nb_channels


def audio_frames(packet: Packet[AudioStream]) -> list[AudioFrame]:
    """The frames of one packet; an empty packet flushes the decoder.

    Raises:
        UnreadableSound: its channels are in an unknown order; after readable packets that means damage.
        FFmpegError: it is damaged.
    """
    frames = [frame for frame in packet.decode() if isinstance(frame, AudioFrame)]
    _check(*(frame.layout for frame in frames))
    return frames


def frames_of(packet: Packet[Any]) -> Sequence[VideoFrame | AudioFrame]:
    """The frames of a video or audio packet; none if it is damaged."""
    try:
        return audio_frames(packet) if isinstance(packet.stream, AudioStream) else packet.decode()
    except (UnreadableSound, *AV_ERRORS):
        return []


def _check(*layouts: AudioLayout) -> None:
    unknown = [layout for layout in layouts if not _is_known(layout)]
    if unknown:
        raise UnreadableSound(
            f"The sound's {unknown[0].nb_channels} channels are in an order that isn't known, so it can't be read; "
            "export the video with stereo sound."
        )


def _is_known(layout: AudioLayout) -> bool:
    """Whether the channels are in FFmpeg's native order, or unordered but of a count that has one.

    A layout without channels counts as known: decoding will tell. An unknown one is leaked.
    """
    unordered = _UNORDERED.fullmatch(layout.name)
    if unordered:
        known = _has_native_order(int(unordered[1]))
    else:
        known = _is_native_order(tuple(channel.name for channel in layout.channels))
    if not known:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(layout))  # a list of layouts would be freed at exit
    return known


@lru_cache(maxsize=64)
def _has_native_order(count: int) -> bool:
    try:
        AudioLayout(f"{count or 1}c")
    except ValueError:
        return False
    return True


@lru_cache(maxsize=64)
def _is_native_order(names: tuple[str, ...]) -> bool:
    bits = [_NATIVE_BITS.get(name, -1) for name in names]
    return all(after > before for before, after in zip([-1, *bits], bits, strict=False))
