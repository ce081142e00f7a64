"""Decodes chosen frames one group of pictures (GOP) at a time: from the right keyframe, no further than needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import cast

import numpy as np
from av.codec import CodecContext
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from virality_core.errors import InputError
from virality_core.media.container.source import AV_ERRORS, Source, main_video, until_damage
from virality_core.media.container.stream_index import StreamIndex, pts_of
from virality_core.media.guards.decoder_memory import check_memory

_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # FFmpeg's own decoders drop the alpha of these
_READ_AHEAD_BYTES = 2_000_000  # reading past less than this is cheaper than a seek
_LOOK_BACK_PACKETS = 300  # how far to search for a keyframe before a frame that can't be decoded: 10 s
_LOOK_AHEAD_PACKETS = 16  # how far to search for a substitute after a frame that can't be decoded
_MAX_OPEN_GOPS = 64  # keyframes to step back to find one shown before the frame; a valid file needs one
# A file of nothing but damaged keyframes would search its neighbors for hours: limits in packets, and in a row.
_MIN_SEARCH_PACKETS, _SEARCH_FILE_LENGTHS = 3000, 2
_MAX_FAILED_SEARCHES = 8


@dataclass(slots=True)
class DecodeJob:
    """Packets `first` to `last` in decode order, both included, and the `pts` requested from them."""

    first: int
    last: int
    pts: list[int]


def plan_jobs(index: StreamIndex, requested: Sequence[int]) -> list[DecodeJob]:
    """One job for each GOP with requested pts; overlapping GOPs share one. Ascending."""
    pts = [value for value in sorted(set(requested)) if value in index.packet_of_pts]
    jobs: list[DecodeJob] = []
    for first, value in sorted(zip(_start_packets(index, pts), pts, strict=True)):
        last = index.packet_of_pts[value]
        if jobs and first <= jobs[-1].last:
            jobs[-1].last = max(jobs[-1].last, last)
            jobs[-1].pts.append(value)
        else:
            jobs.append(DecodeJob(first, last, [value]))
    return jobs


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
        self.on_packet: Callable[[], object] = lambda: None  # called before each packet; may raise

    def close(self) -> None:
        """Close the container if this decoder opened it."""
        self._stack.close()

    def packets(self, first: int, last: int) -> Iterator[Packet[VideoStream]]:
        """The packets `first` to `last`, both included, reached by reading on or by seeking."""
        number = self._next_packet
        if number is None or number > first or int(self._index.sizes[number:first].sum()) > _READ_AHEAD_BYTES:
            number = self._seek(first)
        for packet in until_damage(self._demuxer):
            self.on_packet()
            if pts_of(packet) is None or not packet.size:
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
        yield from self._found(missing, self._decode(job))
        if not missing:
            self._failed_searches = 0
        elif job.first and self._search_packets_left > 0 and self._failed_searches < _MAX_FAILED_SEARCHES:
            # The keyframe may be damaged, or not be one, whatever the container says.
            before = len(missing)
            earlier = DecodeJob(max(0, job.first - _LOOK_BACK_PACKETS), job.last, list(missing))
            yield from self._found(missing, self._decode(earlier, is_search=True))
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
        for pts, frame in self._decode(DecodeJob(job.first, last, job.pts), is_search=True, skip_others=False):
            if count < len(missing) and pts >= missing[count]:
                yield missing[count], frame
                count += 1

    def _decode(
        self, job: DecodeJob, *, is_search: bool = False, skip_others: bool = True
    ) -> Iterator[tuple[int, VideoFrame]]:
        """Frames as (pts, frame); with `skip_others`, only the job's and those that the decoder needs for them."""
        if is_search:
            self._search_packets_left -= job.last + 1 - job.first
        context, requested = self.context, frozenset(job.pts)
        context.flush_buffers()
        for packet in self.packets(job.first, job.last):
            skippable = skip_others and pts_of(packet) not in requested
            context.skip_frame = "NONREF" if skippable else "DEFAULT"
            yield from self._decode_packet(packet)
        context.skip_frame = "DEFAULT"
        yield from self._decode_packet(None)
        context.flush_buffers()

    def _decode_packet(self, packet: Packet[VideoStream] | None) -> Iterator[tuple[int, VideoFrame]]:
        try:
            frames = self.context.decode(packet)
        except AV_ERRORS:
            if packet is not None and self._next_packet is not None:
                self.damaged_packets.add(self._next_packet - 1)
            return
        for frame in frames:
            self.decoded_frames += 1
            self.decoded_pixels += frame.width * frame.height
            shape = (frame.width, frame.height, frame.format.name)
            if shape != self._frame_shape:  # frames may change their size or format
                name, limits = self._source.name, self._source.limits
                check_memory(self.context, shape[:2], frame.format, name=name, limits=limits)
                self._frame_shape = shape
            pts = pts_of(frame)
            if pts is not None:
                yield pts, frame

    def _seek(self, first: int) -> int:
        """Move the demuxer to packet `first` or before; returns the number of its next packet.

        Where a seek lands is checked by time stamp and size; if that fails, reading starts over.
        """
        for target in (int(self._index.pts[first]), int(self._index.pts.min())):
            try:
                self._container.seek(target, stream=self.stream, backward=True)
                self._demuxer = iter(self._container.demux(self.stream))
                number = self._identify_next()
            except AV_ERRORS:
                continue
            if number is not None and number <= first:
                return number
        self._stack.close()  # some containers (MPEG-TS) can't seek to their start: reopen
        self._use(self._stack.enter_context(self._source.open()))
        self._demuxer = iter(self._container.demux(self.stream))
        return 0

    def _identify_next(self) -> int | None:
        """The number of the demuxer's next packet, which stays the next one; None if it isn't recognized."""
        packet = next(self._demuxer, None)
        pts = None if packet is None else pts_of(packet)
        number = None if pts is None else self._index.packet_of_pts.get(pts)
        if packet is None or number is None or int(self._index.sizes[number]) != packet.size:
            return None
        self._demuxer = chain([packet], self._demuxer)
        return number

    def _use(self, container: InputContainer) -> None:
        self._container = container
        self.stream = main_video(container, self._source.name)
        self.context = decoding_context(self.stream, self._source.limits.max_pixels, self._threads)


def decoding_context(stream: VideoStream, max_pixels: int, threads: int) -> VideoCodecContext:
    """An open context for the stream. Raises InputError if its codec is unknown or its header is damaged."""
    context = stream.codec_context
    if context.name in _ALPHA_DECODERS and has_alpha(stream):
        context = cast(VideoCodecContext, CodecContext.create(_ALPHA_DECODERS[context.name], "r"))
        context.extradata = stream.codec_context.extradata
    if not context.is_open:
        context.thread_type = "AUTO"
        context.thread_count = threads
        context.options = {"max_pixels": str(max_pixels)}
        try:
            context.open()  # before `skip_frame` is set: dav1d keeps the value it is opened with
        except AV_ERRORS:
            raise InputError(
                f"The video's codec ({context.name}) can't be opened: it is unknown, or its header is damaged; "
                "export the video as H.264 MP4."
            ) from None
    return context


def has_alpha(stream: VideoStream) -> bool:
    """Whether the stream has transparency, by its header."""
    if stream.metadata.get("alpha_mode") == "1" and stream.codec_context.name in _ALPHA_DECODERS:
        return True
    format_ = stream.codec_context.format
    return stream.pix_fmt == "pal8" or (format_ is not None and any(part.is_alpha for part in format_.components))
