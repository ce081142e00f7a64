"""Signs of a cut in single packets, decoded without the frames they refer to.

A frame right after a cut finds nothing to copy in the old scene. That can be seen without decoding the group of
pictures up to it: in H.264 and its elders a packet tells its motion vectors without its references, and in HEVC what
was to be copied from a missing reference comes out grey. The B-frames around a cut look to their own side of it alone.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np
from av.codec import CodecContext
from av.codec.context import Flags, Flags2
from av.packet import Packet
from av.sidedata.motionvectors import MotionVectors
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from virality_core.media.container.source import AV_ERRORS
from virality_core.media.container.stream_index import Survey
from virality_core.media.decoding.frame_decoder import Decoder
from virality_core.media.shots.packet_rules import (
    Vectors,
    Verdict,
    cut_by_grey,
    cut_by_vectors,
    is_worth_a_look,
    new_share,
)
from virality_core.types import FULL_HD_PIXELS

_TELL_VECTORS = frozenset({"h264", "mpeg4", "mpeg2video", "mpeg1video", "h263", "msmpeg4v2", "msmpeg4v3", "flv1"})
_FILL_WITH_GREY = frozenset({"hevc"})

# The weakest of 70 known cuts between scenes stood out 1.22 times in H.264 (grainy picture, B-frames), 1.35 in HEVC.
_LEAST_SPIKE = {"hevc": 1.15}
_USUAL_LEAST_SPIKE = 1.2
_MOST_BYTES = 4_000_000  # of packets asked, the smallest spikes left out first
_MOST_PIXELS = 600 * FULL_HD_PIXELS  # of their frames, likewise: small packets may hold large frames
_WORKERS = 2
_ROUND = 16  # packets that they read together before their frames are let go, of full HD and below
_CONTROLS = 3  # ordinary packets that tell how much is new in a frame without a cut: grain is never found again
_ENOUGH = 12  # so many suspects tell that themselves: most of them are no cut
_GREY_SIDE = 96  # pixels: long side of the picture in which grey is counted
_GREY, _GREY_SPREAD = 129, 11  # levels: mid-grey of limited and of full range, and the error that encoders leave

_Packets = list["Packet[VideoStream]"]
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """An I- or P-frame's packet: its number in the survey, the next anchor's, and how much larger than usual it is."""

    place: int
    next_place: int
    spike: float


def ask_packets(
    decoder: Decoder, anchors: Sequence[Anchor], told: Callable[[float], None]
) -> tuple[str, list[Verdict] | None]:
    """The codec's name, and the cuts that the larger anchors show when decoded alone.

    None instead of cuts for codecs that can't be asked (VP9, AV1). `told` is called with the share done.
    """
    table = decoder.survey
    with decoder.reader() as reader:
        codec = reader.stream.codec_context.codec.canonical_name
        if codec not in _TELL_VECTORS | _FILL_WITH_GREY:
            return codec, None
        least = _LEAST_SPIKE.get(codec, _USUAL_LEAST_SPIKE)
        pixels = max(1, decoder.picture.coded_pixels)
        suspects = _affordable(table, pixels, [anchor for anchor in anchors if anchor.spike >= least])
        controls = _ordinary(anchors) if codec in _TELL_VECTORS and 0 < len(suspects) < _ENOUGH else []
        asked = sorted({*suspects, *controls}, key=lambda one: one.place)
        packets: list[_Packets] = []
        for anchor in asked:
            told(0.5 * anchor.place / len(table.ticks))
            packets.append(list(reader.packets(anchor.place, anchor.next_place - 1)))
        crew = [LonePackets(reader.stream, decoder.max_pixels) for _ in range(_WORKERS)]
    rounds = _Rounds(crew, max(1, _ROUND * FULL_HD_PIXELS // max(FULL_HD_PIXELS, pixels)), told)
    with ThreadPoolExecutor(_WORKERS) as pool:
        if codec in _FILL_WITH_GREY:
            shares = rounds.ask(pool, LonePackets.fresh_shares, packets)
            verdicts = [cut_by_grey(_tick(table, one), share) for one, share in zip(asked, shares, strict=True)]
            return codec, [verdict for verdict in verdicts if verdict is not None]
        new = rounds.ask(pool, LonePackets.new, [own[:1] for own in packets])
        usual = _usual_new(new, [one in controls for one in asked])
        looked_at = [
            place for place, share in enumerate(new) if asked[place] in suspects and is_worth_a_look(share, usual)
        ]
        vectors = rounds.ask(pool, LonePackets.vectors, [packets[place] for place in looked_at])
    keyframe = float(np.median(table.sizes[table.keys]))
    verdicts = [
        cut_by_vectors(
            _tick(table, asked[place]),
            found,
            spike=asked[place].spike,
            size_to_keyframe=float(table.sizes[asked[place].place]) / keyframe,
            usual_new=usual,
        )
        for place, found in zip(looked_at, vectors, strict=True)
    ]
    return codec, [verdict for verdict in verdicts if verdict is not None]


@dataclass(frozen=True, slots=True)
class _Rounds:
    """Asks the crew in rounds, each of it on a thread of its own.

    A frame and its side data hold each other (PyAV 18), so only Python's collector frees them, and full-HD frames would
    pile up until it runs by itself. Between two rounds no frame is in use: all are young and are freed at little cost.
    """

    crew: Sequence[LonePackets]
    size: int  # packets in a round
    told: Callable[[float], None]

    def ask(
        self,
        pool: ThreadPoolExecutor,
        ask: Callable[[LonePackets, _Packets], _Answer],
        packets: Sequence[_Packets],
    ) -> list[_Answer]:
        """The answers for all packets in order."""
        answers: list[_Answer] = []
        ends = np.cumsum([len(one) for one in packets])
        while (done := len(answers)) < len(packets):
            self.told(0.5 + 0.5 * done / len(packets))
            read = int(ends[done - 1]) if done else 0
            fit = int(np.searchsorted(ends, read + self.size, side="right"))
            own = packets[done : max(done + 1, fit)]

            def part(number: int, own: Sequence[_Packets] = own) -> list[_Answer]:
                return [ask(self.crew[number], one) for one in own[number :: len(self.crew)]]

            parts = list(pool.map(part, range(len(self.crew))))
            answers += [parts[place % len(self.crew)][place // len(self.crew)] for place in range(len(own))]
            for member in self.crew:
                member.renew()
            gc.collect(1)
        return answers


def _usual_new(new: Sequence[float], is_control: Sequence[bool]) -> float:
    """The share that is new in an ordinary frame: the controls' median, or the lower quarter of many suspects."""
    if not new:
        return 0.0
    controls = [share for share, control in zip(new, is_control, strict=True) if control]
    return float(np.median(controls)) if controls else float(np.quantile(new, 0.25))


def _tick(table: Survey, anchor: Anchor) -> int:
    return int(table.ticks[anchor.place])


def _affordable(table: Survey, pixels: int, suspects: Sequence[Anchor]) -> list[Anchor]:
    """The suspects with the largest spikes, of so many pixels each, that together stay within what may be asked."""
    bytes_left, pixels_left = _MOST_BYTES, _MOST_PIXELS
    chosen: list[Anchor] = []
    for suspect in sorted(suspects, key=lambda one: -one.spike):
        bytes_left -= int(table.sizes[suspect.place])
        pixels_left -= pixels * (suspect.next_place - suspect.place)
        if min(bytes_left, pixels_left) < 0 and chosen:
            break
        chosen.append(suspect)
    return sorted(chosen, key=lambda one: one.place)


def _ordinary(anchors: Sequence[Anchor]) -> list[Anchor]:
    """A few anchors of usual size, evenly spread."""
    usual = [anchor for anchor in anchors if 0.85 <= anchor.spike <= 1.1]
    places = np.linspace(0, len(usual) - 1, min(_CONTROLS, len(usual))).round().astype(int)
    return [usual[place] for place in sorted(set(places.tolist()))]


class LonePackets:
    """Decodes single packets of a stream. Hold it for one reel; not for two threads at once."""

    def __init__(self, stream: VideoStream, max_pixels: int) -> None:
        self._area = max(1, stream.width * stream.height)
        self._small = _grey_size(stream.width, stream.height)
        self._codec, self._extradata = stream.codec_context.name, stream.codec_context.extradata
        self._max_pixels = max_pixels
        self.renew()

    def renew(self) -> None:
        """Starts a new decoder. The old one had its next frame at hand already, too old for the collector's young."""
        self._context = cast(VideoCodecContext, CodecContext.create(self._codec, "r"))
        self._context.extradata = self._extradata
        self._context.flags |= Flags.output_corrupt
        self._context.flags2 |= Flags2.export_mvs | Flags2.show_all
        self._context.thread_count = 1
        self._context.options = {"skip_loop_filter": "all", "max_pixels": str(self._max_pixels)}

    def new(self, packets: _Packets) -> float:
        """The share 0–1 of an anchor that is not copied from another frame; 0 where it can't be read."""
        return max((new_share(vectors) for vectors in self.vectors(packets).values()), default=0.0)

    def vectors(self, packets: _Packets) -> dict[int, Vectors]:
        """The motion vectors of an anchor and the B-frames after it, by tick; what can't be read is left out."""
        return {int(frame.pts): self._vectors(frame) for frame in self._decode(packets) if frame.pts is not None}

    def fresh_shares(self, packets: _Packets) -> dict[int, float]:
        """The share 0–1 of each frame that does not come from a missing reference, by tick."""
        shares = {}
        for frame in self._decode(packets):
            if frame.pts is not None:
                width, height = self._small
                luma = frame.to_ndarray(format="gray", width=width, height=height, interpolation="POINT")
                shares[int(frame.pts)] = float(np.mean(np.abs(luma.astype(np.int16) - _GREY) > _GREY_SPREAD))
        return shares

    def _decode(self, packets: _Packets) -> Iterator[VideoFrame]:
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
