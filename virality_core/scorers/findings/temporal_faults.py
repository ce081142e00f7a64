"""What frames in a row show: shake, a picture that stands still, frames that are missing."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core.scorers.findings.intervals import runs_of, stretches
from virality_core.types import Finding, FrameRun, PacketTable, Reel, Signal

_SHAKE = 1.0  # % of the frame's height
_SHAKE_REACH = 0.5  # seconds: shake is sampled in short windows, and says nothing of what lies far from them

_STILL_SECONDS = 0.5
_STILL_DIFFERENCE = 0.1  # mean levels: a repeated frame differs by the encoder's rounding at most
_STILL_BYTES = 0.04  # of a packet for each 16 × 16 pixels: all of them skipped; the quietest clip at hand has 0.10
_STILL_SHARE = 0.1  # of the larger packets' size: in a starved file every packet is small

_GAP_SECONDS = 0.15
_GAP_FRAMES = 2.5  # usual distances: less is a variable frame rate at work
_REPEATED = 0.1


def find(reel: Reel, steadiness: Signal | None) -> list[Finding]:
    """Shake (from the signal of `PacingScorer`), stills and freezes, gaps and repeats."""
    found = [] if steadiness is None else _shake(steadiness, reel.info.duration_seconds)
    if reel.packets is not None:
        found += frozen(reel.packets, reel.info.width * reel.info.height, reel.runs, reel.info.duration_seconds)
        found += gaps(reel.packets)
    return found + repeats(reel.runs)


def _shake(steadiness: Signal, duration: float) -> list[Finding]:
    if steadiness.timeline is None:
        return []
    found = stretches(
        steadiness.timeline.seconds,
        steadiness.timeline.values,
        threshold=_SHAKE,
        above=True,
        duration_seconds=duration,
        reach_seconds=_SHAKE_REACH,
    )
    return [
        Finding(
            kind="shake",
            start_seconds=stretch.start_seconds,
            end_seconds=stretch.end_seconds,
            worst_seconds=stretch.worst_seconds,
            value=stretch.worst,
            unit="% of the frame's height",
            threshold=_SHAKE,
            sentence=f"The camera shakes: the picture jumps by {stretch.worst:.1f} % of its height around its path.",
            reason="Sixteen times what sharp sight can see on a phone (0.06 %, ISO 8596); clean phone clips stay "
            "under 0.8 %.",
        )
        for stretch in found
    ]


def frozen(packets: PacketTable, pixels: int, runs: Sequence[FrameRun], duration: float) -> list[Finding]:
    """Half a second or more without any change, told from packets that hold nothing, and seen in decoded runs."""
    spans = [*_empty_packets(packets, pixels, runs), *(span for run in runs for span in _unchanged(run))]
    return [
        Finding(
            kind="frozen",
            start_seconds=start,
            end_seconds=end,
            worst_seconds=0.5 * (start + end),
            value=end - start,
            unit="seconds",
            threshold=_STILL_SECONDS,
            sentence=f"The picture stands still for {end - start:.1f} s: a freeze, or a still that is held.",
            reason="Longer than a stutter, whose frames wait for a few others; the length is this project's choice.",
        )
        for start, end in _joined(spans, duration)
        if end - start >= _STILL_SECONDS
    ]


def gaps(packets: PacketTable) -> list[Finding]:
    """Moments in which no frame is shown for longer than the eye takes for movement."""
    seconds = np.unique(packets.seconds)
    if len(seconds) < 3:
        return []
    steps = np.diff(seconds)
    least = max(_GAP_SECONDS, _GAP_FRAMES * float(np.median(steps)))
    return [
        Finding(
            kind="dropped",
            start_seconds=float(seconds[row]),
            end_seconds=float(seconds[row + 1]),
            worst_seconds=float(seconds[row]),
            value=float(steps[row]),
            unit="seconds without a new frame",
            threshold=least,
            sentence=f"Frames are missing: the picture waits {steps[row]:.2f} s for the next one.",
            reason="Pictures over 0.1 s apart (0.05 to 0.2 s by person and scene) no longer fuse into movement (Card, "
            "Moran & Newell, The Psychology of Human-Computer Interaction, 1983); and 2.5 times the usual distance, so "
            "that a variable frame rate is let be.",
        )
        for row in np.flatnonzero(steps > least).tolist()
    ]


def repeats(runs: Sequence[FrameRun]) -> list[Finding]:
    """A reel whose frames are shown twice or more while it moves: it stutters, or was filmed at a lower rate."""
    repeated, counted, seconds = 0, 0, []
    for run in runs:
        same = _same(run)
        held = np.zeros_like(same)
        for start, stop in runs_of(same):  # a freeze is a finding of its own; one that fills the run is unknown
            if run.seconds[stop] - run.seconds[start] >= _STILL_SECONDS or stop - start == len(same):
                held[start:stop] = True
        repeated += int((same & ~held).sum())
        counted += int((~held).sum())
        if (same & ~held).any():
            seconds.append((float(run.seconds[0]), float(run.seconds[-1])))
    share = repeated / counted if counted else 0.0
    if share <= _REPEATED:
        return []
    return [
        Finding(
            kind="dropped",
            start_seconds=seconds[0][0],
            end_seconds=seconds[-1][1],
            worst_seconds=None,
            value=share,
            unit="share of frames that repeat the one before",
            threshold=_REPEATED,
            sentence=f"The video stutters: {100 * share:.0f} % of its frames repeat the one before.",
            reason="None of the clean phone clips at hand repeats a frame; film brought to 30 frames a second repeats "
            "20 %; that one in ten is the least that is told is this project's choice.",
        )
    ]


def _empty_packets(packets: PacketTable, pixels: int, runs: Sequence[FrameRun]) -> list[tuple[float, float]]:
    """Spans of packets that hold nothing, but where a decoded run shows that the picture changed all the same."""
    least = min(_STILL_BYTES * pixels / 256.0, _STILL_SHARE * float(np.quantile(packets.size_bytes, 0.75)))
    empty = (packets.size_bytes < least) & ~packets.is_keyframe
    for run in runs:
        changed = run.seconds[1:][~_same(run)]
        empty &= ~np.isin(packets.seconds, changed)
    # A keyframe within a still is large and shows the same picture.
    empty[1:-1] |= packets.is_keyframe[1:-1] & empty[:-2] & empty[2:]
    # The frame before the first empty one is the one that is held.
    return [
        (float(packets.seconds[max(0, start - 1)]), float(packets.seconds[stop - 1])) for start, stop in runs_of(empty)
    ]


def _unchanged(run: FrameRun) -> list[tuple[float, float]]:
    return [(float(run.seconds[start]), float(run.seconds[stop])) for start, stop in runs_of(_same(run))]


def _same(run: FrameRun) -> NDArray[np.bool_]:
    """bool (T − 1,): whether each frame repeats the one before."""
    pairs = zip(run.luma[:-1], run.luma[1:], strict=True)
    return np.array([cv2.norm(a, b, cv2.NORM_L1) <= _STILL_DIFFERENCE * a.size for a, b in pairs], dtype=bool)


def _joined(spans: Sequence[tuple[float, float]], duration: float) -> list[tuple[float, float]]:
    """Spans that overlap or touch made one, within the reel."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted((max(0.0, start), min(end, duration)) for start, end in spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined
