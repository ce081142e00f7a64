"""Faults of frames in a row: shake, a picture that stands still, missing frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core.config.faults import fault
from virality_core.scorers.measures.intervals import findings_over_time, merged, true_runs
from virality_core.types import Finding, FrameRun, PacketTable, Reel, Signal

_SHAKE_REACH = 0.5  # seconds: shake is sampled in short windows and says nothing about times far from them

_SAME_DIFFERENCE = 0.1  # mean levels: a repeated frame differs by the encoder's rounding at most
_EMPTY_BYTES = 0.04  # of a packet per 16 × 16 pixels: all of them skipped; our quietest clip has 0.10
_EMPTY_SHARE = 0.1  # of the larger packets' size: in a starved file every packet is small

_GAP_SECONDS = 0.15
_GAP_FRAMES = 2.5  # usual distances: anything less is a variable frame rate


def find(reel: Reel, steadiness: Signal | None) -> list[Finding]:
    """Shake (from the signal of `PacingScorer`), stills and freezes, gaps and repeats."""
    duration = reel.info.duration_seconds
    found: list[Finding] = []
    if steadiness is not None and steadiness.timeline is not None:
        found += findings_over_time(fault("shake"), steadiness.timeline, duration, reach_seconds=_SHAKE_REACH)
    if reel.packets is not None:
        found += frozen(reel.packets, reel.info.width * reel.info.height, reel.runs, duration)
        found += gaps(reel.packets)
    return found + repeats(reel.runs)


def frozen(packets: PacketTable, pixels: int, runs: Sequence[FrameRun], duration: float) -> list[Finding]:
    """Half a second or more without any change: packets that hold nothing, or decoded frames that are the same."""
    spans = _empty_packets(packets, pixels, runs)
    for run in runs:
        spans += [(float(run.seconds[start]), float(run.seconds[stop])) for start, stop in true_runs(_repeated(run))]
    limits = fault("frozen")
    return [
        limits.finding(end - start, start, end, 0.5 * (start + end))
        for start, end in merged(sorted((max(0.0, start), min(end, duration)) for start, end in spans))
        if end - start >= limits.threshold
    ]


def gaps(packets: PacketTable) -> list[Finding]:
    """Moments without a new frame for longer than the eye takes for movement."""
    seconds = np.unique(packets.seconds)
    if len(seconds) < 3:
        return []
    steps = np.diff(seconds)
    limits = replace(fault("gap"), threshold=max(_GAP_SECONDS, _GAP_FRAMES * float(np.median(steps))))
    return [
        limits.finding(float(steps[row]), float(seconds[row]), float(seconds[row + 1]), float(seconds[row]))
        for row in np.flatnonzero(steps > limits.threshold).tolist()
    ]


def repeats(runs: Sequence[FrameRun]) -> list[Finding]:
    """Frames that are shown twice or more while the picture moves: it stutters, or was filmed at a lower rate."""
    repeated, counted, spans = 0, 0, []
    for run in runs:
        same = _repeated(run)
        still = np.zeros_like(same)
        for start, stop in true_runs(same):  # a freeze is a finding of its own; one that fills the run is unknown
            if run.seconds[stop] - run.seconds[start] >= fault("frozen").threshold or stop - start == len(same):
                still[start:stop] = True
        repeated += int((same & ~still).sum())
        counted += int((~still).sum())
        if (same & ~still).any():
            spans.append((float(run.seconds[0]), float(run.seconds[-1])))
    share = repeated / counted if counted else 0.0
    limits = fault("stutter")
    return [limits.finding(share, spans[0][0], spans[-1][1])] if share > limits.threshold else []


def _empty_packets(packets: PacketTable, pixels: int, runs: Sequence[FrameRun]) -> list[tuple[float, float]]:
    """Spans of packets that hold nothing, except where a decoded run shows that the picture changed anyway."""
    limit = min(_EMPTY_BYTES * pixels / 256.0, _EMPTY_SHARE * float(np.quantile(packets.size_bytes, 0.75)))
    empty = (packets.size_bytes < limit) & ~packets.is_keyframe
    for run in runs:
        changed = run.seconds[1:][~_repeated(run)]
        empty &= ~np.isin(packets.seconds, changed)
    # A keyframe within a still is large and shows the same picture.
    empty[1:-1] |= packets.is_keyframe[1:-1] & empty[:-2] & empty[2:]
    # The frame before the first empty one is the one that stays on the screen.
    seconds = packets.seconds
    return [(float(seconds[max(0, start - 1)]), float(seconds[stop - 1])) for start, stop in true_runs(empty)]


def _repeated(run: FrameRun) -> NDArray[np.bool_]:
    """bool (T − 1,): whether each frame repeats the one before."""
    pairs = pairwise(run.luma)
    return np.array([cv2.norm(a, b, cv2.NORM_L1) <= _SAME_DIFFERENCE * a.size for a, b in pairs], dtype=bool)
