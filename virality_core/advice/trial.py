"""Tries changes on a reel: makes each to its frames, sound, start or caption, and scores the result."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from virality_core.advice.candidates import better_cover, candidates
from virality_core.advice.change import Change, Edit
from virality_core.advice.edits import PEAK_CEILING
from virality_core.advice.ranking import BUDGET_SECONDS, advise
from virality_core.advice.stabilize import camera_path, stabilize_runs, stabilized_cuts, stabilizing_window
from virality_core.media import open_reel
from virality_core.media.encoding.edited_copy import Window
from virality_core.media.encoding.h264_roundtrip import roundtrip
from virality_core.pipeline import Scorers, run_scorer, split_answers
from virality_core.score import weighted_score
from virality_core.score.shares import prior
from virality_core.scorers.base import Scorer
from virality_core.types import (
    Audio,
    Cuts,
    FrameBatch,
    FrameRun,
    Levels,
    Plan,
    Progress,
    Reel,
    Report,
    Signal,
    Skipped,
    no_progress,
)


def with_advice(
    source: str | Path | BinaryIO,
    report: Report,
    scorers: Scorers,
    *,
    budget_seconds: float = BUDGET_SECONDS,
    progress: Progress = no_progress,
    name: str | None = None,
) -> Report:
    """The report with advice: changes that raise the score when tried, then a better cover, which has no points.

    Args:
        source: The file that was scored. scorers: Those that scored it.
        budget_seconds: For trying changes; opening the file again comes on top.

    Raises:
        InputError: The file can't be opened any more. Cancelled: From `progress`.
    """
    changes, cover = candidates(report), better_cover(report)
    covers = () if cover is None else (cover,)
    if not changes:
        return replace(report, advice=covers)
    last = ("trying", 0.0)

    def tried(stage: str, fraction: float) -> None:
        nonlocal last
        last = (stage, fraction)
        progress(stage, fraction)

    rescore = rescorer(source, report, scorers, name=name, progress=lambda *_: progress(*last))
    found = advise(report.score, changes, rescore, budget_seconds=budget_seconds, progress=tried)
    return replace(report, advice=found + covers)


def rescorer(
    source: str | Path | BinaryIO,
    report: Report,
    scorers: Scorers,
    *,
    name: str | None = None,
    progress: Progress = no_progress,
) -> Callable[[Change], float]:
    """A function that returns the score 0–100 of the report's reel with a change made."""
    post = report.provenance.post
    shares = (scorers.weighting or prior()).by_signal
    before: tuple[Signal | Skipped, ...] = (*report.signals, *report.skipped)
    plan = replace(scorers.plan, coded_again=True)
    original = open_reel(source, plan, name=name, progress=progress)

    def rescore(change: Change) -> float:
        reel = original
        if begin := change.begin_seconds:
            later = open_reel(source, replace(plan, start_seconds=begin), name=name, progress=progress)
            reel = _start_later(later, begin)
            if change.edit is None:
                reel = _as_exported(reel, lambda frame, _: frame, reel.runs)
        if how := change.stabilization:
            path = camera_path(source, how, name=name, progress=progress)
            runs = stabilize_runs(reel.runs, path, how, reel.info.height)
            reel = _as_exported(reel, stabilizing_window(path, how), runs)
            if reel.cuts is not None:
                reel = replace(reel, cuts=stabilized_cuts(path, how) or reel.cuts)
        elif change.edit is not None:
            reel = _edited(reel, change.edit, detail_only=change.detail_only, grainy=change.kind == "denoise")
        if reel.audio is not None and change.sound_begin_seconds:
            reel = replace(reel, audio=_trim(reel.audio, change.sound_begin_seconds))
        if reel.audio is not None and change.gain:
            reel = replace(reel, audio=_amplify(reel.audio, change.gain))
        changed_post = post if change.caption is None else replace(post, caption=change.caption)
        answers = {answer.name: answer for answer in before}
        for scorer in scorers.scorers:
            if _is_affected(scorer, change, shares):
                answers |= {answer.name: answer for answer in run_scorer(scorer, reel, changed_post, progress)}
        return weighted_score(split_answers(tuple(answers.values()))[0], scorers.weighting).score

    return rescore


def _is_affected(scorer: Scorer, change: Change, shares: Mapping[str, float]) -> bool:
    """Whether the scorer sees the change and has a share in the score."""
    if not any(shares.get(name, 0.0) > 0.0 for name in scorer.names):
        return False
    plan = scorer.plan
    if change.begin_seconds:
        return plan != Plan()
    sees = change.edit is not None and bool(plan.stills or plan.hook_stills or plan.runs)
    hears = bool(change.gain or change.sound_begin_seconds) and bool(plan.audio_rate)
    reads = change.caption is not None and plan == Plan()
    return sees or hears or reads


def _edited(reel: Reel, edit: Edit, *, detail_only: bool, grainy: bool = False) -> Reel:
    def edit_gray(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
        gray = edit(np.repeat(luma[:, :, None], 3, axis=2)).mean(axis=2)
        return np.asarray(np.round(gray), np.uint8)

    runs = reel.runs
    if not detail_only:
        runs = tuple(replace(run, luma=np.stack([edit_gray(luma) for luma in run.luma])) for run in runs)
    return _as_exported(reel, lambda frame, _: edit(frame), runs, grainy=grainy)


def _as_exported(reel: Reel, window: Window, runs: tuple[FrameRun, ...], *, grainy: bool = False) -> Reel:
    """The reel as read from an exported copy: its frames are edited, encoded and decoded."""
    pixels = reel.info.width * reel.info.height

    def encode(batch: FrameBatch) -> FrameBatch:
        frames = []
        for rgb, second in zip(batch.rgb, batch.seconds, strict=True):
            edited = window(rgb, float(second))
            scale = math.sqrt(pixels / (rgb.shape[0] * rgb.shape[1]))
            frames.append(roundtrip(edited, shrunk=scale, grainy=grainy))
        return replace(batch, rgb=np.stack(frames)) if frames else batch

    hook = None if reel.hook is None else encode(reel.hook)
    frames = encode(reel.frames)
    height, width = frames.rgb.shape[1:3]
    return replace(reel, frames=frames, hook=hook, runs=runs, info=replace(reel.info, width=width, height=height))


def _amplify(audio: Audio, gain: float) -> Audio:
    """Change the volume by `gain` dB; blocks of 10 ms that would exceed −1 dBFS are limited."""
    factor = 10.0 ** (gain / 20.0)
    samples = np.clip(audio.samples * np.float32(factor), -1.0, 1.0)
    levels = audio.levels
    if levels is not None:
        by_block = np.minimum(factor, PEAK_CEILING / np.maximum(levels.peak, 1e-9))
        levels = Levels(
            k_power=levels.k_power * by_block**2,
            power=levels.power * by_block**2,
            peak=levels.peak * by_block,
            clipped=np.zeros_like(levels.clipped),
            true_peak=min(levels.true_peak * factor, PEAK_CEILING),
            hop_seconds=levels.hop_seconds,
            start_seconds=levels.start_seconds,
        )
    return replace(audio, samples=samples, levels=levels)


def _start_later(reel: Reel, begin: float) -> Reel:
    """Move time 0 of a reel that was opened with `start_seconds` to `begin`."""

    def shift(batch: FrameBatch) -> FrameBatch:
        return replace(batch, seconds=batch.seconds - begin)

    cuts = None
    if reel.cuts is not None:
        kept = reel.cuts.seconds > begin
        cuts = Cuts(seconds=reel.cuts.seconds[kept] - begin, verified=reel.cuts.verified[kept])
    return replace(
        reel,
        info=replace(reel.info, duration_seconds=max(0.04, reel.info.duration_seconds - begin)),
        frames=shift(reel.frames),
        hook=None if reel.hook is None else shift(reel.hook),
        runs=tuple(replace(run, seconds=run.seconds - begin) for run in reel.runs),
        cuts=cuts,
        audio=None if reel.audio is None else _trim(reel.audio, begin),
    )


def _trim(audio: Audio, begin: float) -> Audio:
    """The sound from `begin` seconds of the reel on."""
    samples = max(0, round((begin - audio.start_seconds) * audio.sample_rate))
    levels = audio.levels
    if levels is not None:
        blocks = max(0, round((begin - levels.start_seconds) / levels.hop_seconds))
        levels = replace(
            levels,
            k_power=levels.k_power[blocks:],
            power=levels.power[blocks:],
            peak=levels.peak[blocks:],
            clipped=levels.clipped[blocks:],
            start_seconds=levels.start_seconds + blocks * levels.hop_seconds - begin,
        )
    return replace(
        audio,
        samples=audio.samples[samples:],
        start_seconds=audio.start_seconds + samples / audio.sample_rate - begin,
        levels=levels,
    )
