"""Finds the cuts of a reel without decoding it all: packet sizes first, then a look at the packets and frames in doubt.

1. Runs of frames that were decoded anyway show their cuts themselves.
2. A small reel is decoded to its end: that is within the budget.
3. In a large one, packets larger than usual are suspects. H.264, HEVC and the older codecs are asked about each suspect
   alone (`cut_lone`); for the others the frames around the likeliest suspects are decoded as far as the budget goes.
4. Keyframes that break the encoder's rhythm are candidates, too.

Limits: fades and dissolves are not found. In VP9 and AV1, whose packets are large for other reasons, only what the
budget reaches is found. A cut on a keyframe of a steady rhythm, or among the B-frames that lead one, is found only if
the budget reaches it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virality_core.media.container.stream_index import Survey
from virality_core.media.decoding.frame_decoder import Decoder
from virality_core.media.decoding.gop_decoder import jobs
from virality_core.media.shots.cut_list import Found, Keyframes
from virality_core.media.shots.packet_probe import Anchor, ask_packets
from virality_core.media.shots.packet_sizes import anchors, spikes
from virality_core.media.shots.pixel_cuts import thumb
from virality_core.types import FULL_HD_PIXELS, Cuts, FrameRun, Progress

STAGE = "cuts"

#: Pixels that may be decoded to settle doubts: 48 full-HD frames.
BUDGET_PIXELS = 48 * FULL_HD_PIXELS

_LEAST_SPIKE = 1.5
_SURE_SPIKE_WITH_B_FRAMES = 1.6  # an anchor every few frames is large anyway, so a cut stands out less
_SURE_SPIKE = 2.5
_CROSS_REFERENCED = frozenset({"vp8", "vp9", "av1"})  # hidden reference frames make large packets without a cut
_SAME_SCENE = 0.9  # thumbnails of neighbouring keyframes at least as alike as this show one scene
_OTHER_SCENE = 0.2  # … less alike than this, as a rule two
_MOST_LOOKS = 40  # places whose cost is reckoned: more than the budget ever reaches
_MARGIN = 6  # frames decoded on each side of a candidate
_FIRST = 3.0  # weight of a packet's own doubt: before the keyframes', whose weight is at most 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doubt:
    """A place that decoding would settle; `presumed` is what is taken for true if the budget does not reach it."""

    tick: int
    presumed: bool
    weight: float  # the larger, the sooner it is looked at


def find_cuts(
    decoder: Decoder,
    runs: Sequence[FrameRun],
    progress: Progress,
    *,
    budget_pixels: int = BUDGET_PIXELS,
) -> Cuts:
    """The reel's cuts, each at the time of the first frame after it.

    Args:
        decoder: gives frames and packets, and the survey of all packets.
        runs: runs of consecutive frames decoded already; they cost nothing here.
        progress: called as (stage, fraction); may raise Cancelled.
        budget_pixels: how many pixels may be decoded.

    Raises:
        Cancelled: from `progress`. InputError: the file asks for more decoding than the limits allow.
    """
    table = decoder.survey
    progress(STAGE, 0.0)
    found = Found()
    for run in runs:
        found.look_at(run.seconds, (thumb(luma) for luma in run.luma))
    seen_until = float(runs[0].seconds[-1]) if runs and len(runs[0]) else float("-inf")
    rest = table.shown[table.seconds(table.shown) > seen_until]
    pixels = max(1, decoder.picture.coded_pixels)
    if len(rest) * pixels <= budget_pixels:
        _decode_rest(decoder, found, rest, progress)
    else:
        frames_left = budget_pixels // pixels
        keyframes = Keyframes(decoder, progress)
        doubts = _settle_by_packets(decoder, keyframes, found, progress)
        doubts += _keyframe_doubts(keyframes, found)
        _settle_by_decoding(decoder, found, doubts, frames_left, progress)
    progress(STAGE, 1.0)
    return found.cuts()


def _decode_rest(decoder: Decoder, found: Found, rest: NDArray[np.int64], progress: Progress) -> None:
    """Look at every frame from a few before the first of `rest` to the end."""
    if len(rest) == 0:
        return
    shown = decoder.survey.shown
    first = max(0, int(np.searchsorted(shown, rest[0])) - _MARGIN)
    seconds: list[float] = []
    thumbs: list[NDArray[np.float32]] = []

    def told() -> None:
        progress(STAGE, min(1.0, len(thumbs) / (len(shown) - first)))

    for when, frame in decoder.frames_between(float(decoder.survey.seconds(shown[first])), float("inf"), told):
        seconds.append(when)
        thumbs.append(thumb(decoder.small(frame)))
        told()
    found.look_at(np.array(seconds, dtype=np.float64), thumbs)


def _settle_by_packets(decoder: Decoder, keyframes: Keyframes, found: Found, progress: Progress) -> list[_Doubt]:
    """Add the cuts that packets prove; return the cases that they leave open."""
    table = decoder.survey
    places = anchors(table.ticks)
    high = spikes(table.sizes[places], table.keys[places])
    unseen = [
        Anchor(place=int(place), next_place=int(after), spike=float(spike))
        for place, after, spike in zip(places, [*places[1:], len(table.ticks)], high, strict=True)
        if spike > 0.0 and not table.hidden[place] and not found.was_seen(_second(table, int(place)))
    ]
    codec, verdicts = ask_packets(decoder, unseen, lambda share: progress(STAGE, 0.5 * share))
    if verdicts is None:
        has_b_frames = len(places) < len(table.ticks)
        sure = (
            float("inf") if codec in _CROSS_REFERENCED else _SURE_SPIKE_WITH_B_FRAMES if has_b_frames else _SURE_SPIKE
        )
        return [
            _Doubt(tick=int(table.ticks[anchor.place]), presumed=anchor.spike >= sure, weight=anchor.spike)
            for anchor in unseen
            if anchor.spike >= _LEAST_SPIKE
        ]
    doubts = []
    for verdict in verdicts:
        seconds = float(table.seconds(verdict.tick))
        if found.was_seen(seconds):
            continue
        if verdict.sure:
            found.add(seconds, verified=True)
        elif (keyframes.likeness_around(seconds) or 0.0) < _SAME_SCENE:
            doubts.append(_Doubt(tick=verdict.tick, presumed=True, weight=_FIRST))
    return doubts


def _second(table: Survey, place: int) -> float:
    return float(table.seconds(int(table.ticks[place])))


def _keyframe_doubts(keyframes: Keyframes, found: Found) -> list[_Doubt]:
    """Keyframes that may begin a scene: early ones, and ones very unlike the one before with no cut found between."""
    doubts = []
    for number in range(1, len(keyframes.ticks)):
        before, here = float(keyframes.seconds[number - 1]), float(keyframes.seconds[number])
        likeness = keyframes.likeness(number)
        if found.was_seen(here):
            continue
        is_early = number in keyframes.early and (likeness is None or likeness < _SAME_SCENE)
        is_other = likeness is not None and likeness < _OTHER_SCENE and not found.has_between(before, here)
        if is_early or is_other:
            weight = 1.0 - (likeness or 0.0)
            doubts.append(_Doubt(tick=int(keyframes.ticks[number]), presumed=is_early, weight=weight))
    return doubts


def _settle_by_decoding(
    decoder: Decoder, found: Found, doubts: Sequence[_Doubt], frames_left: int, progress: Progress
) -> None:
    """Decode around the weightiest doubts as far as the budget goes; the others are what they are presumed to be."""
    table = decoder.survey
    ordered = sorted(doubts, key=lambda one: -one.weight)
    is_anchor = np.zeros(len(table.ticks), dtype=bool)
    is_anchor[anchors(table.ticks)] = True
    stretches: list[tuple[float, float]] = []
    for doubt in ordered[:_MOST_LOOKS]:
        place = int(np.searchsorted(table.shown, doubt.tick))
        around = table.shown[max(0, place - _MARGIN) : place + _MARGIN + 1]
        cost = _cost(table, around, is_anchor)
        if cost <= frames_left:
            frames_left -= cost
            stretches.append((float(table.seconds(int(around[0]))), float(table.seconds(int(around[-1])))))
        elif doubt.presumed:
            found.add(float(table.seconds(doubt.tick)), verified=False)
    for doubt in ordered[_MOST_LOOKS:]:
        if doubt.presumed:
            found.add(float(table.seconds(doubt.tick)), verified=False)
    for frames in decoder.small_between(stretches, progress) if stretches else []:
        found.look_at(np.array([frame.seconds for frame in frames]), [thumb(frame.luma) for frame in frames])


def _cost(table: Survey, wanted: NDArray[np.int64], is_anchor: NDArray[np.bool_]) -> int:
    """Frames to decode for the wanted ones: those, and the anchors before them; other B-frames are passed over."""
    return len(wanted) + sum(
        int(is_anchor[job.first : job.last + 1 - len(job.wanted)].sum()) for job in jobs(table, wanted.tolist())
    )
