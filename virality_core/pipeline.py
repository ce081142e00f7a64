"""score_reel: the whole story on one page — open the reel once, let every scorer look, weigh, report."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from importlib import metadata
from operator import or_
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from virality_core.errors import Cancelled, UsageError, ViralityError
from virality_core.forecast import predict as engagement
from virality_core.forecast.own_posts_fit import History
from virality_core.media import malloc_trim, open_reel
from virality_core.models import device as devices
from virality_core.models import weights
from virality_core.models.language.minilm_embedding import embed_captions
from virality_core.progress import Clock, Stages
from virality_core.report.platform_check import check
from virality_core.score import Weighting, uncertainty, weighted_score, weighting_notes
from virality_core.scorers.base import Scorer
from virality_core.scorers.caption.hashtags import HashtagScorer
from virality_core.scorers.caption.keyword_effects import KeywordScorer
from virality_core.scorers.caption.sentiment import CaptionScorer
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
    Engagement,
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
    VideoInfo,
)
from virality_core.version import __version__

__all__ = ["Scorers", "answer", "load_scorers", "score_reel", "with_caption"]

_THUMBNAIL_SIDE = 480  # pixels of the longer side: sharp on a phone screen, about 0.1 MB a frame
_PACKAGES = ("torch", "av", "opencv-python-headless", "numpy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorers:
    """The loaded scorers with where and on what they run. Made once, shared by all calls; holds no state of a reel."""

    scorers: tuple[Scorer, ...]
    profile: Profile
    device: str
    weighting: Weighting | None = None  # None: the stated weights

    @property
    def plan(self) -> Plan:
        """What all scorers together want decoded."""
        return reduce(or_, (scorer.plan for scorer in self.scorers), Plan())


def load_scorers(profile: Profile = "auto", device: str | None = None, weighting: Weighting | None = None) -> Scorers:
    """Load every scorer's weights.

    Args:
        profile: `lite` (bundled weights only, no network), `full` (the best variant or an error) or `auto`.
        device: `cuda`, `cpu`, or None for CUDA when present.
        weighting: Fitted weights from `read_weighting`; the stated ones if None.

    Raises:
        WeightsError: weights that the profile insists on can't be had, or differ from their digest.
        UsageError: the device is not there.
    """
    chosen = devices.choose(device)
    caption = CaptionScorer(profile=profile)
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
    progress: Progress | None = None,
    name: str | None = None,
) -> Report:
    """Score one reel: a pure function of the file, the post and the weights.

    Args:
        source: Path of the video, or a seekable binary file (an upload held in memory).
        post: Caption, platform, followers … it will be posted with.
        scorers: From `load_scorers`, to score many reels; loaded for this call if None.
        profile: Which weights to load if `scorers` is None.
        progress: Called as `progress(stage, fraction)` with the fraction of the whole, 0–1; may raise Cancelled.
        name: The file's name for messages, where `source` is not a path.

    Raises:
        InputError: the file can't be scored. WeightsError: see `load_scorers`. Cancelled: from `progress`.
    """
    post = post or Post()
    clock = Clock()
    if scorers is None:
        with clock.stage("load"):
            scorers = load_scorers(profile)
    told = Stages(progress or _silent, count=3 + len(scorers.scorers))
    with clock.stage("decode"):
        reel = open_reel(source, scorers.plan, progress=told.next(), name=name)
    answers: list[Signal | Skipped] = []
    for scorer in scorers.scorers:
        name_of_stage, stage = type(scorer).__name__.removesuffix("Scorer").lower(), told.next()
        with clock.stage(name_of_stage):
            answers += answer(scorer, reel, post, stage)
            malloc_trim.give_back()
        stage(name_of_stage, 1.0)
    answers.append(_beat_cuts(answers))
    signals = tuple(answer for answer in answers if isinstance(answer, Signal))
    told.next()("findings", 0.0)
    with clock.stage("findings"):
        findings = diagnose(reel, post, signals)
    fused = weighted_score(signals, scorers.weighting)
    last = told.next()
    last("engagement", 0.0)
    with clock.stage("engagement"):
        predicted, missing = _engagement(post, reel.info)
    last("engagement", 1.0)
    return Report(
        score=fused.score,
        band=fused.band,
        coverage=fused.coverage,
        contributions=fused.contributions,
        signals=signals,
        skipped=tuple(answer for answer in answers if isinstance(answer, Skipped)),
        notes=reel.notes + missing + weighting_notes(scorers.weighting),
        timings=clock.timings(),
        provenance=_provenance(scorers, signals, reel, post),
        findings=findings,
        engagement=predicted,
        uncertainty=uncertainty(signals, scorers.weighting),
        platform_check=check(reel.info, post.platform, signals),
        thumbnails=_thumbnails(reel),
    )


def with_caption(
    report: Report,
    post: Post,
    answers: Sequence[Signal | Skipped],
    weighting: Weighting | None = None,
    history: History | None = None,
) -> Report:
    """The report as it is with another caption: the caption's signals exchanged, the score weighed anew.

    Args:
        report: Of the same reel. post: What is posted now. answers: `CaptionDesk.answers(post)`.
        weighting: What the report was weighed with. history: What its engagement was read from, if not a collection.

    Raises:
        UsageError: the engagement is of the creator's own posts, and their history is not given.
    """
    fresh = {answer.name: answer for answer in answers}
    before: tuple[Signal | Skipped, ...] = (*report.signals, *report.skipped)
    merged = [fresh.get(answer.name, answer) for answer in before]
    signals = tuple(answer for answer in merged if isinstance(answer, Signal))
    fused = weighted_score(signals, weighting)
    ran = report.provenance
    return replace(
        report,
        score=fused.score,
        band=fused.band,
        coverage=fused.coverage,
        contributions=fused.contributions,
        signals=signals,
        skipped=tuple(answer for answer in merged if isinstance(answer, Skipped)),
        engagement=_engagement_again(report.engagement, post, ran.video, history),
        uncertainty=uncertainty(signals, weighting),
        platform_check=check(ran.video, post.platform, signals),
        advice=(),  # it was measured with the other caption
        provenance=replace(ran, post=post, models=_models(signals), ran=_ran(_models(signals), ran.profile)),
    )


def _engagement(post: Post, video: VideoInfo) -> tuple[Engagement | None, tuple[str, ...]]:
    """The predicted engagement, or a note that says why there is none."""
    try:
        return engagement.predict(post, video, embed_captions), ()
    except ViralityError as error:
        return None, (f"Engagement could not be predicted: {error}",)


def _engagement_again(
    before: Engagement | None, post: Post, video: VideoInfo, history: History | None
) -> Engagement | None:
    """The engagement of another post, read from what it was read from before."""
    if before is None:
        return None
    if before.own_posts is None:
        return engagement.predict(post, video, embed_captions, before.collection)
    if history is None:
        raise UsageError("The ranges are read from the creator's own posts; their history is needed to read them anew.")
    return engagement.predict_own(post, video, history, embed_captions)


def answer(scorer: Scorer, reel: Reel, post: Post, progress: Progress) -> list[Signal | Skipped]:
    """One scorer's answers; what it can't score for a stated reason is skipped, and the rest of the report stands."""
    try:
        return list(scorer.score(reel, post, progress))
    except Cancelled:
        raise
    except ViralityError as error:
        return [Skipped(name=signal, reason=str(error)) for signal in scorer.names]


def _beat_cuts(answers: Sequence[Signal | Skipped]) -> Signal | Skipped:
    return cuts_on_beat.align(
        [answer for answer in answers if isinstance(answer, Signal)],
        [answer for answer in answers if isinstance(answer, Skipped)],
    )


def _provenance(scorers: Scorers, signals: tuple[Signal, ...], reel: Reel, post: Post) -> Provenance:
    models = _models(signals)
    return Provenance(
        version=__version__,
        profile=scorers.profile,
        ran=_ran(models, scorers.profile),
        device=scorers.device,
        fusion="prior" if scorers.weighting is None else scorers.weighting.way,
        models=models,
        packages={"python": platform.python_version()} | {package: metadata.version(package) for package in _PACKAGES},
        video=reel.info,
        post=post,
    )


def _models(signals: Sequence[Signal]) -> tuple[ModelInfo, ...]:
    return tuple({signal.model.id: signal.model for signal in signals if signal.model is not None}.values())


def _ran(models: Sequence[ModelInfo], profile: Profile) -> str:
    """Which weights answered. A model of which there is only one is as good in lite as in full and doesn't count."""
    chosen = {model.variant for model in models if weights.has_both(model.id)}
    return " + ".join(sorted(chosen, reverse=True)) or ("lite" if profile == "lite" else "full")


def _thumbnails(reel: Reel) -> FrameBatch:
    """The stills and the hook's stills, small, by time, each once."""
    batches = [reel.frames] if reel.hook is None else [reel.frames, reel.hook]
    by_time = {float(at): frame for batch in batches for at, frame in zip(batch.seconds, batch.rgb, strict=True)}
    height, width = reel.frames.rgb.shape[1:3]
    scale = min(1.0, _THUMBNAIL_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    seconds = sorted(by_time)
    small = np.stack([cv2.resize(by_time[at], size, interpolation=cv2.INTER_AREA) for at in seconds])
    return FrameBatch(rgb=small.astype(np.uint8, copy=False), seconds=np.array(seconds))


def _silent(stage: str, fraction: float) -> None:
    """Progress nobody watches."""
