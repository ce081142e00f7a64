"""Decodes sound into frames that are safe to use.

Two faults of PyAV 18.1 end the process, so nothing else in this package decodes sound:

- `AudioFrame.planes` of planar frames runs past its end from 8 channels on. Whoever wants samples resamples to a packed
  format first (`flt`), which has one plane.
- `AudioLayout` frees the channel list of a layout in an order of its own (stereo as right, left; 6.1 as ffmpeg writes
  it to MOV), although the frame or decoder that it was read from owns that list and frees it again. Such a layout is
  never freed, which costs about 100 bytes, and its sound is not read.
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

_NATIVE_CHANNELS = 63  # bits of a channel mask; a layout in the usual order is such a mask
_UNORDERED = re.compile(r"(\d+) channels")  # libav's name of a layout that only tells how many


class UnreadableSound(InputError):  # noqa: N818  (what it is, in one word)
    """Which channel is which can't be told; the sentence says what would work."""


def check_channels(context: AudioCodecContext) -> None:
    """To be called before anything of a stream is decoded. Raises UnreadableSound."""
    _check(context.layout)


def channel_count(context: AudioCodecContext) -> int:
    """How many channels the sound has, whatever their order."""
    layout = context.layout
    if not _is_known(layout):
        _never_free(layout)
    return layout.nb_channels


def audio_frames(packet: Packet[AudioStream]) -> list[AudioFrame]:
    """The frames of one packet; an empty packet gives those that the decoder still holds.

    Raises:
        UnreadableSound: this packet has its channels in an unknown order; where the first had not, it is damaged.
        FFmpegError: it is damaged.
    """
    frames = [frame for frame in packet.decode() if isinstance(frame, AudioFrame)]
    _check(*(frame.layout for frame in frames))
    return frames


def frames_of(packet: Packet[Any]) -> Sequence[VideoFrame | AudioFrame]:
    """The frames of a packet of pictures or sound; none where it is damaged."""
    try:
        return audio_frames(packet) if isinstance(packet.stream, AudioStream) else packet.decode()
    except (UnreadableSound, *AV_ERRORS):
        return []


def _check(*layouts: AudioLayout) -> None:
    unknown = [layout for layout in layouts if not _is_known(layout)]
    if unknown:
        for layout in unknown:
            _never_free(layout)
        raise UnreadableSound(
            f"The sound's {unknown[0].nb_channels} channels are in an order that isn't known, so it can't be read; "
            "export the video with stereo sound."
        )


def _never_free(layout: AudioLayout) -> None:
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(layout))  # a list of them would be emptied at exit


def _is_known(layout: AudioLayout) -> bool:
    """Whether the channels are in libav's usual order, or as many without order as it has a usual order for.

    No channels at all means that only decoding will tell.
    """
    unordered = _UNORDERED.fullmatch(layout.name)
    if unordered:
        return _has_usual_order(int(unordered[1]))
    return _in_order(tuple(channel.name for channel in layout.channels))


@lru_cache(maxsize=64)
def _has_usual_order(count: int) -> bool:
    try:
        AudioLayout(f"{count or 1}c")
    except ValueError:
        return False
    return True


@lru_cache(maxsize=64)
def _in_order(names: tuple[str, ...]) -> bool:
    bits = [_native_bits().get(name, -1) for name in names]
    return all(after > before for before, after in zip([-1, *bits], bits, strict=False))


@lru_cache(maxsize=1)
def _native_bits() -> dict[str, int]:
    return {AudioLayout(hex(1 << bit)).channels[0].name: bit for bit in range(_NATIVE_CHANNELS)}
