"""Signs of a cut in single packets, decoded without the frames they refer to.

A frame right after a cut finds nothing to copy in the old scene. That can be seen without decoding the group of
pictures up to it: in H.264 and its elders a packet tells its motion vectors without its references, and in HEVC what
was to be copied from a missing reference comes out grey. The B-frames around a cut look to their own side of it alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from av.codec import CodecContext
from av.codec.context import Flags, Flags2
from av.packet import Packet
from av.sidedata.motionvectors import MotionVectors
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from virality_core.media.cut_judges import Vectors, Verdict, cut_by_grey, cut_by_vectors
from virality_core.media.source import AV_ERRORS, Source, main_video
from virality_core.media.survey import Survey

_TELL_VECTORS = frozenset({"h264", "mpeg4", "mpeg2video", "mpeg1video", "h263", "msmpeg4v2", "msmpeg4v3", "flv1"})
_FILL_WITH_GREY = frozenset({"hevc"})

_LEAST_SPIKE = {"hevc": 1.15}  # a cut stands out less, and a suspect can be judged more surely
_USUAL_LEAST_SPIKE = 1.25
_MOST_BYTES = 1_500_000  # of packets asked, the smallest spikes left out first: about a third of a second of decoding
_GREY_SIDE = 96  # pixels: long side of the picture in which grey is counted
_GREY, _GREY_SPREAD = 129, 11  # levels: mid-grey of limited and of full range, and the error that encoders leave


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A packet larger than usual: its number in the survey, the number of the next anchor, how many times larger."""

    place: int
    next_anchor: int
    spike: float


def ask_packets(
    source: Source, table: Survey, suspects: Sequence[Suspect], told: Callable[[float], None]
) -> tuple[str, list[Verdict] | None]:
    """The codec's name, and the cuts that the suspects show when decoded alone.

    None instead of cuts for codecs that can't be asked (VP9, AV1). `told` is called with the share done.
    """
    with source.open() as container:
        stream = main_video(container, source.name)
        codec = stream.codec_context.codec.canonical_name
        if codec not in _TELL_VECTORS | _FILL_WITH_GREY:
            return codec, None
        keyframe = float(np.median(table.sizes[table.keys]))
        least = _LEAST_SPIKE.get(codec, _USUAL_LEAST_SPIKE)
        lone = _LonePackets(stream)
        found = []
        chosen = _affordable(table, [suspect for suspect in suspects if suspect.spike >= least])
        for suspect, packets in _packets_of(container.demux(stream), table, chosen):
            told(suspect.place / len(table.ticks))
            anchor = int(table.ticks[suspect.place])
            if codec in _FILL_WITH_GREY:
                verdict = cut_by_grey(anchor, lone.fresh_shares(packets))
            else:
                size = float(table.sizes[suspect.place]) / keyframe
                verdict = cut_by_vectors(anchor, lone.vectors(packets), spike=suspect.spike, size_to_keyframe=size)
            if verdict is not None:
                found.append(verdict)
        return codec, found


def _affordable(table: Survey, suspects: Sequence[Suspect]) -> list[Suspect]:
    """The suspects with the largest spikes whose packets together stay within `_MOST_BYTES`, in decode order."""
    left = float(_MOST_BYTES)
    chosen: list[Suspect] = []
    for suspect in sorted(suspects, key=lambda one: -one.spike):
        left -= float(table.sizes[suspect.place : suspect.next_anchor].sum())
        if left < 0.0 and chosen:
            break
        chosen.append(suspect)
    return sorted(chosen, key=lambda one: one.place)


def _packets_of(
    demuxed: Iterator[Packet[VideoStream]], table: Survey, suspects: Sequence[Suspect]
) -> Iterator[tuple[Suspect, list[Packet[VideoStream]]]]:
    """Each suspect with its packet and the B-frames after it. Ends early where the file reads otherwise than before."""
    waiting = iter(suspects)
    suspect = next(waiting, None)
    packets: list[Packet[VideoStream]] = []
    place = -1
    while suspect is not None:
        try:
            packet = next(demuxed, None)
        except AV_ERRORS:
            return
        if packet is None:
            return
        tick = packet.pts if packet.pts is not None else packet.dts
        if tick is None or packet.size == 0:
            continue
        place += 1
        if place >= suspect.place:
            if place >= len(table.ticks) or tick != table.ticks[place] or packet.size != table.sizes[place]:
                return
            packets.append(packet)
        if place == suspect.next_anchor - 1:
            yield suspect, packets
            suspect, packets = next(waiting, None), []


class _LonePackets:
    """Decodes single packets of a stream. Hold it for one reel, on one thread."""

    def __init__(self, stream: VideoStream) -> None:
        self._area = max(1, stream.width * stream.height)
        self._small = _grey_size(stream.width, stream.height)
        self._context = cast(VideoCodecContext, CodecContext.create(stream.codec_context.name, "r"))
        self._context.extradata = stream.codec_context.extradata
        self._context.flags |= Flags.output_corrupt
        self._context.flags2 |= Flags2.export_mvs | Flags2.show_all
        self._context.thread_count = 1
        self._context.options = {"skip_loop_filter": "all"}

    def vectors(self, packets: Sequence[Packet[VideoStream]]) -> dict[int, Vectors]:
        """The motion vectors of an anchor and the B-frames after it, by tick; what can't be read is left out."""
        return {int(frame.pts): self._vectors(frame) for frame in self._decode(packets) if frame.pts is not None}

    def fresh_shares(self, packets: Sequence[Packet[VideoStream]]) -> dict[int, float]:
        """The share 0–1 of each frame that does not come from a missing reference, by tick."""
        shares = {}
        for frame in self._decode(packets):
            if frame.pts is not None:
                width, height = self._small
                luma = frame.to_ndarray(format="gray", width=width, height=height, interpolation="POINT")
                shares[int(frame.pts)] = float(np.mean(np.abs(luma.astype(np.int16) - _GREY) > _GREY_SPREAD))
        return shares

    def _decode(self, packets: Sequence[Packet[VideoStream]]) -> Iterator[VideoFrame]:
        self._context.flush_buffers()
        for packet in (*packets, None):
            try:
                frames = self._context.decode(packet)
            except AV_ERRORS:
                continue
            yield from frames

    def _vectors(self, frame: VideoFrame) -> Vectors:
        data = frame.side_data.get("MOTION_VECTORS")
        if not isinstance(data, MotionVectors):
            return Vectors(before=0.0, after=0.0)
        blocks = data.to_ndarray()
        area = blocks["w"].astype(np.float64) * blocks["h"] / self._area
        return Vectors(before=float(area[blocks["source"] < 0].sum()), after=float(area[blocks["source"] > 0].sum()))


def _grey_size(width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, _GREY_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))
