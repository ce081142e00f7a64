"""Re-scores a reel with a change made to its frames, sound, start or caption: the `rescore` that advice is given."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from virality_core.advice import BUDGET_SECONDS, Change, Steady, advise, better_cover, candidates
from virality_core.advice.change import Edit
from virality_core.advice.stabilise import Track, cuts_through, through_window, track_of, window_of
from virality_core.errors import UsageError
from virality_core.media import open_reel
from virality_core.media.encoding.edited_copy import Treatment, Window, rewrite, rewritten
from virality_core.media.encoding.h264_roundtrip import as_coded
from virality_core.pipeline import Scorers, answer
from virality_core.progress import Stages
from virality_core.score import Weighing, fuse
from virality_core.score.score_weights import prior
from virality_core.scorers.base import Scorer
from virality_core.types import (
    Audio,
    Cuts,
    FrameBatch,
    FrameRun,
    Levels,
    Plan,
    Post,
    Progress,
    Reel,
    Report,
    Signal,
    Skipped,
)

_CEILING = 10.0 ** (-1.0 / 20.0)  # −1 dB: where the limiter holds peaks


def with_advice(
    source: str | Path | BinaryIO,
    report: Report,
    scorers: Scorers,
    *,
    budget_seconds: float = BUDGET_SECONDS,
    progress: Progress | None = None,
    name: str | None = None,
) -> Report:
    """The report with its advice: what would help the reel, each tried and scored; a better cover last, without points.

    Args:
        source: The file the report is of. scorers: Those that made the report.
        budget_seconds: How long to try; opening the file anew comes on top.

    Raises:
        InputError: the file can't be opened any more. Cancelled: from `progress`.
    """
    changes = candidates(report)
    cover = better_cover(report)
    shown = () if cover is None else (cover,)
    if not changes:
        return replace(report, advice=shown)
    at = ("trying", 0.0)

    def tell(stage: str, fraction: float) -> None:
        nonlocal at
        at = (stage, fraction)
        if progress is not None:
            progress(stage, fraction)

    rescore = rescorer(source, report, scorers, name=name, progress=lambda _stage, _fraction: tell(*at))
    found = advise(report.score, changes, rescore, budget_seconds=budget_seconds, progress=tell)
    return replace(report, advice=found + shown)


def export(source: Path, out: Path, change: Change, *, progress: Progress | None = None) -> Path:
    """Write the reel with the change made to `out`, as MP4.

    Raises:
        UsageError: the change is one of the caption, or `out` is the reel itself or can't be written.
        InputError: the reel can't be read. Cancelled: from `progress`.
    """
    return rewrite(source, out, _treatment(source, change, None, progress), progress=progress)


def exported(
    source: str | Path | BinaryIO, change: Change, *, name: str | None = None, progress: Progress | None = None
) -> bytes:
    """The same copy as MP4 bytes in memory. Raises as `export`, InputError also where it grows too large."""
    told = Stages(progress or _unwatched, count=1 if change.steady is None else 2)
    treatment = _treatment(source, change, name, told.next() if change.steady is not None else None)
    return rewritten(source, treatment, name=name, progress=told.next())


def _treatment(source: str | Path | BinaryIO, change: Change, name: str | None, progress: Progress | None) -> Treatment:
    if not change.of_the_reel:
        raise UsageError("There is nothing to export: the advice is about the caption.")
    factor, steady = 10.0 ** (change.gain / 20.0), change.steady
    return Treatment(
        edit=change.edit if steady is None else None,
        window=None if steady is None else window_of(track_of(source, steady, name=name, progress=progress), steady),
        treat=(lambda samples: limited(samples, factor)) if change.gain else None,
        begin_seconds=change.begin_seconds,
        sound_begin_seconds=change.sound_begin_seconds,
    )


def limited(samples: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Samples times `factor`; what would pass −1 dB is bent to stay under it (tanh above half of it)."""
    louder = samples * np.float32(factor)
    knee = np.float32(_CEILING / 2)
    size = np.abs(louder)
    bent = np.sign(louder) * (knee + (_CEILING - knee) * np.tanh((size - knee) / (_CEILING - knee)))
    return np.where(size > knee, bent, louder).astype(np.float32)


def rescorer(
    source: str | Path | BinaryIO,
    report: Report,
    scorers: Scorers,
    *,
    name: str | None = None,
    progress: Progress | None = None,
) -> Callable[[Change], float]:
    """`rescore(change)` for the reel of a report: the whole score 0–100 with the change made.

    `progress` is only asked whether to go on: it may raise Cancelled.
    """

    def go_on(stage: str, fraction: float) -> None:  # noqa: ARG001
        if progress is not None:
            progress("trying", 0.0)

    post = report.provenance.post
    weights = (scorers.weighing or prior()).weights
    before: dict[str, Signal | Skipped] = {signal.name: signal for signal in report.signals}
    before |= {skip.name: skip for skip in report.skipped}
    plan = replace(scorers.plan, coded_again=True)
    opened = open_reel(source, plan, name=name, progress=go_on)

    def rescore(change: Change) -> float:
        changed_post = post if change.caption is None else replace(post, caption=change.caption)
        reel = opened
        if change.begin_seconds:
            later = replace(plan, start_seconds=change.begin_seconds)
            reel = _begun_later(open_reel(source, later, name=name, progress=go_on), change.begin_seconds)
            if change.edit is None:
                reel = _seen(reel, lambda frame, _: frame, reel.runs)
        if change.edit is not None:
            steady = change.steady
            if steady is None:
                reel = _edited(reel, change.edit, fine=change.fine, grainy=change.kind == "denoise")
            else:
                reel = _steadied(reel, steady, track_of(source, steady, name=name, progress=go_on))
        if change.sound_begin_seconds and reel.audio is not None:
            reel = replace(reel, audio=_cut(reel.audio, change.sound_begin_seconds))
        if change.gain and reel.audio is not None:
            reel = replace(reel, audio=_amplified(reel.audio, change.gain))
        concerned = [scorer for scorer in scorers.scorers if _concerns(change, scorer, weights)]
        return _score(before, concerned, reel, changed_post, go_on, scorers.weighing)

    return rescore


def _score(
    before: dict[str, Signal | Skipped],
    concerned: list[Scorer],
    reel: Reel,
    post: Post,
    go_on: Progress,
    weighing: Weighing | None,
) -> float:
    answers = dict(before)
    for scorer in concerned:
        answers |= {item.name: item for item in answer(scorer, reel, post, go_on)}
    return fuse([item for item in answers.values() if isinstance(item, Signal)], weighing).score


def _concerns(change: Change, scorer: Scorer, weights: Mapping[str, float]) -> bool:
    """Whether a scorer sees the change and the score hangs on it."""
    if not any(weights.get(name, 0.0) > 0.0 for name in scorer.names):
        return False  # what has no weight can't move the score
    plan = scorer.plan
    if change.begin_seconds:
        return plan != Plan()
    looks = bool(plan.stills or plan.hook_stills or plan.runs)
    hears, reads = bool(plan.audio_rate), plan == Plan()
    sounds = bool(change.gain or change.sound_begin_seconds)
    return (change.edit is not None and looks) or (sounds and hears) or (change.caption is not None and reads)


def _edited(reel: Reel, edit: Edit, *, fine: bool, grainy: bool = False) -> Reel:
    runs = reel.runs if fine else tuple(_edited_run(run, edit) for run in reel.runs)
    return _seen(reel, lambda frame, _: edit(frame), runs, grainy=grainy)


def _steadied(reel: Reel, how: Steady, track: Track) -> Reel:
    seen = _seen(reel, window_of(track, how), through_window(reel.runs, track, how, reel.info.height))
    cuts = None if reel.cuts is None else cuts_through(track, how)
    return seen if cuts is None else replace(seen, cuts=cuts)


def _seen(reel: Reel, window: Window, runs: tuple[FrameRun, ...], *, grainy: bool = False) -> Reel:
    full = reel.info.width * reel.info.height

    def coded(rgb: NDArray[np.uint8], seconds: float) -> NDArray[np.uint8]:
        return as_coded(window(rgb, seconds), shrunk=math.sqrt(full / (rgb.shape[0] * rgb.shape[1])), grainy=grainy)

    hook = None if reel.hook is None else _edited_frames(reel.hook, coded)
    frames = _edited_frames(reel.frames, coded)
    height, width = frames.rgb.shape[1:3]
    return replace(reel, frames=frames, hook=hook, runs=runs, info=replace(reel.info, width=width, height=height))


def _edited_run(run: FrameRun, edit: Edit) -> FrameRun:
    """Grey frames edited as pictures without colour are."""
    grey = [edit(np.repeat(luma[:, :, None], 3, axis=2)).mean(axis=2) for luma in run.luma]
    return FrameRun(luma=np.round(np.stack(grey)).astype(np.uint8), seconds=run.seconds)


def _edited_frames(batch: FrameBatch, window: Window) -> FrameBatch:
    if not len(batch):
        return batch
    rgb = np.stack([window(frame, float(at)) for frame, at in zip(batch.rgb, batch.seconds, strict=True)])
    return FrameBatch(rgb=rgb, seconds=batch.seconds)


def _amplified(audio: Audio, gain: float) -> Audio:
    """Louder or quieter by `gain` dB; where a block of 10 ms would pass −1 dB, a limiter holds it there."""
    factor = 10.0 ** (gain / 20.0)
    samples = np.clip(audio.samples * np.float32(factor), -1.0, 1.0)
    levels = audio.levels
    if levels is None:
        return replace(audio, samples=samples)
    by_block = np.minimum(factor, _CEILING / np.maximum(levels.peak, 1e-9))
    return replace(
        audio,
        samples=samples,
        levels=Levels(
            k_power=levels.k_power * by_block**2,
            power=levels.power * by_block**2,
            peak=levels.peak * by_block,
            clipped=np.zeros_like(levels.clipped),
            true_peak=min(levels.true_peak * factor, _CEILING),
            hop_seconds=levels.hop_seconds,
            start_seconds=levels.start_seconds,
        ),
    )


def _begun_later(reel: Reel, begin: float) -> Reel:
    """A reel opened with `start_seconds`, its clock set to 0 there."""
    cuts = None
    if reel.cuts is not None:
        kept = reel.cuts.seconds > begin
        cuts = Cuts(seconds=reel.cuts.seconds[kept] - begin, verified=reel.cuts.verified[kept])
    return replace(
        reel,
        info=replace(reel.info, duration_seconds=max(0.04, reel.info.duration_seconds - begin)),
        frames=_shifted(reel.frames, begin),
        hook=None if reel.hook is None else _shifted(reel.hook, begin),
        runs=tuple(FrameRun(luma=run.luma, seconds=run.seconds - begin) for run in reel.runs),
        cuts=cuts,
        audio=None if reel.audio is None else _cut(reel.audio, begin),
    )


def _shifted(batch: FrameBatch, begin: float) -> FrameBatch:
    return FrameBatch(rgb=batch.rgb, seconds=batch.seconds - begin)


def _cut(audio: Audio, begin: float) -> Audio:
    """The sound from `begin` seconds of the reel on."""
    gone = max(0, round((begin - audio.start_seconds) * audio.sample_rate))
    levels = audio.levels
    if levels is not None:
        blocks = max(0, round((begin - levels.start_seconds) / levels.hop_seconds))
        peak = levels.peak[blocks:]
        levels = replace(
            levels,
            k_power=levels.k_power[blocks:],
            power=levels.power[blocks:],
            peak=peak,
            clipped=levels.clipped[blocks:],
            start_seconds=levels.start_seconds + blocks * levels.hop_seconds - begin,
        )
    return replace(
        audio,
        samples=audio.samples[gone:],
        start_seconds=audio.start_seconds + gone / audio.sample_rate - begin,
        levels=levels,
    )


def _unwatched(stage: str, fraction: float) -> None:
    """Progress nobody watches."""
