"""How the reel moves and is cut: amount of motion, camera shake, length of the shots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from virality_core.scorers.base import Answer, Scorer, rated
from virality_core.scorers.measures import motion
from virality_core.scorers.measures.letterbox import WHOLE, picture_box
from virality_core.types import Details, Plan, Post, Progress, Reel, Skipped, Timeline

_MIN_PACED_SECONDS = 3.0  # an uncut reel shorter than this says nothing about its pace
_MAX_SHOT_SECONDS = 24.0 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MotionDetails(Details):
    """`frozen_share` 0–1: frames that repeat the one before; `measured_seconds`: how much of the reel was measured."""

    frozen_share: float
    measured_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SteadinessDetails(Details):
    """`worst_shake` in % of the frame's height at `worst_seconds`; `frozen_share` 0–1 of repeated frames (stutter)."""

    worst_shake: float
    worst_seconds: float
    frozen_share: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PaceDetails(Details):
    """`cut_seconds`: when each new shot begins; `verified` of the cuts were seen in decoded frames."""

    shots: int
    median_shot_seconds: float
    longest_shot_seconds: float
    cuts_per_10_seconds: float
    cut_seconds: tuple[float, ...]
    verified: int


class PacingScorer(Scorer):
    """Amount of motion, camera shake, and pace of the cuts.

    motion: mean optical flow of textured pixels, frame heights per second (0–30). steadiness: shake, the RMS distance
    of the camera's path from a smooth one, in % of the frame's height (0–25, 0 is steady). pace: average shot length in
    seconds, the reel's length over its number of shots.

    Motion and shake are means over the reel's time from the decoded runs of frames: the whole opening, then samples.
    Black bars are left out (`picture_box`): heights are the picture's. Sources: `scorers.measures.motion`; average shot
    length: B. Salt, "Statistical style analysis of motion pictures", Film Quarterly 28(1), 1974.
    """

    stage = "pacing"
    names: ClassVar[tuple[str, ...]] = ("motion", "steadiness", "pace")
    plan: ClassVar[Plan] = Plan(stills=16, runs=True, cuts=True)  # the stills show black bars

    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Answer]:  # noqa: ARG002
        """One Signal each for motion, steadiness and pace, or Skipped with the reason."""
        cut_seconds = np.zeros(0) if reel.cuts is None else reel.cuts.seconds
        total = max(1, sum(len(run) for run in reel.runs))
        done = 0

        def tick() -> None:
            nonlocal done
            done += 1
            progress("motion", min(1.0, done / total))

        box = picture_box(reel.frames.rgb) if len(reel.frames) else WHOLE
        parts: list[motion.FlowSteps] = []
        for run in reel.runs:
            # Bars don't move and are no part of the picture's height: with them, shake would look smaller.
            inside = run if box == WHOLE else replace(run, luma=np.stack([box.cut(luma) for luma in run.luma]))
            parts += motion.flow_steps(inside, cut_seconds, tick)
        progress("motion", 1.0)
        return [_motion(parts, reel), _steadiness(parts, reel), _pace(reel)]


def _motion(parts: Sequence[motion.FlowSteps], reel: Reel) -> Answer:
    seconds, values = motion.motion_windows(parts)
    if len(values) == 0:
        return Skipped(name="motion", reason="The reel has no two consecutive frames to measure motion between.")
    line = _timeline(seconds, values)
    return rated(
        "motion",
        _mean_over_time(line, reel.info.duration_seconds),
        unit="frame heights per second",
        native_range=(0.0, motion.MAX_MOTION),
        timeline=line,
        details=MotionDetails(
            frozen_share=motion.frozen_share(parts),
            measured_seconds=float(sum(part.seconds[-1] - part.seconds[0] for part in parts)),
        ),
    )


def _steadiness(parts: Sequence[motion.FlowSteps], reel: Reel) -> Answer:
    seconds, values = motion.shake_windows(parts)
    if len(values) == 0:
        return Skipped(name="steadiness", reason="The reel has too few consecutive frames to measure shake.")
    worst = int(np.argmax(values))
    line = _timeline(seconds, values)
    return rated(
        "steadiness",
        _mean_over_time(line, reel.info.duration_seconds),
        unit="shake, % of frame height",
        native_range=(0.0, motion.MAX_SHAKE),
        timeline=line,
        details=SteadinessDetails(
            worst_shake=float(values[worst]),
            worst_seconds=float(seconds[worst]),
            frozen_share=motion.frozen_share(parts),
        ),
    )


def _pace(reel: Reel) -> Answer:
    if reel.cuts is None:
        return Skipped(name="pace", reason="The reel was opened without looking for cuts.")
    duration = reel.info.duration_seconds
    inside = (reel.cuts.seconds > 0.0) & (reel.cuts.seconds < duration)
    cuts = np.sort(reel.cuts.seconds[inside])
    if len(cuts) == 0 and duration < _MIN_PACED_SECONDS:
        reason = (
            f"A single shot of {duration:.1f} s has no pace; it takes a cut or at least {_MIN_PACED_SECONDS:.0f} s."
        )
        return Skipped(name="pace", reason=reason)
    starts = np.concatenate([[0.0], cuts])
    lengths = np.diff(np.concatenate([starts, [duration]]))
    return rated(
        "pace",
        min(float(duration / len(starts)), _MAX_SHOT_SECONDS),
        unit="seconds per shot",
        native_range=(0.0, _MAX_SHOT_SECONDS),
        timeline=Timeline(seconds=starts, values=lengths),
        details=PaceDetails(
            shots=len(starts),
            median_shot_seconds=float(np.median(lengths)),
            longest_shot_seconds=float(lengths.max()),
            cuts_per_10_seconds=float(10.0 * len(cuts) / duration),
            cut_seconds=tuple(cuts.tolist()),
            verified=int(reel.cuts.verified[inside].sum()),
        ),
    )


def _timeline(seconds: NDArray[np.float64], values: NDArray[np.float64]) -> Timeline:
    order = np.argsort(seconds, kind="stable")
    return Timeline(seconds=seconds[order], values=values[order])


def _mean_over_time(line: Timeline, duration: float) -> float:
    """Mean of samples that are unevenly spread over the reel: each stands for the time nearest to it."""
    times = line.seconds
    borders = np.concatenate([[min(0.0, times[0])], (times[1:] + times[:-1]) / 2.0, [max(duration, times[-1])]])
    spans = np.diff(borders)
    return float(line.values.mean() if spans.sum() <= 0.0 else np.average(line.values, weights=spans))
