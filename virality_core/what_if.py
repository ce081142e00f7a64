"""What a finished report would say with something else in it: another population of posts, own posts, other weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from virality_core.forecast import predict as engagement
from virality_core.forecast.features import Facts
from virality_core.forecast.model import shipped
from virality_core.forecast.own_posts_fit import History, fit_history
from virality_core.models.language.minilm_embedding import embed_captions
from virality_core.score import (
    Way,
    Weighting,
    fitted_file,
    fitted_ways,
    read_weighting,
    sensitivity,
    uncertainty,
    weighted_score,
    weighting_notes,
)
from virality_core.types import Report

__all__ = [
    "History",
    "Weighting",
    "fitted_ways",
    "fitted_weighting",
    "own_history",
    "populations",
    "weight_moves",
    "with_history",
    "with_population",
    "with_weighting",
]


def populations() -> Mapping[str, str]:
    """The collections of posts that engagement can be predicted for, with their titles. Raises WeightsError."""
    return engagement.collections()


def with_population(report: Report, collection: str) -> Report:
    """The report with its engagement predicted for another collection of posts. Raises UsageError, WeightsError."""
    ran = report.provenance
    return replace(report, engagement=engagement.predict(ran.post, ran.video, embed_captions, collection))


def with_history(report: Report, history: History) -> Report:
    """The report with its engagement read from the creator's own posts. Raises UsageError, WeightsError."""
    ran = report.provenance
    return replace(report, engagement=engagement.predict_own(ran.post, ran.video, history, embed_captions))


def own_history(posts: Sequence[Facts], outcomes: Mapping[str, Sequence[float | None]]) -> History:
    """A creator's fit beside the default collection's model. Raises InputError for too few posts."""
    return fit_history(shipped(), engagement.DEFAULT_COLLECTION, posts, outcomes, embed_captions)


def fitted_weighting(way: Way) -> Weighting:
    """The fitted weights that `virality fit-fusion` left for the page. Raises UsageError where they can't be read."""
    return read_weighting(fitted_file(way))


def with_weighting(report: Report, weighting: Weighting | None, before: Weighting | None = None) -> Report:
    """The report with its score made by other weights.

    Args:
        report: Its signals stay. weighting: None is the stated weights. before: What the report was weighed with.

    Raises:
        InputError: none of its signals has weight there.
    """
    fused = weighted_score(report.signals, weighting)
    gone = set(weighting_notes(before))
    return replace(
        report,
        score=fused.score,
        band=fused.band,
        coverage=fused.coverage,
        contributions=fused.contributions,
        uncertainty=uncertainty(report.signals, weighting),
        notes=(*(note for note in report.notes if note not in gone), *weighting_notes(weighting)),
        advice=(),  # it was measured with the other weights
        provenance=replace(report.provenance, fusion="prior" if weighting is None else weighting.way),
    )


def weight_moves(report: Report) -> dict[str, tuple[float, float]]:
    """The score with each weighed signal's weight at 0 and at double: name → (at 0, at double)."""
    return sensitivity(report.signals, {c.signal: c.weight for c in report.contributions})
