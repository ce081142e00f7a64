"""Finds the cuts of a reel without decoding it all: packet sizes first, then a look at the packets and frames in doubt.

1. Runs of frames that were decoded anyway show their cuts themselves.
2. A small reel is decoded to its end: that is within the budget.
3. In a large one, packets larger than usual are suspects. H.264, HEVC and the older codecs are asked about each suspect
   alone (`cut_lone`); for the others the frames around the likeliest suspects are decoded as far as the budget goes.
4. Keyframes that break the encoder's rhythm are candidates, too.

Limits: fades and dissolves are not found. In VP9 and AV1, whose packets are large for other reasons, only what the
budget reaches is found. A cut that falls on a keyframe of a steady rhythm is found only if the budget reaches it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virality_core.media.cut_lone import Suspect, ask_packets
from virality_core.media.cut_packets import anchors, early_keyframes, spikes
from virality_core.media.cut_pixels import alike, cut_places, stack, thumb
from virality_core.media.decode import Decoder
from virality_core.media.groups import jobs
from virality_core.media.source import Source
from virality_core.media.survey import Survey
from virality_core.types import FULL_HD_PIXELS, Cuts, FrameRun, Progress

STAGE = "cuts"

#: Pixels that may be decoded for cuts alone: 72 full-HD frames, one group of pictures and a bit.
BUDGET_PIXELS = 72 * FULL_HD_PIXELS

_LEAST_SPIKE = 1.15
_SURE_SPIKE_WITH_B_FRAMES = 1.6  # an anchor every few frames is large anyway, so a cut stands out less
_SURE_SPIKE = 2.5
_CROSS_REFERENCED = frozenset({"vp8", "vp9", "av1"})  # hidden reference frames make large packets without a cut
_MOST_KEYFRAMES = 24  # with more, decoding those not seen yet costs more than it tells
_NEW_SCENE = 0.9  # thumbnails of keyframes less alike than this may show two scenes
_OTHER_SCENE = 0.6  # … as a rule do
_MARGIN = 6  # frames decoded on each side of a candidate
_SAME_CUT_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doubt:
    """A place that decoding would settle; `presumed` is what is taken for true if the budget does not reach it."""

    tick: int
    presumed: bool
    weight: float  # the larger, the sooner it is looked at


def find_cuts(
    source: Source,
    decoder: Decoder,
    runs: Sequence[FrameRun],
    progress: Progress,
    *,
    budget_pixels: int = BUDGET_PIXELS,
) -> Cuts:
    """The reel's cuts, each at the time of the first frame after it.

    Args:
        source: the file, opened once more where single packets are read.
        decoder: gives frames, and the survey of all packets.
        runs: runs of consecutive frames decoded already; they cost nothing here.
        progress: called as (stage, fraction); may raise Cancelled.
        budget_pixels: how many pixels may be decoded.

    Raises:
        Cancelled: from `progress`. InputError: the file asks for more decoding than the limits allow.
    """
    table = decoder.survey
    progress(STAGE, 0.0)
    found = _Found(table)
    for run in runs:
        found.look_at(run.seconds, (thumb(luma) for luma in run.luma))
    seen_until = float(runs[0].seconds[-1]) if runs and len(runs[0]) else float("-inf")
    rest = table.shown[table.seconds(table.shown) > seen_until]
    pixels = max(1, decoder.picture.coded_pixels)
    if len(rest) * pixels <= budget_pixels:
        _decode_rest(decoder, found, rest, progress)
    else:
        frames_left = budget_pixels // pixels
        doubts = _settle_by_packets(source, table, found, progress)
        doubts += _keyframe_doubts(decoder, table, found, progress)
        _settle_by_decoding(decoder, found, doubts, frames_left, progress)
    progress(STAGE, 1.0)
    return found.cuts()


class _Found:
    """Cuts so far, and which stretches were seen frame by frame."""

    def __init__(self, table: Survey) -> None:
        self._table = table
        self._seconds: dict[float, bool] = {}
        self._seen: list[tuple[float, float]] = []

    def look_at(self, seconds: NDArray[np.float64], thumbs: Iterable[NDArray[np.float32]]) -> None:
        """Find the cuts in consecutive frames."""
        for place in cut_places(stack(thumbs)):
            self.add(float(seconds[place]), verified=True)
        if len(seconds) >= 3:
            self._seen.append((float(seconds[0]), float(seconds[-1])))

    def add(self, seconds: float, *, verified: bool) -> None:
        self._seconds[seconds] = self._seconds.get(seconds, False) or verified

    def was_seen(self, seconds: float) -> bool:
        return any(start < seconds <= end for start, end in self._seen)

    def has_between(self, start: float, end: float) -> bool:
        return any(start < cut <= end for cut in self._seconds)

    def cuts(self) -> Cuts:
        """All cuts; of two that are nearly one, the verified or earlier."""
        kept: list[float] = []
        for cut in sorted(self._seconds):
            if kept and cut - kept[-1] < _SAME_CUT_SECONDS:
                if self._seconds[cut] and not self._seconds[kept[-1]]:
                    kept[-1] = cut
                continue
            kept.append(cut)
        return Cuts(
            seconds=np.array(kept, dtype=np.float64),
            verified=np.array([self._seconds[cut] for cut in kept], dtype=np.bool_),
        )


def _decode_rest(decoder: Decoder, found: _Found, rest: NDArray[np.int64], progress: Progress) -> None:
    """Look at every frame from a few before the first of `rest` to the end."""
    if len(rest) == 0:
        return
    shown = decoder.survey.shown
    first = max(0, int(np.searchsorted(shown, rest[0])) - _MARGIN)
    seconds, thumbs = [], []
    for when, frame in decoder.frames_between(float(decoder.survey.seconds(shown[first])), float("inf")):
        seconds.append(when)
        thumbs.append(thumb(decoder.small(frame)))
        progress(STAGE, min(1.0, len(thumbs) / (len(shown) - first)))
    found.look_at(np.array(seconds, dtype=np.float64), thumbs)


def _settle_by_packets(source: Source, table: Survey, found: _Found, progress: Progress) -> list[_Doubt]:
    """Add the cuts that packets prove; return the candidates that they leave open."""
    places = anchors(table.ticks)
    spike = spikes(table.sizes[places], table.keys[places])
    suspects = [
        Suspect(place=int(place), next_anchor=int(after), spike=float(high))
        for place, after, high in zip(places, [*places[1:], len(table.ticks)], spike, strict=True)
        if high >= _LEAST_SPIKE and not table.hidden[place] and not found.was_seen(_second(table, place))
    ]
    if not suspects:
        return []
    codec, proven = ask_packets(source, table, suspects, lambda share: progress(STAGE, 0.5 * share))
    if proven is not None:
        open_cases = []
        for verdict in proven:
            seconds = float(table.seconds(verdict.tick))
            if found.was_seen(seconds):
                continue
            if verdict.sure:
                found.add(seconds, verified=True)
            else:
                open_cases.append(_Doubt(tick=verdict.tick, presumed=True, weight=0.0))
        return open_cases
    has_b_frames = len(places) < len(table.ticks)
    sure = _SURE_SPIKE_WITH_B_FRAMES if has_b_frames else _SURE_SPIKE
    return [
        _Doubt(
            tick=int(table.ticks[suspect.place]),
            presumed=suspect.spike >= sure and codec not in _CROSS_REFERENCED,
            weight=suspect.spike,
        )
        for suspect in suspects
    ]


def _second(table: Survey, place: int) -> float:
    return float(table.seconds(int(table.ticks[place])))


def _keyframe_doubts(decoder: Decoder, table: Survey, found: _Found, progress: Progress) -> list[_Doubt]:
    """Keyframes that may begin a scene: early ones, and ones very unlike the one before with no cut found between."""
    ticks = table.key_ticks
    if not 2 <= len(ticks) <= _MOST_KEYFRAMES:
        return _early(table, found, ticks)
    keys = {round(small.seconds, 6): thumb(small.luma) for small in decoder.keyframes_small(progress)}
    doubts = []
    early = set(early_keyframes(np.searchsorted(table.shown, ticks), len(table.shown)))
    for number in range(1, len(ticks)):
        before, here = (float(table.seconds(int(tick))) for tick in ticks[number - 1 : number + 1])
        one, other = keys.get(round(before, 6)), keys.get(round(here, 6))
        if one is None or other is None or found.was_seen(here):
            continue
        likeness = alike(one, other)
        is_early = number in early and likeness < _NEW_SCENE
        if is_early or (likeness < _OTHER_SCENE and not found.has_between(before, here)):
            doubts.append(_Doubt(tick=int(ticks[number]), presumed=is_early, weight=1.0 - likeness))
    return doubts


def _early(table: Survey, found: _Found, ticks: NDArray[np.int64]) -> list[_Doubt]:
    """Early keyframes alone, where there are too many keyframes to look at."""
    numbers = early_keyframes(np.searchsorted(table.shown, ticks), len(table.shown))
    return [
        _Doubt(tick=int(ticks[number]), presumed=True, weight=1.0)
        for number in numbers
        if not found.was_seen(float(table.seconds(int(ticks[number]))))
    ]


def _settle_by_decoding(
    decoder: Decoder, found: _Found, doubts: Sequence[_Doubt], frames_left: int, progress: Progress
) -> None:
    """Decode around the weightiest doubts as far as the budget goes; the others are what they are presumed to be."""
    table = decoder.survey
    stretches: list[tuple[float, float]] = []
    for doubt in sorted(doubts, key=lambda one: -one.weight):
        place = int(np.searchsorted(table.shown, doubt.tick))
        around = table.shown[max(0, place - _MARGIN) : place + _MARGIN + 1]
        cost = _cost(table, around)
        if cost <= frames_left:
            frames_left -= cost
            stretches.append((float(table.seconds(int(around[0]))), float(table.seconds(int(around[-1])))))
        elif doubt.presumed:
            found.add(float(table.seconds(doubt.tick)), verified=False)
    for frames in decoder.small_between(stretches, progress) if stretches else []:
        found.look_at(np.array([frame.seconds for frame in frames]), [thumb(frame.luma) for frame in frames])


def _cost(table: Survey, wanted: NDArray[np.int64]) -> int:
    """Frames to decode for the wanted ones: those, and the anchors before them; other B-frames are passed over."""
    places = set(anchors(table.ticks).tolist())
    cost = len(wanted)
    for job in jobs(table, wanted.tolist()):
        cost += sum(place in places for place in range(job.first, job.last + 1 - len(job.wanted)))
    return cost
