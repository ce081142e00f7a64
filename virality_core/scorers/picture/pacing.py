"""How the reel moves and is cut: amount of motion, camera shake, length of the shots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from virality_core.scorers.base import Scorer, rated
from virality_core.scorers.measures import motion
from virality_core.scorers.measures.letterbox import WHOLE, Box, picture_box
from virality_core.types import Details, FrameRun, Plan, Post, Progress, Reel, Signal, Skipped, Timeline

_SHORTEST_PACED = 3.0  # seconds: an uncut reel shorter than this says nothing about its pace
_LONGEST_SHOT = 24.0 * 3600.0  # seconds: end of the native range


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MotionDetails(Details):
    """`frozen_share` 0–1: frames that repeat the one before; `measured_seconds`: how much of the reel was looked at."""

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
    """`cut_seconds`: when each new shot begins; `verified` cuts were seen decoded, the rest told from packet sizes."""

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

    Black bars are left out where they can be told (`picture_box`): heights are the picture's.

    Motion and shake are means over the reel's time from the runs of frames that were decoded: the opening whole, then
    samples. Sources: see `scorers.measures.motion`; average shot length: B. Salt, "Statistical style analysis of motion
    pictures", Film Quarterly 28(1), 1974.
    """

    names: ClassVar[tuple[str, ...]] = ("motion", "steadiness", "pace")
    plan: ClassVar[Plan] = Plan(stills=16, runs=True, cuts=True)  # the stills tell black bars

    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Signal | Skipped]:
        """One Signal each for motion, steadiness and pace, or Skipped with the reason."""
        del post
        cut_seconds = np.zeros(0) if reel.cuts is None else reel.cuts.seconds
        total = max(1, sum(len(run) for run in reel.runs))
        done = 0

        def tick() -> None:
            nonlocal done
            done += 1
            progress("motion", min(1.0, done / total))

        box = picture_box(reel.frames.rgb) if len(reel.frames) else WHOLE
        runs = reel.runs if box == WHOLE else [_without_bars(run, box) for run in reel.runs]
        parts = [part for run in runs for part in motion.follow(run, cut_seconds, tick)]
        progress("motion", 1.0)
        return [_motion(parts, reel), _steadiness(parts, reel), _pace(reel)]


def _without_bars(run: FrameRun, box: Box) -> FrameRun:
    """Bars stand still, and make the frame's height more than the picture's: with them, shake would look smaller."""
    return FrameRun(luma=np.stack([box.cut(luma) for luma in run.luma]), seconds=run.seconds)


def _motion(parts: Sequence[motion.Steps], reel: Reel) -> Signal | Skipped:
    seconds, values = motion.motion_windows(parts)
    if len(values) == 0:
        return Skipped(name="motion", reason="The reel has no two frames in a row to see motion between.")
    return rated(
        "motion",
        _mean_over_time(seconds, values, reel.info.duration_seconds),
        unit="frame heights per second",
        native_range=(0.0, motion.MAX_MOTION),
        timeline=_timeline(seconds, values),
        details=MotionDetails(
            frozen_share=motion.frozen_share(parts),
            measured_seconds=float(sum(part.seconds[-1] - part.seconds[0] for part in parts)),
        ),
    )


def _steadiness(parts: Sequence[motion.Steps], reel: Reel) -> Signal | Skipped:
    seconds, values = motion.shake_windows(parts)
    if len(values) == 0:
        return Skipped(name="steadiness", reason="The reel has too few frames in a row to tell shake from movement.")
    worst = int(np.argmax(values))
    return rated(
        "steadiness",
        _mean_over_time(seconds, values, reel.info.duration_seconds),
        unit="shake, % of frame height",
        native_range=(0.0, motion.MAX_SHAKE),
        timeline=_timeline(seconds, values),
        details=SteadinessDetails(
            worst_shake=float(values[worst]),
            worst_seconds=float(seconds[worst]),
            frozen_share=motion.frozen_share(parts),
        ),
    )


def _pace(reel: Reel) -> Signal | Skipped:
    if reel.cuts is None:
        return Skipped(name="pace", reason="The reel was opened without looking for cuts.")
    duration = reel.info.duration_seconds
    inside = (reel.cuts.seconds > 0.0) & (reel.cuts.seconds < duration)
    cuts = np.sort(reel.cuts.seconds[inside])
    if len(cuts) == 0 and duration < _SHORTEST_PACED:
        return Skipped(
            name="pace",
            reason=f"One shot of {duration:.1f} s says nothing about pace; it takes {_SHORTEST_PACED:.0f} s or a cut.",
        )
    starts = np.concatenate([[0.0], cuts])
    lengths = np.diff(np.concatenate([starts, [duration]]))
    return rated(
        "pace",
        min(float(duration / len(starts)), _LONGEST_SHOT),
        unit="seconds per shot",
        native_range=(0.0, _LONGEST_SHOT),
        timeline=Timeline(seconds=starts, values=lengths),
        details=PaceDetails(
            shots=len(starts),
            median_shot_seconds=float(np.median(lengths)),
            longest_shot_seconds=float(lengths.max()),
            cuts_per_10_seconds=float(10.0 * len(cuts) / duration),
            cut_seconds=tuple(float(cut) for cut in cuts),
            verified=int(reel.cuts.verified[inside].sum()),
        ),
    )


def _timeline(seconds: NDArray[np.float64], values: NDArray[np.float64]) -> Timeline:
    order = np.argsort(seconds, kind="stable")
    return Timeline(seconds=seconds[order], values=values[order])


def _mean_over_time(seconds: NDArray[np.float64], values: NDArray[np.float64], duration: float) -> float:
    """Mean of samples that lie unevenly over the reel: each stands for the time that is nearest to it."""
    order = np.argsort(seconds, kind="stable")
    times, sorted_values = seconds[order], values[order]
    borders = np.concatenate([[min(0.0, times[0])], (times[1:] + times[:-1]) / 2.0, [max(duration, times[-1])]])
    weights = np.diff(borders)
    if weights.sum() <= 0.0:
        return float(sorted_values.mean())
    return float(np.average(sorted_values, weights=weights))
