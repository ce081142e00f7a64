"""Finds a reel's cuts without decoding all of it: packets first, then only the frames in doubt.

1. Runs that were decoded anyway show their cuts.
2. A small reel is decoded to its end, which is within the budget.
3. In a large one, packets larger than usual are candidates. In H.264, HEVC and older codecs each is checked by itself
   (`single_packets`); in others the frames around the likeliest are decoded as far as the budget goes.
4. Keyframes that break the encoder's rhythm are candidates, too.

Written by hand because PySceneDetect and TransNetV2 decode every frame. On joined reels with 18 known cuts
(`recipes/shots/results.json`, H.264 with a keyframe every 2 s) this finds all 18 with the default budget and 16 with
that of a full-HD reel, none wrong; TransNetV2 finds 13.

Limits: fades and dissolves are not found. VP9 and AV1 have large packets for other reasons, so only the cuts within the
budget are found. A cut on a keyframe in rhythm, or among the B-frames before one, is found only within the budget.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virality_core.media.container.stream_index import StreamIndex
from virality_core.media.decoding.frame_decoder import FrameDecoder
from virality_core.media.decoding.gop_decoder import plan_jobs
from virality_core.media.shots.frame_difference import Thumbnail, correlation, cut_indices, thumbnail
from virality_core.media.shots.packet_sizes import anchors, early_keyframes, size_ratios
from virality_core.media.shots.single_packets import Anchor, cuts_in_packets
from virality_core.types import FULL_HD_PIXELS, Cuts, FrameRun, Progress

STAGE = "cuts"
BUDGET_PIXELS = 48 * FULL_HD_PIXELS  # to decode for cuts: 48 full-HD frames

_MIN_RATIO = 1.5  # packet size over usual size, for a candidate
_CUT_RATIO = 2.5  # … for a cut, if the budget doesn't reach it
_CUT_RATIO_WITH_B_FRAMES = 1.6  # anchors among B-frames are large anyway, so cuts stand out less
_NO_RATIO_CODECS = frozenset({"vp8", "vp9", "av1"})  # hidden reference frames make large packets without a cut
_SAME_SCENE = 0.9  # correlation of neighboring keyframes from which they show one scene
_OTHER_SCENE = 0.2  # … below which they usually show two
_MAX_KEYFRAMES = 24  # to compare; decoding more costs more than it tells
_MAX_CANDIDATES = 40  # whose cost is computed; more than the budget ever reaches
_MARGIN = 6  # frames decoded on each side of a candidate
_PACKET_PRIORITY = 3.0  # above the keyframes', which are at most 2
_SAME_CUT_SECONDS = 0.1


class CutList:
    """Cuts found so far, and the stretches examined frame by frame."""

    def __init__(self) -> None:
        self._verified: dict[float, bool] = {}  # by seconds
        self._examined: list[tuple[float, float]] = []

    def examine(self, seconds: NDArray[np.float64], thumbnails: Iterable[Thumbnail]) -> None:
        """Find the cuts in consecutive frames."""
        for index in cut_indices(list(thumbnails)):
            self.add(float(seconds[index]), verified=True)
        if len(seconds) >= 3:
            self._examined.append((float(seconds[0]), float(seconds[-1])))

    def add(self, seconds: float, *, verified: bool) -> None:
        """Add a cut; once verified it stays so."""
        self._verified[seconds] = self._verified.get(seconds, False) or verified

    def was_examined(self, seconds: float) -> bool:
        """Whether every frame around this time was examined."""
        return any(start < seconds <= end for start, end in self._examined)

    def has_between(self, start: float, end: float) -> bool:
        """Whether there is a cut after `start` and up to `end`."""
        return any(start < cut <= end for cut in self._verified)

    def cuts(self) -> Cuts:
        """All cuts; of two that almost coincide, the verified or earlier one."""
        seconds: list[float] = []
        for cut in sorted(self._verified):
            if not seconds or cut - seconds[-1] >= _SAME_CUT_SECONDS:
                seconds.append(cut)
            elif self._verified[cut] and not self._verified[seconds[-1]]:
                seconds[-1] = cut
        return Cuts(
            seconds=np.array(seconds, dtype=np.float64),
            verified=np.array([self._verified[cut] for cut in seconds], dtype=np.bool_),
        )


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A frame that decoding would decide on; `presumed` is the answer if the budget doesn't reach it."""

    pts: int
    presumed: bool
    priority: float  # the highest is decoded first


def find_cuts(
    decoder: FrameDecoder, runs: Sequence[FrameRun], progress: Progress, *, budget_pixels: int = BUDGET_PIXELS
) -> Cuts:
    """The reel's cuts, each at the time of the first frame after it.

    `runs` were decoded already and cost nothing; of others, `budget_pixels` may be decoded.

    Raises:
        Cancelled: from `progress`. InputError: the file needs more decoding than the limits allow.
    """
    index = decoder.index
    progress(STAGE, 0.0)
    found = CutList()
    for run in runs:
        found.examine(run.seconds, map(thumbnail, run.luma))
    examined_until = float(runs[0].seconds[-1]) if runs and len(runs[0]) else float("-inf")
    rest = index.frame_pts[index.seconds(index.frame_pts) > examined_until]
    pixels = max(1, decoder.converter.coded_pixels)
    if len(rest) * pixels <= budget_pixels:
        _examine_rest(decoder, found, rest, progress)
    else:
        keyframes = _Keyframes(decoder, progress)
        candidates = _packet_candidates(decoder, keyframes, found, progress)
        candidates += _keyframe_candidates(keyframes, found)
        _examine_candidates(decoder, found, candidates, budget_pixels // pixels, progress)
    progress(STAGE, 1.0)
    return found.cuts()


def _examine_rest(decoder: FrameDecoder, found: CutList, rest: NDArray[np.int64], progress: Progress) -> None:
    if len(rest) == 0:
        return
    index = decoder.index
    first = max(0, int(np.searchsorted(index.frame_pts, rest[0])) - _MARGIN)
    seconds: list[float] = []
    thumbnails: list[Thumbnail] = []

    def report() -> None:
        progress(STAGE, min(1.0, len(thumbnails) / (len(index.frame_pts) - first)))

    for at, frame in decoder.frames_between(float(index.seconds(index.frame_pts[first])), float("inf"), report):
        seconds.append(at)
        thumbnails.append(thumbnail(decoder.converter.small_luma(frame)))
        report()
    found.examine(np.array(seconds, dtype=np.float64), thumbnails)


class _Keyframes:
    """The shown keyframes: which come early, and how similar neighbors are if there are few enough to compare."""

    def __init__(self, decoder: FrameDecoder, progress: Progress) -> None:
        index = decoder.index
        self.pts: NDArray[np.int64] = index.key_pts
        self.seconds = index.seconds(self.pts)
        self.early = frozenset(early_keyframes(np.searchsorted(index.frame_pts, self.pts), len(index.frame_pts)))
        self.similarity: dict[int, float] = {}  # by number: correlation −1 … 1 with the keyframe before
        if len(self.pts) <= _MAX_KEYFRAMES:
            run = decoder.keyframes(progress)
            thumbnails = dict(zip(run.seconds.tolist(), map(thumbnail, run.luma), strict=True))
            for number in range(1, len(self.pts)):
                before, here = (thumbnails.get(float(self.seconds[i])) for i in (number - 1, number))
                if before is not None and here is not None:
                    self.similarity[number] = correlation(before, here)

    def similarity_around(self, seconds: float) -> float | None:
        """Correlation −1 … 1 of the keyframes before and after a time, None if unknown."""
        return self.similarity.get(int(np.searchsorted(self.seconds, seconds, side="right")))


def _packet_candidates(
    decoder: FrameDecoder, keyframes: _Keyframes, found: CutList, progress: Progress
) -> list[_Candidate]:
    """Add the cuts that packets prove; return those they leave open."""
    index = decoder.index
    packets = anchors(index.pts)
    ratios = size_ratios(index.sizes[packets], index.is_key[packets])
    unexamined = [
        Anchor(packet=int(packet), next_packet=int(after), size_ratio=float(ratio))
        for packet, after, ratio in zip(packets, [*packets[1:], len(index.pts)], ratios, strict=True)
        if ratio > 0.0
        and not index.is_discard[packet]
        and not found.was_examined(float(index.seconds(int(index.pts[packet]))))
    ]
    codec, packet_cuts = cuts_in_packets(decoder, unexamined, lambda share: progress(STAGE, 0.5 * share))
    if packet_cuts is None:
        cut_ratio = _CUT_RATIO_WITH_B_FRAMES if len(packets) < len(index.pts) else _CUT_RATIO
        has_ratio = codec not in _NO_RATIO_CODECS
        return [
            _Candidate(int(index.pts[anchor.packet]), has_ratio and anchor.size_ratio >= cut_ratio, anchor.size_ratio)
            for anchor in unexamined
            if anchor.size_ratio >= _MIN_RATIO
        ]
    candidates = []
    for cut in packet_cuts:
        seconds = float(index.seconds(cut.pts))
        if found.was_examined(seconds):
            continue
        if cut.certain:
            found.add(seconds, verified=True)
        elif (keyframes.similarity_around(seconds) or 0.0) < _SAME_SCENE:
            candidates.append(_Candidate(cut.pts, True, _PACKET_PRIORITY))
    return candidates


def _keyframe_candidates(keyframes: _Keyframes, found: CutList) -> list[_Candidate]:
    """Keyframes that may start a scene: early ones, and ones very unlike the last with no cut found in between."""
    candidates = []
    for number in range(1, len(keyframes.pts)):
        before, here = float(keyframes.seconds[number - 1]), float(keyframes.seconds[number])
        similarity = keyframes.similarity.get(number)
        if found.was_examined(here):
            continue
        is_early = number in keyframes.early and (similarity is None or similarity < _SAME_SCENE)
        is_other = similarity is not None and similarity < _OTHER_SCENE and not found.has_between(before, here)
        if is_early or is_other:
            candidates.append(_Candidate(int(keyframes.pts[number]), is_early, 1.0 - (similarity or 0.0)))
    return candidates


def _examine_candidates(
    decoder: FrameDecoder, found: CutList, candidates: Sequence[_Candidate], frames_left: int, progress: Progress
) -> None:
    """Decode around the candidates by priority as far as the budget goes; the others are what they are presumed."""
    index = decoder.index
    ordered = sorted(candidates, key=lambda candidate: -candidate.priority)
    is_anchor = np.zeros(len(index.pts), dtype=bool)
    is_anchor[anchors(index.pts)] = True
    stretches: list[tuple[float, float]] = []
    for rank, candidate in enumerate(ordered):
        if rank < _MAX_CANDIDATES:
            frame = int(np.searchsorted(index.frame_pts, candidate.pts))
            around = index.frame_pts[max(0, frame - _MARGIN) : frame + _MARGIN + 1]
            cost = _cost(index, around, is_anchor)
            if cost <= frames_left:
                frames_left -= cost
                stretches.append((float(index.seconds(int(around[0]))), float(index.seconds(int(around[-1])))))
                continue
        if candidate.presumed:
            found.add(float(index.seconds(candidate.pts)), verified=False)
    for run in decoder.luma_between(stretches, progress) if stretches else []:
        found.examine(run.seconds, map(thumbnail, run.luma))


def _cost(index: StreamIndex, requested: NDArray[np.int64], is_anchor: NDArray[np.bool_]) -> int:
    """Frames to decode for the requested ones: those, and the anchors before them; other B-frames are skipped."""
    return len(requested) + sum(
        int(is_anchor[job.first : job.last + 1 - len(job.pts)].sum()) for job in plan_jobs(index, requested.tolist())
    )
