"""Decodes chosen frames of one group of pictures after the other: from the right keyframe, no further than needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from av.video.frame import VideoFrame

from virality_core.media.container.source import AV_ERRORS, Source, main_video, until_damage
from virality_core.media.container.stream_index import Survey
from virality_core.media.decoding.codec_context import decoding_context, has_alpha
from virality_core.media.guards.decoder_memory import check_memory, frames_at_once

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

_READ_ON_BYTES = 2_000_000  # skipping less than this by reading is cheaper than a seek
_LOOK_BACK_PACKETS = 300  # how far before a frame that can't be decoded a keyframe is looked for: 10 s
_LOOK_ON_PACKETS = 16  # how far past a frame that can't be decoded one that can is looked for
_OPEN_GROUPS = 64  # keyframes gone back to find one that is shown before the frame; a sound file needs one
_SEARCH_AT_LEAST, _SEARCHES = 3000, 2  # packets searched through for missing frames in all: so many, and twice the file
_MOST_IN_VAIN = 8  # searches in a row that find nothing: this stretch is damaged as a whole


@dataclass(frozen=True, slots=True)
class Job:
    """Packets `first` to `last` of the survey (decode order, both included) and the ticks wanted of them, ascending."""

    first: int
    last: int
    wanted: tuple[int, ...]


def jobs(survey: Survey, wanted: Sequence[int]) -> list[Job]:
    """One job for each group of pictures that holds wanted ticks; groups that overlap are one. Ascending."""
    ticks = [tick for tick in sorted(set(wanted)) if tick in survey.index]
    by_start: dict[int, list[int]] = {}
    for tick, start in zip(ticks, _starts(survey, ticks), strict=True):
        by_start.setdefault(start, []).append(tick)
    found: list[tuple[int, int, list[int]]] = []
    for first, own in sorted(by_start.items()):
        last = max(survey.index[tick] for tick in own)
        if found and first <= found[-1][1]:
            start, end, before = found.pop()
            before += own
            found.append((start, max(last, end), before))
        else:
            found.append((first, last, own))
    return [Job(first, last, tuple(sorted(own))) for first, last, own in found]


def _starts(survey: Survey, ticks: Sequence[int]) -> list[int]:
    """The packets to decode from: the last keyframe before the frame in decode order and not after it in display.

    Frames of an open group that are shown before its keyframe need the keyframe before.
    """
    numbers = [survey.index[tick] for tick in ticks]
    places = np.searchsorted(survey.key_numbers, numbers, side="right") - 1
    shown = survey.ticks[survey.key_numbers]  # of the keyframes
    for _ in range(_OPEN_GROUPS):
        too_late = (places >= 0) & (shown[places] > np.asarray(ticks, np.int64))
        if not too_late.any():
            break
        places[too_late] -= 1
    return [int(survey.key_numbers[place]) if place >= 0 else 0 for place in places]


class GroupDecoder:
    """Runs jobs on a container of its own. Not for use by two threads at once; close it."""

    def __init__(
        self, source: Source, survey: Survey, *, threads: int, container: InputContainer | None = None
    ) -> None:
        """`container` is one that is open already, and stays the caller's to close."""
        self._source = source
        self._survey = survey
        self._threads = threads
        self._stack = ExitStack()
        self._shape: tuple[int, int, str] | None = None  # of the last frame
        self._use(container or self._stack.enter_context(source.open()))
        self._demuxer: Iterator[Packet[VideoStream]] = iter(())
        self._place: int | None = None  # the survey's number of the packet that the demuxer gives next
        # Packets that may be decoded again in search of frames that are missing: a file of nothing but damaged
        # keyframes would have each of them look through its neighbours, for hours.
        self._search_left = _SEARCH_AT_LEAST + _SEARCHES * len(survey.ticks)
        self._in_vain = 0  # searches further back in a row that found nothing
        self.decoded_frames = 0
        self.decoded_pixels = 0
        self.damaged: set[int] = set()  # the survey's numbers of the packets that could not be decoded
        self.wanted: set[int] = set()  # ticks asked for
        self.came: set[int] = set()  # … and those of which the frame itself came
        #: called before each packet, so that whoever waits hears of it where no frame comes; may raise
        self.beat: Callable[[], None] = _nothing

    def close(self) -> None:
        """Close the container, if it is this decoder's own."""
        self._stack.close()

    @property
    def stream(self) -> VideoStream:
        """The stream that is decoded."""
        return self._stream

    @property
    def frames_at_once(self) -> int:
        """How many pictures it may hold."""
        return frames_at_once(self._context)

    def packets(self, first: int, last: int) -> Iterator[Packet[VideoStream]]:
        """The packets `first` to `last` of the survey (decode order, both included), as they are."""
        return self._packets(first, last)

    def frames(self, job: Job) -> Iterator[tuple[int, VideoFrame]]:
        """The job's frames as (wanted tick, frame), ascending as far as the file is sound.

        A frame that can't be decoded is replaced by the next one that can: its own `pts` tells. A wanted tick for which
        there is none is left out.
        """
        missing = set(job.wanted)
        self.wanted |= missing
        for tick, frame in self._decode(job, skip_others=True):
            if tick in missing:
                missing.discard(tick)
                self.came.add(tick)
                yield tick, frame
        if not missing:
            self._in_vain = 0
        elif job.first and self._search_left > 0 and self._in_vain < _MOST_IN_VAIN:
            # The keyframe may be damaged, or none at all whatever the container says.
            before = len(missing)
            for tick, frame in self._search(self._from_further_back(job, missing), skip_others=True):
                if tick in missing:
                    missing.discard(tick)
                    self.came.add(tick)
                    yield tick, frame
            self._in_vain = self._in_vain + 1 if len(missing) == before else 0
        if missing and self._search_left > 0:
            yield from self._next_best(job, sorted(missing))

    def _from_further_back(self, job: Job, missing: set[int]) -> Job:
        return Job(max(0, job.first - _LOOK_BACK_PACKETS), job.last, tuple(sorted(missing)))

    def _next_best(self, job: Job, missing: list[int]) -> Iterator[tuple[int, VideoFrame]]:
        last = min(len(self._survey.ticks) - 1, job.last + _LOOK_ON_PACKETS)
        place = 0
        for tick, frame in self._search(Job(job.first, last, job.wanted), skip_others=False):
            if place < len(missing) and tick >= missing[place]:
                yield missing[place], frame
                place += 1

    def _search(self, job: Job, *, skip_others: bool) -> Iterator[tuple[int, VideoFrame]]:
        self._search_left -= job.last + 1 - job.first
        yield from self._decode(job, skip_others=skip_others)

    def _decode(self, job: Job, *, skip_others: bool) -> Iterator[tuple[int, VideoFrame]]:
        """Shown frames of the job's packets as (tick, frame); with `skip_others` unwanted ones only where needed."""
        context, wanted = self._context, frozenset(job.wanted)
        context.flush_buffers()
        for packet in self._packets(job.first, job.last):
            skippable = skip_others and packet_ticks(packet) not in wanted
            context.skip_frame = "NONREF" if skippable else "DEFAULT"
            yield from self._shown(self._try(packet))
        context.skip_frame = "DEFAULT"
        yield from self._shown(self._try(None))
        context.flush_buffers()

    def _try(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        try:
            return self._context.decode(packet)
        except AV_ERRORS:
            if packet is not None and self._place is not None:
                self.damaged.add(self._place - 1)
            return []

    def _shown(self, frames: list[VideoFrame]) -> Iterator[tuple[int, VideoFrame]]:
        for frame in frames:
            self.decoded_frames += 1
            self.decoded_pixels += frame.width * frame.height
            self._check_memory(frame)
            tick = frame_ticks(frame)
            if tick is not None:
                yield tick, frame

    def _packets(self, first: int, last: int) -> Iterator[Packet[VideoStream]]:
        """The packets `first` to `last` of the survey, found again by reading on or by seeking."""
        place = self._place
        if place is None or place > first or int(self._survey.sizes[place:first].sum()) > _READ_ON_BYTES:
            place = self._seek(first)
        for packet in until_damage(self._demuxer):
            self.beat()
            if packet_ticks(packet) is None or not packet.size:
                continue
            self._place = place = place + 1
            if place > first:
                yield packet
            if place > last:
                return
        self._place = None

    def _seek(self, first: int) -> int:
        """Place the demuxer at packet `first` or a little before, checked by time stamp and size; else at the start."""
        for target in (int(self._survey.ticks[first]), int(self._survey.ticks.min())):
            try:
                self._container.seek(target, stream=self._stream, backward=True)
                self._demuxer = iter(self._container.demux(self._stream))
                landed = self._number_of_next()
            except AV_ERRORS:
                continue
            if landed is not None and landed <= first:
                return landed
        self._stack.close()  # some containers (MPEG-TS) can't be sent back to their start: only opened again
        self._use(self._stack.enter_context(self._source.open()))
        self._demuxer = iter(self._container.demux(self._stream))
        return 0

    def _check_memory(self, frame: VideoFrame) -> None:
        """Pictures may change their size and format on the way."""
        shape = (frame.width, frame.height, frame.format.name)
        if shape != self._shape:
            limits = self._source.limits
            check_memory(self._context, shape[:2], frame.format, name=self._source.name, limits=limits)
            self._shape = shape

    def _use(self, container: InputContainer) -> None:
        self._container = container
        self._stream = main_video(container, self._source.name)
        self._context: VideoCodecContext = decoding_context(
            self._stream,
            has_alpha=has_alpha(self._stream),
            max_pixels=self._source.limits.max_pixels,
            threads=self._threads,
        )

    def _number_of_next(self) -> int | None:
        """The survey's number of the next packet, which stays the next one; None where it is not known again."""
        packet = next(self._demuxer, None)
        if packet is None:
            return None
        tick = packet_ticks(packet)
        number = -1 if tick is None else self._survey.index.get(tick, -1)
        if number < 0 or int(self._survey.sizes[number]) != packet.size:
            return None
        self._demuxer = _chained(packet, self._demuxer)
        return number


def packet_ticks(packet: Packet[VideoStream]) -> int | None:
    """When the packet's frame is shown, in the stream's time base."""
    return packet.pts if packet.pts is not None else packet.dts


def frame_ticks(frame: VideoFrame) -> int | None:
    """When the frame is shown, in the stream's time base."""
    return frame.pts if frame.pts is not None else frame.dts


def _nothing() -> None:
    pass


def _chained(packet: Packet[VideoStream], rest: Iterator[Packet[VideoStream]]) -> Iterator[Packet[VideoStream]]:
    yield packet
    yield from rest
