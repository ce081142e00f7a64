"""Reads a whole file once without decoding its video: when each frame is shown, and where decoding can start."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from virality_core.errors import InputError
from virality_core.media.container.source import AV_ERRORS, Source, main_audio, no_frame
from virality_core.types import PacketTable, Progress

STAGE = "reading"
_PACKETS_PER_REPORT = 64

Pts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StreamIndex:
    """Every video packet in decode order, and the frames in display order. All `pts` are in the stream's time base.

    Per packet, (P,): `pts` int64, `sizes` int64 in bytes, `is_key` bool, `is_discard` bool (outside the edit list:
    decoded but never shown). Per shown frame, (F,): `frame_pts` int64, ascending, unique.
    """

    pts: Pts
    sizes: NDArray[np.int64]
    is_key: NDArray[np.bool_]
    is_discard: NDArray[np.bool_]
    frame_pts: Pts
    start_pts: int  # where the presentation starts
    end_pts: int  # where the last frame ends
    time_base: Fraction
    damaged: bool  # reading stopped before the end of the file
    audio_end_seconds: float  # end of the last audio packet read, from the start of the reel; 0 without audio
    duplicates: int  # packets with the pts of an earlier one
    packet_of_pts: Mapping[int, int]  # the first packet with that pts
    key_packets: NDArray[np.intp]  # packet numbers of the keyframes, ascending

    def seconds(self, pts: Pts | int) -> NDArray[np.float64]:
        """Presentation time in seconds from the start of the reel."""
        return (np.asarray(pts, np.int64) - self.start_pts) * self.time_base.numerator / self.time_base.denominator

    @property
    def duration_seconds(self) -> float:
        """From the start of the presentation to the end of the last frame."""
        return float(self.seconds(self.end_pts))

    @property
    def key_pts(self) -> Pts:
        """The shown keyframes, ascending, int64 (K,)."""
        return np.unique(self.pts[self.is_key & ~self.is_discard])

    def packet_table(self) -> PacketTable:
        """The shown packets by presentation time."""
        shown = np.flatnonzero(~self.is_discard)
        order = shown[np.argsort(self.pts[shown], kind="stable")]
        return PacketTable(
            seconds=self.seconds(self.pts[order]), size_bytes=self.sizes[order], is_keyframe=self.is_key[order]
        )


def index_stream(
    source: Source,
    container: InputContainer,
    stream: VideoStream,
    *,
    progress: Progress,
    on_audio: Callable[[Packet], None] | None = None,  # type: ignore[type-arg]
) -> StreamIndex:
    """Demux the file to its end, or to damage. `on_audio` receives each packet of the main audio stream.

    Raises InputError if no video packet can be read or a limit is exceeded.
    """
    columns = array("q")  # five values per packet
    audio = main_audio(container) if on_audio is not None else None
    damaged = False
    packets = iter(container.demux([stream] if audio is None else [stream, audio]))
    count, untimed = 0, 0
    audio_end = Fraction(0)
    while True:
        try:
            packet = next(packets, None)
        except AV_ERRORS:
            damaged = True
            break
        if packet is None:
            break
        count += 1
        if count % _PACKETS_PER_REPORT == 0:
            progress(STAGE, min(1.0, max(0, packet.pos or 0) / source.size_bytes))
        if packet.stream_index != stream.index:
            if on_audio is not None:
                if packet.pts is not None:
                    audio_end = max(audio_end, (packet.pts + (packet.duration or 0)) * packet.time_base)
                on_audio(packet)
            continue
        shown_at = pts_of(packet)
        if shown_at is None or packet.size == 0:
            untimed += shown_at is None and packet.size > 0
            continue
        limit = source.limits.max_packets
        if len(columns) >= 5 * limit:
            raise InputError(f"“{source.name}” has more than {limit:,} frames; shorten it or lower its frame rate.")
        columns.extend((shown_at, packet.duration or 0, packet.size, packet.is_keyframe, packet.is_discard))
    progress(STAGE, 1.0)
    if untimed and not columns:
        raise InputError(f"“{source.name}” has frames without a time, or with times before zero; export it again.")
    if not columns:
        raise InputError(no_frame(source.name))
    pts, durations, sizes, keys, discards = np.ascontiguousarray(np.array(columns, np.int64).reshape(-1, 5).T)
    is_key, is_discard = keys.astype(np.bool_), discards.astype(np.bool_)
    if is_discard.all():
        is_discard[:] = False
    if not is_key.any():
        is_key[0] = True
    frame_pts = np.unique(pts[~is_discard])
    last_duration = int(durations[pts == frame_pts[-1]].max())
    usual_duration = int(np.median(np.diff(frame_pts))) if len(frame_pts) > 1 else 0
    time_base = stream.time_base or Fraction(1, av.time_base)
    start_pts = _start_pts(int(frame_pts[0]), container, time_base)
    return StreamIndex(
        pts=pts,
        sizes=sizes,
        is_key=is_key,
        is_discard=is_discard,
        frame_pts=frame_pts,
        start_pts=start_pts,
        end_pts=int(frame_pts[-1]) + (last_duration if last_duration > 0 else usual_duration),
        time_base=time_base,
        damaged=damaged,
        audio_end_seconds=max(0.0, float(audio_end - start_pts * time_base)),
        duplicates=int((~is_discard).sum()) - len(frame_pts),
        packet_of_pts={value: number for number, value in reversed(list(enumerate(pts.tolist())))},
        key_packets=np.flatnonzero(is_key),
    )


def pts_of(timed: Packet | VideoFrame) -> int | None:  # type: ignore[type-arg]
    """When a packet's frame or a frame is shown, in the stream's time base; by its decoding time if it has no other."""
    return timed.pts if timed.pts is not None else timed.dts


def _start_pts(first_frame_pts: int, container: InputContainer, time_base: Fraction) -> int:
    """What a player calls zero: the earlier start of picture and sound. Sound before zero is encoder priming."""
    audio = main_audio(container)
    if audio is None or audio.start_time is None or audio.time_base is None:
        return first_frame_pts
    return min(first_frame_pts, round(max(Fraction(0), audio.start_time * audio.time_base) / time_base))
