"""Scores a reel: opens it once, runs every scorer, weights the signals and makes the report."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from importlib import metadata
from operator import or_
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from virality_core.errors import Cancelled, ViralityError
from virality_core.forecast import predict as engagement
from virality_core.media import malloc_trim, open_reel
from virality_core.models import device as devices
from virality_core.models import weights
from virality_core.models.language.minilm import embed_captions
from virality_core.report.platform_check import check
from virality_core.score import Weighting, uncertainty, weighted_score, weighting_notes
from virality_core.scorers.base import Scorer
from virality_core.scorers.caption.hashtags import HashtagScorer
from virality_core.scorers.caption.keyword_effects import KeywordScorer
from virality_core.scorers.caption.sentiment import SentimentScorer
from virality_core.scorers.findings import diagnose
from virality_core.scorers.picture.aesthetics import AestheticsScorer
from virality_core.scorers.picture.faces import FacesScorer
from virality_core.scorers.picture.look import LookScorer
from virality_core.scorers.picture.pacing import PacingScorer
from virality_core.scorers.picture.quality import QualityScorer
from virality_core.scorers.picture.screen_text import OnscreenScorer
from virality_core.scorers.picture.virality import ViralityScorer
from virality_core.scorers.sound import cuts_on_beat
from virality_core.scorers.sound.audio import AudioScorer
from virality_core.scorers.sound.music import MusicScorer
from virality_core.types import (
    FrameBatch,
    ModelInfo,
    Plan,
    Post,
    Profile,
    Progress,
    Provenance,
    Reel,
    Report,
    Signal,
    Skipped,
    no_progress,
)
from virality_core.version import __version__

__all__ = ["Scorers", "load_scorers", "models_used", "run_scorer", "score_reel", "split_answers", "variant_used"]

_THUMBNAIL_SIDE = 480  # pixels of the longer side: sharp on a phone screen, about 0.1 MB per frame
_PACKAGES = ("torch", "av", "opencv-python-headless", "numpy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorers:
    """The loaded scorers. Made once and shared by all calls; they keep nothing of a reel."""

    scorers: tuple[Scorer, ...]
    profile: Profile
    device: str
    weighting: Weighting | None = None  # None: the stated shares

    @property
    def plan(self) -> Plan:
        """What all scorers together need decoded."""
        return reduce(or_, (scorer.plan for scorer in self.scorers), Plan())


def load_scorers(profile: Profile = "auto", device: str | None = None, weighting: Weighting | None = None) -> Scorers:
    """Load every scorer's weights.

    Args:
        profile: `lite` (bundled weights only, no network), `full` (the best variant or an error) or `auto`.
        device: `cuda`, `cpu`, or None for CUDA if present.
        weighting: Fitted shares from `read_weighting`, or None for the stated ones.

    Raises:
        WeightsError: Weights that the profile requires can't be had, or have the wrong digest.
        UsageError: There is no such device.
    """
    chosen = devices.choose(device)
    caption = SentimentScorer(profile=profile)
    scorers: tuple[Scorer, ...] = (
        AestheticsScorer(profile=profile, device=chosen),
        QualityScorer(profile=profile, device=chosen),
        LookScorer(),
        PacingScorer(),
        FacesScorer(profile=profile),
        AudioScorer(profile=profile),
        OnscreenScorer(profile=profile),
        caption,
        KeywordScorer(caption.reader.known_language),
        HashtagScorer(),
        MusicScorer(),
        ViralityScorer(profile=profile, device=chosen),
    )
    return Scorers(scorers=scorers, profile=profile, device=devices.describe(chosen), weighting=weighting)


def score_reel(
    source: str | Path | BinaryIO,
    post: Post | None = None,
    *,
    scorers: Scorers | None = None,
    profile: Profile = "auto",
    progress: Progress = no_progress,
    name: str | None = None,
) -> Report:
    """Score one reel: a pure function of the file, the post and the weights.

    Args:
        source: Path of the video, or a seekable binary file (an upload in memory).
        post: The caption, platform, followers … it will be posted with.
        scorers: From `load_scorers`, to score many reels; loaded for this call if None.
        profile: Which weights to load if `scorers` is None.
        progress: Called as `progress(stage, fraction)` with the fraction 0–1 of the whole; may raise Cancelled.
        name: The file's name for messages, if `source` is not a path.

    Raises:
        InputError: The file can't be scored. WeightsError: See `load_scorers`. Cancelled: From `progress`.
    """
    post = post or Post()
    stages = _Stages(progress)
    if scorers is None:
        stages.count = 1
        with stages.run("load"):
            scorers = load_scorers(profile)
    stages.count += 3 + len(scorers.scorers)
    with stages.run("decode") as report_progress:
        reel = open_reel(source, scorers.plan, progress=report_progress, name=name)
    answers: list[Signal | Skipped] = []
    for scorer in scorers.scorers:
        with stages.run(scorer.stage) as report_progress:
            answers += run_scorer(scorer, reel, post, report_progress)
            malloc_trim.trim()
            report_progress(scorer.stage, 1.0)
    answers.append(cuts_on_beat.align(*split_answers(answers)))
    signals, skipped = split_answers(answers)
    with stages.run("findings") as report_progress:
        report_progress("findings", 0.0)
        findings = diagnose(reel, post, signals)
    total = weighted_score(signals, scorers.weighting)
    notes = reel.notes
    with stages.run("engagement") as report_progress:
        report_progress("engagement", 0.0)
        try:
            predicted = engagement.predict(post, reel.info, embed_captions)
        except ViralityError as error:
            predicted = None
            notes += (f"Engagement could not be predicted: {error}",)
        report_progress("engagement", 1.0)
    models = models_used(signals)
    return Report(
        score=total.score,
        band=total.band,
        coverage=total.coverage,
        contributions=total.contributions,
        signals=signals,
        skipped=skipped,
        notes=notes + weighting_notes(scorers.weighting),
        timings=stages.seconds(),
        provenance=Provenance(
            version=__version__,
            profile=scorers.profile,
            ran=variant_used(models, scorers.profile),
            device=scorers.device,
            fusion="prior" if scorers.weighting is None else scorers.weighting.way,
            models=models,
            packages={"python": platform.python_version()} | {name: metadata.version(name) for name in _PACKAGES},
            video=reel.info,
            post=post,
        ),
        findings=findings,
        engagement=predicted,
        uncertainty=uncertainty(signals, scorers.weighting),
        platform_check=check(reel.info, post.platform, signals),
        thumbnails=_thumbnails(reel),
    )


def run_scorer(scorer: Scorer, reel: Reel, post: Post, progress: Progress) -> Sequence[Signal | Skipped]:
    """One scorer's answers. A ViralityError skips its signals and leaves the rest of the report alone."""
    try:
        return scorer.score(reel, post, progress)
    except Cancelled:
        raise
    except ViralityError as error:
        return [Skipped(name=signal, reason=str(error)) for signal in scorer.names]


def models_used(signals: Sequence[Signal]) -> tuple[ModelInfo, ...]:
    """The models behind the signals, each once."""
    return tuple({signal.model.id: signal.model for signal in signals if signal.model is not None}.values())


def variant_used(models: Sequence[ModelInfo], profile: Profile) -> str:
    """lite, full or "lite + full", counting only models that come in both variants."""
    variants = {model.variant for model in models if weights.has_both_variants(model.id)}
    return " + ".join(sorted(variants, reverse=True)) or ("lite" if profile == "lite" else "full")


def split_answers(answers: Sequence[Signal | Skipped]) -> tuple[tuple[Signal, ...], tuple[Skipped, ...]]:
    """The signals, and what was skipped."""
    signals = tuple(answer for answer in answers if isinstance(answer, Signal))
    return signals, tuple(answer for answer in answers if isinstance(answer, Skipped))


class _Stages:
    """Times the stages of a run, and turns their progress into one fraction of the whole."""

    def __init__(self, progress: Progress) -> None:
        self.count = 0
        self._progress = progress
        self._start = time.perf_counter()
        self._seconds: dict[str, float] = {}
        self._fraction = 0.0

    @contextmanager
    def run(self, name: str) -> Iterator[Progress]:
        index, start = len(self._seconds), time.perf_counter()

        def report(stage: str, fraction: float) -> None:
            # A stage may start over (first the packets, then the frames); the whole must not go back.
            self._fraction = max(self._fraction, min(1.0, (index + fraction) / self.count))
            self._progress(stage, self._fraction)

        yield report
        self._seconds[name] = time.perf_counter() - start

    def seconds(self) -> dict[str, float]:
        return {**self._seconds, "total": time.perf_counter() - self._start}


def _thumbnails(reel: Reel) -> FrameBatch:
    """The stills, also those of the hook, small, in order of time and each once."""
    batches = [reel.frames] if reel.hook is None else [reel.frames, reel.hook]
    by_time = {float(at): frame for batch in batches for at, frame in zip(batch.seconds, batch.rgb, strict=True)}
    height, width = reel.frames.rgb.shape[1:3]
    scale = min(1.0, _THUMBNAIL_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    seconds = sorted(by_time)
    small = np.stack([cv2.resize(by_time[at], size, interpolation=cv2.INTER_AREA) for at in seconds])
    return FrameBatch(rgb=small.astype(np.uint8, copy=False), seconds=np.array(seconds))
