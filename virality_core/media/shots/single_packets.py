"""Signs of a cut in single packets, decoded without the frames they refer to.

The first frame after a cut finds nothing to copy in the old scene. In H.264 and older codecs this shows in the motion
vectors, which can be read without the reference frames; in HEVC whatever is copied from a missing reference comes out
gray. The B-frames around a cut copy only from their own side of it.

Thresholds were set on 24 encodings (x264, x265, MPEG-4; with and without B-frames, scene-cut keyframes, rate control)
of four reels made of real clips with 25 known cuts, 10 of them jump cuts within one clip.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
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
from virality_core.media.container.stream_index import StreamIndex
from virality_core.media.decoding.frame_decoder import FrameDecoder
from virality_core.types import FULL_HD_PIXELS

_VECTOR_CODECS = frozenset({"h264", "mpeg4", "mpeg2video", "mpeg1video", "h263", "msmpeg4v2", "msmpeg4v3", "flv1"})
_GRAY_CODECS = frozenset({"hevc"})

# The weakest of 70 known cuts between scenes had a size ratio of 1.22 in H.264 (grainy, B-frames), 1.35 in HEVC.
_MIN_RATIO, _MIN_RATIO_HEVC = 1.2, 1.15
_MAX_BYTES = 4_000_000  # of packets decoded; the smallest size ratios are dropped first
_MAX_PIXELS = 600 * FULL_HD_PIXELS  # of their frames: small packets may hold large frames
_WORKERS = 2
_BATCH_PACKETS = 16  # decoded by the workers together before their frames are freed; fewer above full HD
_CONTROLS = 3  # ordinary packets that show how much is intra-coded without a cut: grain is never predicted
_ENOUGH_SUSPECTS = 12  # this many show it themselves: most are no cuts
_GRAY_SIDE = 96  # pixels: long side of the frame in which gray is counted
_GRAY, _GRAY_SPREAD = 129, 11  # levels: mid-gray of limited and full range, and the encoders' error

# Motion vectors. "Intra" is the share of a P-frame's area without vectors.
_NEW_SCENE_INTRA = 0.85
_ONE_SIDED = 0.45  # how much more of a B-frame is copied from one side than from the other
_FROM_ANCHOR = 0.3  # share of the last B-frame copied from the P-frame after it: both show one scene
_MIN_JUMP_INTRA = 0.08  # above the usual, for a jump cut
_GRAINY = 0.3  # usual intra from which a jump cut can't be told from grain
_MIN_JUMP = 1.1  # size ratio² × intra above the usual, if no B-frame helps
_MIN_JUMP_AFTER_OLD_SCENE = 0.6  # … if the B-frame before copies from the old scene alone
_EMPTY_SIZE = 0.3  # of a keyframe: a smaller packet without vectors could not be read

# Gray. "Coded" is the share of a frame's area that isn't gray.
_MIN_CODED = 0.08
_CERTAIN_CODED = 0.5
_CODED_STEP = 0.5  # from one frame to the next, as a share of the anchor's
_CODED_LEVEL = 0.85  # of the first frame, as a share of the anchor's, if the cut is before both

_Packets = list["Packet[VideoStream]"]
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """An I- or P-frame's packet number, the next anchor's, and how many times larger than usual the packet is."""

    packet: int
    next_packet: int
    size_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Shares of a frame's area copied from frames shown `before` and `after` it (B-frames may use both: up to 2)."""

    before: float
    after: float

    @property
    def intra(self) -> float:
        """The share 0–1 of a P-frame that isn't copied."""
        return max(0.0, 1.0 - self.before - self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketCut:
    """A cut: the pts of the first frame after it. Not `certain` if it may be a jerk in one shot."""

    pts: int
    certain: bool


def cuts_in_packets(
    decoder: FrameDecoder, anchors: Sequence[Anchor], report: Callable[[float], None]
) -> tuple[str, list[PacketCut] | None]:
    """The codec's name, and the cuts that the larger anchors show; None for codecs that don't show them (VP9, AV1).

    `report` is called with the share done, 0–1.
    """
    index = decoder.index
    with decoder.worker(threads=1) as reader:
        codec = reader.stream.codec_context.codec.canonical_name
        if codec not in _VECTOR_CODECS | _GRAY_CODECS:
            return codec, None
        min_ratio = _MIN_RATIO_HEVC if codec == "hevc" else _MIN_RATIO
        pixels = max(1, decoder.converter.coded_pixels)
        suspects = _affordable(index, pixels, [anchor for anchor in anchors if anchor.size_ratio >= min_ratio])
        controls = _controls(anchors) if codec in _VECTOR_CODECS and 0 < len(suspects) < _ENOUGH_SUSPECTS else []
        chosen = sorted({*suspects, *controls}, key=lambda anchor: anchor.packet)
        packets: list[_Packets] = []
        for anchor in chosen:
            report(0.5 * anchor.packet / len(index.pts))
            packets.append(list(reader.packets(anchor.packet, anchor.next_packet - 1)))
        decoders = [SinglePacketDecoder(reader.stream, decoder.source.limits.max_pixels) for _ in range(_WORKERS)]
    batch_packets = max(1, _BATCH_PACKETS * FULL_HD_PIXELS // max(FULL_HD_PIXELS, pixels))
    pts = [int(index.pts[anchor.packet]) for anchor in chosen]
    with ThreadPoolExecutor(_WORKERS) as pool:
        workers = _Workers(decoders, pool, batch_packets, report)
        if codec in _GRAY_CODECS:
            coded = workers.map(SinglePacketDecoder.coded_shares, packets)
            cuts = [cut_by_gray(anchor_pts, shares) for anchor_pts, shares in zip(pts, coded, strict=True)]
            return codec, [cut for cut in cuts if cut is not None]
        intra = workers.map(SinglePacketDecoder.intra, [anchor_packets[:1] for anchor_packets in packets])
        # Of an ordinary frame: the controls' median, or the lower quartile of many suspects.
        ordinary = [share for share, anchor in zip(intra, chosen, strict=True) if anchor in controls]
        usual = float(np.median(ordinary) if ordinary else np.quantile(intra or [0.0], 0.25))
        likely = [i for i, share in enumerate(intra) if chosen[i] in suspects and may_be_cut(share, usual)]
        predictions = workers.map(SinglePacketDecoder.predictions, [packets[i] for i in likely])
    keyframe_size = float(np.median(index.sizes[index.is_key]))
    found = []
    for i, prediction in zip(likely, predictions, strict=True):
        ratio, relative = chosen[i].size_ratio, float(index.sizes[chosen[i].packet]) / keyframe_size
        cut = cut_by_vectors(pts[i], prediction, size_ratio=ratio, size_to_keyframe=relative, usual_intra=usual)
        found += [] if cut is None else [cut]
    return codec, found


def is_new_scene(intra: float, usual_intra: float) -> bool:
    """Whether so much of a P-frame is intra-coded that it shows another scene."""
    return intra >= max(_NEW_SCENE_INTRA, (1.0 + usual_intra) / 2.0)


def may_be_cut(intra: float, usual_intra: float) -> bool:
    """Whether so much of a P-frame is intra-coded that its B-frames are worth decoding."""
    return is_new_scene(intra, usual_intra) or (usual_intra < _GRAINY and intra - usual_intra >= _MIN_JUMP_INTRA)


def cut_by_vectors(
    anchor_pts: int,
    predictions: dict[int, Prediction],
    *,
    size_ratio: float,
    size_to_keyframe: float,
    usual_intra: float,
) -> PacketCut | None:
    """The cut at this P-frame or at a B-frame shown before it, if any, from the predictions of both by pts.

    `size_ratio` is the P-frame's packet size over the usual one, `size_to_keyframe` over a keyframe's; `usual_intra` is
    the share that is intra-coded without a cut (grain).
    """
    anchor = predictions.get(anchor_pts)
    if anchor is None or (anchor.before == anchor.after == 0.0 and size_to_keyframe < _EMPTY_SIZE):
        return None
    leading = [(pts, predictions[pts]) for pts in sorted(predictions) if pts < anchor_pts]
    new_scene_pts = next((pts for pts, b in leading if b.after - b.before >= _ONE_SIDED), None)
    first = anchor_pts if new_scene_pts is None else new_scene_pts
    undecided = bool(leading) and new_scene_pts is None and leading[-1][1].before - leading[-1][1].after < _ONE_SIDED
    if is_new_scene(anchor.intra, usual_intra):
        # An encoder may intra-code a P-frame without a cut; then the B-frames before it are copied from it, too.
        return PacketCut(pts=first, certain=not (undecided and leading[-1][1].after >= _FROM_ANCHOR))
    if not may_be_cut(anchor.intra, usual_intra):
        return None
    if new_scene_pts is None:
        min_jump = _MIN_JUMP_AFTER_OLD_SCENE if leading else _MIN_JUMP
        if undecided or size_ratio**2 * (anchor.intra - usual_intra) < min_jump:
            return None
    return PacketCut(pts=first, certain=False)


def cut_by_gray(anchor_pts: int, coded: dict[int, float]) -> PacketCut | None:
    """The cut at this anchor or at a B-frame shown before it, if any, from the share of each that isn't gray, by pts.

    Frames of the old scene are nearly all gray, those of the new one as little as the anchor; without a cut, the share
    that isn't gray grows gradually towards the anchor.
    """
    anchor = coded.get(anchor_pts, 0.0)
    if anchor < _MIN_CODED:
        return None
    series = [(pts, coded[pts]) for pts in sorted(coded) if pts <= anchor_pts]
    if len(series) == 1:
        return PacketCut(pts=anchor_pts, certain=True) if anchor >= _NEW_SCENE_INTRA else None
    if series[0][1] >= _CODED_LEVEL * anchor:
        return PacketCut(pts=series[0][0], certain=anchor >= _CERTAIN_CODED)
    for (_, before), (pts, after) in pairwise(series):
        if after - before >= _CODED_STEP * anchor and after >= _CODED_LEVEL * anchor:
            return PacketCut(pts=pts, certain=anchor >= _CERTAIN_CODED)
    return None


@dataclass(frozen=True, slots=True)
class _Workers:
    """Runs the decoders in batches, each on a thread.

    A frame and its side data refer to each other (PyAV 18), so only Python's garbage collector frees them, and full-HD
    frames would pile up until it runs. Between batches no frame is in use, and all are young and cheap to free.
    """

    decoders: Sequence[SinglePacketDecoder]
    pool: ThreadPoolExecutor
    batch_packets: int
    report: Callable[[float], None]

    def map(
        self, read: Callable[[SinglePacketDecoder, _Packets], _Result], packets: Sequence[_Packets]
    ) -> list[_Result]:
        results: list[_Result] = []
        ends = np.cumsum([len(group) for group in packets])
        while (done := len(results)) < len(packets):
            self.report(0.5 + 0.5 * done / len(packets))
            read_packets = int(ends[done - 1]) if done else 0
            fit = int(np.searchsorted(ends, read_packets + self.batch_packets, side="right"))
            batch = packets[done : max(done + 1, fit)]

            def work(number: int, batch: Sequence[_Packets] = batch) -> list[_Result]:
                return [read(self.decoders[number], group) for group in batch[number :: len(self.decoders)]]

            parts = list(self.pool.map(work, range(len(self.decoders))))
            results += [parts[i % len(self.decoders)][i // len(self.decoders)] for i in range(len(batch))]
            for decoder in self.decoders:
                decoder.reset()
            gc.collect(1)
        return results


def _affordable(index: StreamIndex, pixels: int, suspects: Sequence[Anchor]) -> list[Anchor]:
    """The suspects with the largest size ratios, of `pixels` each, within the limits on bytes and pixels."""
    bytes_left, pixels_left = _MAX_BYTES, _MAX_PIXELS
    chosen: list[Anchor] = []
    for suspect in sorted(suspects, key=lambda anchor: -anchor.size_ratio):
        bytes_left -= int(index.sizes[suspect.packet])
        pixels_left -= pixels * (suspect.next_packet - suspect.packet)
        if min(bytes_left, pixels_left) < 0 and chosen:
            break
        chosen.append(suspect)
    return sorted(chosen, key=lambda anchor: anchor.packet)


def _controls(anchors: Sequence[Anchor]) -> list[Anchor]:
    """A few anchors of usual size, evenly spread."""
    usual = [anchor for anchor in anchors if 0.85 <= anchor.size_ratio <= 1.1]
    chosen = np.linspace(0, len(usual) - 1, min(_CONTROLS, len(usual))).round().astype(int)
    return [usual[i] for i in sorted(set(chosen.tolist()))]


class SinglePacketDecoder:
    """Decodes single packets of a stream. For one reel and one thread at a time."""

    def __init__(self, stream: VideoStream, max_pixels: int) -> None:
        self._area = max(1, stream.width * stream.height)
        scale = min(1.0, _GRAY_SIDE / max(stream.width, stream.height))
        self._gray_size = max(1, round(stream.width * scale)), max(1, round(stream.height * scale))
        self._codec, self._extradata = stream.codec_context.name, stream.codec_context.extradata
        self._max_pixels = max_pixels
        self.reset()

    def reset(self) -> None:
        """Start a new decoder: the old one holds a frame that a collection of young objects would miss."""
        self._context = cast(VideoCodecContext, CodecContext.create(self._codec, "r"))
        self._context.extradata = self._extradata
        self._context.flags |= Flags.output_corrupt
        self._context.flags2 |= Flags2.export_mvs | Flags2.show_all
        self._context.thread_count = 1
        self._context.options = {"skip_loop_filter": "all", "max_pixels": str(self._max_pixels)}

    def intra(self, packets: _Packets) -> float:
        """The intra share 0–1 of a P-frame; 0 if it can't be read."""
        return max((prediction.intra for prediction in self.predictions(packets).values()), default=0.0)

    def predictions(self, packets: _Packets) -> dict[int, Prediction]:
        """The predictions of an anchor and the B-frames after it, by pts; unreadable ones are left out."""
        return {int(frame.pts): self._prediction(frame) for frame in self._decode(packets) if frame.pts is not None}

    def coded_shares(self, packets: _Packets) -> dict[int, float]:
        """The share 0–1 of each frame that isn't gray, by pts."""
        width, height = self._gray_size
        shares = {}
        for frame in self._decode(packets):
            if frame.pts is not None:
                luma = frame.to_ndarray(format="gray", width=width, height=height, interpolation="POINT")
                shares[int(frame.pts)] = float(np.mean(np.abs(luma.astype(np.int16) - _GRAY) > _GRAY_SPREAD))
        return shares

    def _decode(self, packets: _Packets) -> Iterator[VideoFrame]:
        self._context.flush_buffers()
        for packet in (*packets, None):
            try:
                frames = self._context.decode(packet)
            except AV_ERRORS:
                continue
            yield from frames

    def _prediction(self, frame: VideoFrame) -> Prediction:
        data = frame.side_data.get("MOTION_VECTORS")
        if not isinstance(data, MotionVectors):
            return Prediction(before=0.0, after=0.0)
        blocks = data.to_ndarray()
        area = blocks["w"].astype(np.float64) * blocks["h"] / self._area
        return Prediction(before=float(area[blocks["source"] < 0].sum()), after=float(area[blocks["source"] > 0].sum()))
