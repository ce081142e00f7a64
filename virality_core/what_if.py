"""A finished report with one input changed: caption, population of posts, own posts, or shares of the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from virality_core.errors import UsageError
from virality_core.forecast import predict as engagement
from virality_core.forecast.features import Facts
from virality_core.forecast.model import bundled_model
from virality_core.forecast.own_posts_fit import History, fit_history
from virality_core.models.language.minilm import embed_captions
from virality_core.pipeline import models_used, split_answers, variant_used
from virality_core.report.platform_check import check
from virality_core.score import Weighting, uncertainty, weighted_score, weighting_notes
from virality_core.types import Engagement, Post, Report, Signal, Skipped, VideoInfo


def with_population(report: Report, collection: str) -> Report:
    """The report with its engagement predicted for another collection of posts. Raises UsageError, WeightsError."""
    ran = report.provenance
    return replace(report, engagement=engagement.predict(ran.post, ran.video, embed_captions, collection))


def with_history(report: Report, history: History) -> Report:
    """The report with its engagement predicted from the creator's own posts. Raises UsageError, WeightsError."""
    ran = report.provenance
    return replace(report, engagement=engagement.predict_from_history(ran.post, ran.video, history, embed_captions))


def own_history(posts: Sequence[Facts], outcomes: Mapping[str, Sequence[float | None]]) -> History:
    """Fit a creator's own posts. Raises InputError if there are too few."""
    return fit_history(bundled_model(), engagement.DEFAULT_COLLECTION, posts, outcomes, embed_captions)


def with_caption(
    report: Report,
    post: Post,
    answers: Sequence[Signal | Skipped],
    weighting: Weighting | None = None,
    history: History | None = None,
) -> Report:
    """The report with another caption.

    Args:
        report: Of the same reel.
        post: With the new caption.
        answers: From `CaptionReader.answers(post)`.
        weighting: What the report was scored with.
        history: The creator's own posts, if the engagement was predicted from them.

    Raises:
        UsageError: The engagement was predicted from the creator's own posts, and `history` is None.
    """
    new = {answer.name: answer for answer in answers}
    old: tuple[Signal | Skipped, ...] = (*report.signals, *report.skipped)
    signals, skipped = split_answers([new.get(answer.name, answer) for answer in old])
    models, ran = models_used(signals), report.provenance
    return _reweighted(
        report,
        signals,
        weighting,
        skipped=skipped,
        engagement=_engagement(report.engagement, post, ran.video, history),
        platform_check=check(ran.video, post.platform, signals),
        provenance=replace(ran, post=post, models=models, ran=variant_used(models, ran.profile)),
    )


def with_weighting(report: Report, weighting: Weighting | None, before: Weighting | None = None) -> Report:
    """The report with its score made from other shares; None is the stated ones.

    Args:
        before: What the report was scored with.

    Raises:
        InputError: None of its signals has a share.
    """
    outdated = weighting_notes(before)
    notes = (*(note for note in report.notes if note not in outdated), *weighting_notes(weighting))
    fusion = "prior" if weighting is None else weighting.way
    return _reweighted(
        report, report.signals, weighting, notes=notes, provenance=replace(report.provenance, fusion=fusion)
    )


def _reweighted(report: Report, signals: tuple[Signal, ...], weighting: Weighting | None, **changes: Any) -> Report:
    """The report with a new score. Drops the advice, which was measured against the old one."""
    total = weighted_score(signals, weighting)
    return replace(
        report,
        score=total.score,
        band=total.band,
        coverage=total.coverage,
        contributions=total.contributions,
        signals=signals,
        uncertainty=uncertainty(signals, weighting),
        advice=(),
        **changes,
    )


def _engagement(before: Engagement | None, post: Post, video: VideoInfo, history: History | None) -> Engagement | None:
    """The engagement of another post, predicted from the same posts as before."""
    if before is None:
        return None
    if before.own_posts is None:
        return engagement.predict(post, video, embed_captions, before.collection)
    if history is None:
        raise UsageError("The ranges come from the creator's own posts; their history is needed to predict them again.")
    return engagement.predict_from_history(post, video, history, embed_captions)
