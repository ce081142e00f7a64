"""Reads a whole file once without decoding its pictures: which frame is shown when, and where decoding can begin."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from virality_core.errors import InputError
from virality_core.media.container.source import AV_ERRORS, Source, main_audio, no_frame
from virality_core.types import PacketTable, Progress

STAGE = "reading"
_PACKETS_A_REPORT = 64

Ticks = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Survey:
    """Every video packet in decode order, and the order of display. Times in `ticks` are in the stream's time base.

    `ticks` int64 (P,), `sizes` int64 (P,), `keys` bool (P,), `hidden` bool (P,): outside the edit list, decoded but
    never shown. `shown` int64 (F,): the ticks of the frames shown, ascending, each once.
    """

    ticks: Ticks
    sizes: NDArray[np.int64]
    keys: NDArray[np.bool_]
    hidden: NDArray[np.bool_]
    shown: Ticks
    zero: int  # the tick at which the presentation starts
    end: int  # the tick at which the last frame ends
    time_base: Fraction
    damaged: bool  # reading stopped at damage before the end of the file
    sound_end: float  # seconds from the start of the reel to the end of the last sound packet read; 0 without
    repeated: int  # packets to be shown at a time that another has already
    index: Mapping[int, int]  # tick to the number of its first packet
    key_numbers: NDArray[np.intp]  # numbers of the keyframes' packets, ascending

    def seconds(self, ticks: Ticks | int) -> NDArray[np.float64]:
        """Presentation time in seconds from the start of the reel."""
        return (np.asarray(ticks, np.int64) - self.zero) * self.time_base.numerator / self.time_base.denominator

    @property
    def duration_seconds(self) -> float:
        """From the start of the presentation to the end of the last frame."""
        return float(self.seconds(self.end))

    @property
    def key_ticks(self) -> Ticks:
        """Ticks of the shown keyframes, ascending, int64 (K,)."""
        return np.unique(self.ticks[self.keys & ~self.hidden])

    def packets(self) -> PacketTable:
        """The shown packets by presentation time."""
        kept = np.flatnonzero(~self.hidden)
        order = kept[np.argsort(self.ticks[kept], kind="stable")]
        return PacketTable(
            seconds=self.seconds(self.ticks[order]), size_bytes=self.sizes[order], is_keyframe=self.keys[order]
        )


def survey(
    source: Source,
    container: InputContainer,
    stream: VideoStream,
    *,
    progress: Progress,
    audio: Callable[[Packet], None] | None = None,  # type: ignore[type-arg]
) -> Survey:
    """Demux the file to its end (or to damage). `audio` is called with each packet of the best audio stream.

    Raises:
        InputError: no video packet could be read, or a limit is passed.
    """
    ticks, durations, sizes = array("q"), array("q"), array("q")
    keys, hidden = bytearray(), bytearray()
    sound = main_audio(container) if audio is not None else None
    damaged = False
    packets = iter(container.demux([stream] if sound is None else [stream, sound]))
    count, untimed = 0, 0
    sound_end = Fraction(0)
    while True:
        try:
            packet = next(packets, None)
        except AV_ERRORS:
            damaged = True
            break
        if packet is None:
            break
        count += 1
        if count % _PACKETS_A_REPORT == 0:
            progress(STAGE, min(1.0, max(0, packet.pos or 0) / source.size_bytes))
        if packet.stream_index != stream.index:
            if audio is not None:
                if packet.pts is not None:
                    sound_end = max(sound_end, (packet.pts + (packet.duration or 0)) * packet.time_base)
                audio(packet)
            continue
        when = packet.pts if packet.pts is not None else packet.dts
        if when is None or packet.size == 0:
            untimed += when is None and packet.size > 0
            continue
        if len(ticks) >= source.limits.max_packets:
            most = source.limits.max_packets
            raise InputError(f"“{source.name}” holds more than {most:,} frames; shorten it or lower its frame rate.")
        ticks.append(when)
        durations.append(packet.duration or 0)
        sizes.append(packet.size)
        keys.append(packet.is_keyframe)
        hidden.append(packet.is_discard)
    progress(STAGE, 1.0)
    if untimed and not ticks:
        raise InputError(f"“{source.name}” holds frames without a time, or with times before zero; export it again.")
    if not ticks:
        raise InputError(no_frame(source.name))
    return _summed_up(
        ticks=np.array(ticks, np.int64),
        durations=np.array(durations, np.int64),
        sizes=np.array(sizes, np.int64),
        keys=np.frombuffer(bytes(keys), np.bool_),
        hidden=np.frombuffer(bytes(hidden), np.bool_),
        stream=stream,
        container=container,
        damaged=damaged,
        sound_end=sound_end,
    )


def _summed_up(
    *,
    ticks: Ticks,
    durations: Ticks,
    sizes: NDArray[np.int64],
    keys: NDArray[np.bool_],
    hidden: NDArray[np.bool_],
    stream: VideoStream,
    container: InputContainer,
    damaged: bool,
    sound_end: Fraction,
) -> Survey:
    if hidden.all():
        hidden = np.zeros_like(hidden)
    if not keys.any():
        keys = keys.copy()
        keys[0] = True
    shown = np.unique(ticks[~hidden])
    last = int(durations[ticks == shown[-1]].max())
    usual = int(np.median(np.diff(shown))) if len(shown) > 1 else 0
    time_base = stream.time_base or Fraction(1, av.time_base)
    zero = _presentation_start(int(shown[0]), container, time_base)
    return Survey(
        ticks=ticks,
        sizes=sizes,
        keys=keys,
        hidden=hidden,
        shown=shown,
        zero=zero,
        end=int(shown[-1]) + (last if last > 0 else usual),
        time_base=time_base,
        damaged=damaged,
        sound_end=max(0.0, float(sound_end - zero * time_base)),
        repeated=int((~hidden).sum()) - len(shown),
        index={tick: number for number, tick in reversed(list(enumerate(ticks.tolist())))},
        key_numbers=np.flatnonzero(keys),
    )


def _presentation_start(first_shown: int, container: InputContainer, time_base: Fraction) -> int:
    """The tick that a player calls zero: where the earlier of picture and sound begins.

    Sound before zero is an encoder's priming, which players drop.
    """
    sound = main_audio(container)
    if sound is None or sound.start_time is None or sound.time_base is None:
        return first_shown
    starts = max(Fraction(0), sound.start_time * sound.time_base)
    return min(first_shown, round(starts / time_base))
