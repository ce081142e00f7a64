"""Decodes chosen frames of a reel: from the right keyframe, no further than needed, each known by its time stamp."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from av.codec import CodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from virality_core.errors import InputError
from virality_core.media.picture import Picture
from virality_core.media.source import AV_ERRORS, Source, main_video
from virality_core.media.survey import Survey
from virality_core.types import Progress

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

_READ_ON_BYTES = 2_000_000  # skipping less than this by reading is cheaper than a seek
_THREADED_PIXELS = 3840 * 2160  # above this a frame thread each would hold too many large pictures
_MAX_THREADS = 8
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # libav's own decoders drop the alpha of these


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SmallFrame:
    """A frame for cheap looks at motion and cuts: `luma` uint8 (h, w) full range, upright, short side about 180."""

    seconds: float
    luma: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Job:
    """Packets `first` to `last` of the survey (decode order, both included) and the ticks wanted of them, ascending."""

    first: int
    last: int
    wanted: tuple[int, ...]


class Decoder:
    """Frames of one reel by time. One container and one codec context; close it, or use it as a context manager.

    For finding cuts: `survey.packets()` has every packet's time, size and kind without decoding; `keyframes_small()`
    is every keyframe (those decoded before come from memory); `frames_between(a, b)` is every frame shown in a stretch,
    decoded from the keyframe before it; `small(frame)` makes its grey copy.
    """

    def __init__(self, source: Source, survey: Survey, picture: Picture, progress: Progress) -> None:
        self.survey = survey
        self.picture = picture
        self.decoded_frames = 0
        self.damaged_packets = 0
        self._name = source.name
        self._limits = source.limits
        self._progress = progress
        self._small: dict[int, NDArray[np.uint8]] = {}
        in_decode_order: list[int] = survey.ticks.tolist()
        self._index = {tick: place for place, tick in reversed(list(enumerate(in_decode_order)))}
        self._keys = np.flatnonzero(survey.keys)
        self._hidden = frozenset(int(tick) for tick in survey.ticks[survey.hidden]) - frozenset(
            int(tick) for tick in survey.shown
        )
        self._place = 0  # the survey's number of the packet that the demuxer gives next
        with ExitStack() as stack:
            self._container: InputContainer = stack.enter_context(source.open())
            self._stream: VideoStream = main_video(self._container, source.name)
            self._context = decoding_context(
                self._stream, has_alpha=picture.has_alpha, max_pixels=source.limits.max_pixels
            )
            self._demuxer: Iterator[Packet[VideoStream]] = iter(self._container.demux(self._stream))
            self._stack = stack.pop_all()

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the container."""
        self._stack.close()

    def frames(self, wanted: Sequence[int]) -> Iterator[tuple[int, VideoFrame]]:
        """The frames shown at the wanted ticks (of `survey.shown`), as (wanted tick, frame), mostly ascending.

        A frame that can't be decoded is replaced by the next one that can: its own `pts` tells. A wanted tick for which
        there is none is left out.

        Raises:
            InputError: the file asks for more decoding than the limits allow.
        """
        for job in self._jobs(sorted(set(wanted))):
            missing = set(job.wanted)
            for tick, frame in self._decode(job, only=missing):
                if tick in missing:
                    missing.discard(tick)
                    yield tick, frame
            if missing:
                yield from self._next_best(job, sorted(missing))

    def frames_between(self, start_seconds: float, end_seconds: float) -> Iterator[tuple[float, VideoFrame]]:
        """Every frame shown from `start_seconds` up to, not including, `end_seconds`: (seconds, frame), ascending."""
        seconds = self.survey.seconds(self.survey.shown)
        wanted = self.survey.shown[(seconds >= start_seconds) & (seconds < end_seconds)]
        for tick, frame in self.frames([int(tick) for tick in wanted]):
            yield float(self.survey.seconds(_tick(frame, tick))), frame

    def keyframes_small(self, start_seconds: float = 0.0, end_seconds: float = float("inf")) -> Iterator[SmallFrame]:
        """Every shown keyframe of a stretch, small and grey, ascending. One costs as much as five other frames."""
        keys = self.survey.key_ticks
        seconds = self.survey.seconds(keys)
        keys = keys[(seconds >= start_seconds) & (seconds < end_seconds)]
        to_decode = self.frames([int(tick) for tick in keys if int(tick) not in self._small])
        found = {}
        for tick in (int(tick) for tick in keys):
            while tick not in self._small and tick not in found:
                wanted, frame = next(to_decode, (None, None))
                if wanted is None or frame is None:
                    break
                found[wanted] = self.small(frame)
            luma = self._small.get(tick, found.pop(tick, None))
            if luma is not None:
                yield SmallFrame(seconds=float(self.survey.seconds(tick)), luma=luma)

    def small(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """The frame's luma, uint8 (h, w) full range, upright, short side about 180."""
        return self.picture.small_luma(frame)

    def remember(self, tick: int, luma: NDArray[np.uint8]) -> None:
        """Keep a keyframe's small copy for `keyframes_small`."""
        self._small[tick] = luma

    def _jobs(self, wanted: Sequence[int]) -> list[_Job]:
        """One job for each group of pictures that holds wanted frames; neighbours that touch are one."""
        by_start: dict[int, list[int]] = {}
        for tick in wanted:
            if tick in self._index:
                by_start.setdefault(self._start_of(tick), []).append(tick)
        jobs: list[_Job] = []
        for first, ticks in sorted(by_start.items()):
            last = max(self._index[tick] for tick in ticks)
            if jobs and first <= jobs[-1].last + 1:
                before = jobs.pop()
                jobs.append(_Job(before.first, max(last, before.last), tuple(sorted((*before.wanted, *ticks)))))
            else:
                jobs.append(_Job(first, last, tuple(ticks)))
        return jobs

    def _start_of(self, tick: int) -> int:
        """The packet to decode from: the last keyframe before the frame in decode order and not after it in display.

        Frames of an open group that are shown before its keyframe need the keyframe before.
        """
        place = self._index[tick]
        before = int(np.searchsorted(self._keys, place, side="right")) - 1
        while before >= 0 and self.survey.ticks[self._keys[before]] > tick:
            before -= 1
        return int(self._keys[before]) if before >= 0 else 0

    def _decode(self, job: _Job, only: set[int] | None) -> Iterator[tuple[int, VideoFrame]]:
        """Shown frames of the job's packets as (tick, frame). With `only`, others may be left out where cheaper."""
        context = self._context
        context.flush_buffers()
        for packet in self._packets(job.first, job.last):
            skippable = only is not None and _ticks(packet) not in only
            context.skip_frame = "NONREF" if skippable else "DEFAULT"
            yield from self._shown(self._try(packet))
        context.skip_frame = "DEFAULT"
        yield from self._shown(self._try(None))
        context.flush_buffers()

    def _try(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        try:
            return self._context.decode(packet)
        except AV_ERRORS:
            self.damaged_packets += 1
            return []

    def _shown(self, frames: list[VideoFrame]) -> Iterator[tuple[int, VideoFrame]]:
        for frame in frames:
            self.decoded_frames += 1
            if self.decoded_frames > self._limits.max_decoded_frames:
                raise InputError(f"“{self._name}” takes too long to decode; export it again with a keyframe every 2 s.")
            tick = frame.pts if frame.pts is not None else frame.dts
            if tick is not None and tick not in self._hidden:
                yield int(tick), frame

    def _next_best(self, job: _Job, missing: list[int]) -> Iterator[tuple[int, VideoFrame]]:
        """For frames that did not come out: the first that does after each, else nothing."""
        place = 0
        end = int(min(len(self.survey.ticks) - 1, job.last + 16))
        for tick, frame in self._decode(_Job(job.first, end, job.wanted), only=None):
            if place < len(missing) and tick >= missing[place] and tick not in job.wanted:
                yield missing[place], frame
                place += 1

    def _packets(self, first: int, last: int) -> Iterator[Packet[VideoStream]]:
        """The packets `first` to `last` of the survey, found again by seeking or reading on."""
        skip = int(self.survey.sizes[self._place : first].sum()) if first >= self._place else None
        if skip is None or skip > _READ_ON_BYTES:
            self._seek(first)
        while self._place <= last:
            packet = self._next_packet()
            if packet is None:
                return
            if self._place > first:
                yield packet

    def _next_packet(self) -> Packet[VideoStream] | None:
        while True:
            try:
                packet = next(self._demuxer, None)
            except AV_ERRORS:
                return None
            if packet is None:
                return None
            if _ticks(packet) is not None and packet.size:
                self._place += 1
                return packet

    def _seek(self, first: int) -> None:
        """Place the demuxer before packet `first`, checked by time stamp and size; if in doubt, at the file's start."""
        wanted = (int(self.survey.ticks[first]), int(self.survey.sizes[first]))
        try:
            self._restart(wanted[0])
            landed = self._peek_number()
        except AV_ERRORS:
            landed = None
        if landed is None or landed > first:
            self._restart(None)
            self._place = 0
        else:
            self._place = landed

    def _peek_number(self) -> int | None:
        """The survey's number of the next packet, which stays the next one."""
        packet = next(self._demuxer, None)
        while packet is not None and (_ticks(packet) is None or not packet.size):
            packet = next(self._demuxer, None)
        if packet is None:
            return None
        tick = _ticks(packet)
        number = -1 if tick is None else self._index.get(tick, -1)
        if number < 0 or int(self.survey.sizes[number]) != packet.size:
            return None
        rest = self._demuxer
        self._demuxer = _chained(packet, rest)
        return number

    def _restart(self, tick: int | None) -> None:
        start = int(self.survey.ticks.min()) if tick is None else tick
        self._container.seek(start, stream=self._stream, backward=True)
        self._demuxer = iter(self._container.demux(self._stream))


def decoding_context(stream: VideoStream, *, has_alpha: bool, max_pixels: int) -> VideoCodecContext:
    """The context that decodes a stream, with threads as far as memory allows; VP8 and VP9 alpha need libvpx."""
    context = stream.codec_context
    if has_alpha and context.name in _ALPHA_DECODERS:
        context = cast("VideoCodecContext", CodecContext.create(_ALPHA_DECODERS[context.name], "r"))
        context.extradata = stream.codec_context.extradata
    if not context.is_open:
        large = stream.codec_context.width * stream.codec_context.height > _THREADED_PIXELS
        context.thread_type = "AUTO"
        context.thread_count = 1 if large else min(os.cpu_count() or 1, _MAX_THREADS)
        context.options = {"max_pixels": str(max_pixels)}
    return context


def _ticks(packet: Packet[VideoStream]) -> int | None:
    return packet.pts if packet.pts is not None else packet.dts


def _tick(frame: VideoFrame, default: int) -> int:
    when = frame.pts if frame.pts is not None else frame.dts
    return default if when is None else int(when)


def _chained(packet: Packet[VideoStream], rest: Iterator[Packet[VideoStream]]) -> Iterator[Packet[VideoStream]]:
    yield packet
    yield from rest
