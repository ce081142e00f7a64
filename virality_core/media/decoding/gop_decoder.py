"""Decodes chosen frames one group of pictures (GOP) at a time: from the right keyframe, no further than needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain

import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from virality_core.media.container.source import AV_ERRORS, Source, main_video, until_damage
from virality_core.media.container.stream_index import StreamIndex
from virality_core.media.decoding.codec_context import decoding_context, has_alpha
from virality_core.media.guards.decoder_memory import check_memory, frames_at_once

_READ_AHEAD_BYTES = 2_000_000  # reading past less than this is cheaper than a seek
_LOOK_BACK_PACKETS = 300  # how far to search for a keyframe before a frame that can't be decoded: 10 s
_LOOK_AHEAD_PACKETS = 16  # how far to search for a substitute after a frame that can't be decoded
_MAX_OPEN_GOPS = 64  # keyframes to step back to find one shown before the frame; a valid file needs one
# A file of nothing but damaged keyframes would search its neighbors for hours: limits in packets, and in a row.
_MIN_SEARCH_PACKETS, _SEARCH_FILE_LENGTHS = 3000, 2
_MAX_FAILED_SEARCHES = 8


@dataclass(frozen=True, slots=True)
class DecodeJob:
    """Packets `first` to `last` in decode order, both included, and the `pts` requested from them, ascending."""

    first: int
    last: int
    pts: tuple[int, ...]


def plan_jobs(index: StreamIndex, requested: Sequence[int]) -> list[DecodeJob]:
    """One job for each GOP with requested pts; overlapping GOPs share one. Ascending."""
    pts = [value for value in sorted(set(requested)) if value in index.packet_of_pts]
    by_start: dict[int, list[int]] = {}
    for value, start in zip(pts, _start_packets(index, pts), strict=True):
        by_start.setdefault(start, []).append(value)
    jobs: list[tuple[int, int, list[int]]] = []
    for first, values in sorted(by_start.items()):
        last = max(index.packet_of_pts[value] for value in values)
        if jobs and first <= jobs[-1][1]:
            start, end, before = jobs.pop()
            jobs.append((start, max(last, end), before + values))
        else:
            jobs.append((first, last, values))
    return [DecodeJob(first, last, tuple(sorted(values))) for first, last, values in jobs]


def _start_packets(index: StreamIndex, pts: Sequence[int]) -> list[int]:
    """Where to start decoding for each pts: the last keyframe that is not after the frame in decode or display order.

    Frames of an open GOP that are shown before its keyframe need the keyframe before.
    """
    packets = [index.packet_of_pts[value] for value in pts]
    keys = np.searchsorted(index.key_packets, packets, side="right") - 1
    key_pts = index.pts[index.key_packets]
    for _ in range(_MAX_OPEN_GOPS):
        too_late = (keys >= 0) & (key_pts[keys] > np.asarray(pts, np.int64))
        if not too_late.any():
            break
        keys[too_late] -= 1
    return [int(index.key_packets[key]) if key >= 0 else 0 for key in keys]


class GopDecoder:
    """Runs jobs on one container. For one thread at a time; close it."""

    def __init__(
        self, source: Source, index: StreamIndex, *, threads: int, container: InputContainer | None = None
    ) -> None:
        """`container`, if given, is open already and stays the caller's to close."""
        self._source = source
        self._index = index
        self._threads = threads
        self._stack = ExitStack()
        self._frame_shape: tuple[int, int, str] | None = None  # of the last frame
        self._use(container or self._stack.enter_context(source.open()))
        self._demuxer: Iterator[Packet[VideoStream]] = iter(())
        self._next_packet: int | None = None  # number of the packet that the demuxer gives next
        self._search_packets_left = _MIN_SEARCH_PACKETS + _SEARCH_FILE_LENGTHS * len(index.pts)
        self._failed_searches = 0  # in a row
        self.decoded_frames = 0
        self.decoded_pixels = 0
        self.damaged_packets: set[int] = set()  # numbers of the packets that could not be decoded
        self.requested: set[int] = set()  # pts
        self.decoded: set[int] = set()  # the requested pts that were decoded themselves, not substituted
        self.on_packet: Callable[[], None] | None = None  # called before each packet; may raise

    def close(self) -> None:
        """Close the container if this decoder opened it."""
        self._stack.close()

    @property
    def stream(self) -> VideoStream:
        """The stream that is decoded."""
        return self._stream

    @property
    def frames_at_once(self) -> int:
        """How many frames the decoder may hold in memory."""
        return frames_at_once(self._context)

    def packets(self, first: int, last: int) -> Iterator[Packet[VideoStream]]:
        """The packets `first` to `last`, both included, reached by reading on or by seeking."""
        number = self._next_packet
        if number is None or number > first or int(self._index.sizes[number:first].sum()) > _READ_AHEAD_BYTES:
            number = self._seek(first)
        for packet in until_damage(self._demuxer):
            if self.on_packet is not None:
                self.on_packet()
            if packet_pts(packet) is None or not packet.size:
                continue
            self._next_packet = number = number + 1
            if number > first:
                yield packet
            if number > last:
                return
        self._next_packet = None

    def frames(self, job: DecodeJob) -> Iterator[tuple[int, VideoFrame]]:
        """The job's frames as (requested pts, frame), ascending in an undamaged file.

        A frame that can't be decoded is replaced by the next one that can (its own `pts` tells), or left out.
        """
        missing = set(job.pts)
        self.requested |= missing
        yield from self._found(missing, self._decode(job, skip_others=True))
        if not missing:
            self._failed_searches = 0
        elif job.first and self._search_packets_left > 0 and self._failed_searches < _MAX_FAILED_SEARCHES:
            # The keyframe may be damaged, or not be one, whatever the container says.
            before = len(missing)
            earlier = DecodeJob(max(0, job.first - _LOOK_BACK_PACKETS), job.last, tuple(sorted(missing)))
            yield from self._found(missing, self._search(earlier, skip_others=True))
            self._failed_searches = self._failed_searches + 1 if len(missing) == before else 0
        if missing and self._search_packets_left > 0:
            yield from self._substitutes(job, sorted(missing))

    def _found(self, missing: set[int], frames: Iterator[tuple[int, VideoFrame]]) -> Iterator[tuple[int, VideoFrame]]:
        """The missing ones of these frames; takes them off `missing`."""
        for pts, frame in frames:
            if pts in missing:
                missing.discard(pts)
                self.decoded.add(pts)
                yield pts, frame

    def _substitutes(self, job: DecodeJob, missing: list[int]) -> Iterator[tuple[int, VideoFrame]]:
        """For each missing pts the next frame that can be decoded."""
        last = min(len(self._index.pts) - 1, job.last + _LOOK_AHEAD_PACKETS)
        count = 0
        for pts, frame in self._search(DecodeJob(job.first, last, job.pts), skip_others=False):
            if count < len(missing) and pts >= missing[count]:
                yield missing[count], frame
                count += 1

    def _search(self, job: DecodeJob, *, skip_others: bool) -> Iterator[tuple[int, VideoFrame]]:
        self._search_packets_left -= job.last + 1 - job.first
        yield from self._decode(job, skip_others=skip_others)

    def _decode(self, job: DecodeJob, *, skip_others: bool) -> Iterator[tuple[int, VideoFrame]]:
        """The job's frames as (pts, frame); with `skip_others`, others only where the decoder needs them."""
        context, requested = self._context, frozenset(job.pts)
        context.flush_buffers()
        for packet in self.packets(job.first, job.last):
            skippable = skip_others and packet_pts(packet) not in requested
            context.skip_frame = "NONREF" if skippable else "DEFAULT"
            yield from self._timed(self._decode_packet(packet))
        context.skip_frame = "DEFAULT"
        yield from self._timed(self._decode_packet(None))
        context.flush_buffers()

    def _decode_packet(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        try:
            return self._context.decode(packet)
        except AV_ERRORS:
            if packet is not None and self._next_packet is not None:
                self.damaged_packets.add(self._next_packet - 1)
            return []

    def _timed(self, frames: list[VideoFrame]) -> Iterator[tuple[int, VideoFrame]]:
        for frame in frames:
            self.decoded_frames += 1
            self.decoded_pixels += frame.width * frame.height
            self._check_memory(frame)
            pts = frame_pts(frame)
            if pts is not None:
                yield pts, frame

    def _seek(self, first: int) -> int:
        """Move the demuxer to packet `first` or before; returns the number of its next packet.

        Where a seek lands is checked by time stamp and size; if that fails, reading starts over.
        """
        for target in (int(self._index.pts[first]), int(self._index.pts.min())):
            try:
                self._container.seek(target, stream=self._stream, backward=True)
                self._demuxer = iter(self._container.demux(self._stream))
                number = self._identify_next()
            except AV_ERRORS:
                continue
            if number is not None and number <= first:
                return number
        self._stack.close()  # some containers (MPEG-TS) can't seek to their start: reopen
        self._use(self._stack.enter_context(self._source.open()))
        self._demuxer = iter(self._container.demux(self._stream))
        return 0

    def _identify_next(self) -> int | None:
        """The number of the demuxer's next packet, which stays the next one; None if it isn't recognized."""
        packet = next(self._demuxer, None)
        if packet is None:
            return None
        pts = packet_pts(packet)
        number = -1 if pts is None else self._index.packet_of_pts.get(pts, -1)
        if number < 0 or int(self._index.sizes[number]) != packet.size:
            return None
        self._demuxer = chain([packet], self._demuxer)
        return number

    def _check_memory(self, frame: VideoFrame) -> None:
        """Check again whenever frames change their size or format."""
        shape = (frame.width, frame.height, frame.format.name)
        if shape != self._frame_shape:
            limits = self._source.limits
            check_memory(self._context, shape[:2], frame.format, name=self._source.name, limits=limits)
            self._frame_shape = shape

    def _use(self, container: InputContainer) -> None:
        self._container = container
        self._stream = main_video(container, self._source.name)
        self._context: VideoCodecContext = decoding_context(
            self._stream,
            has_alpha=has_alpha(self._stream),
            max_pixels=self._source.limits.max_pixels,
            threads=self._threads,
        )


def packet_pts(packet: Packet[VideoStream]) -> int | None:
    """When the packet's frame is shown, in the stream's time base; the decoding time if the file states no other."""
    return packet.pts if packet.pts is not None else packet.dts


def frame_pts(frame: VideoFrame) -> int | None:
    """When the frame is shown, in the stream's time base; the packet's decoding time if it has no other."""
    return frame.pts if frame.pts is not None else frame.dts
