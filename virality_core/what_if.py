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
    Weighing,
    fitted_file,
    fitted_ways,
    fuse,
    notes_on,
    read_weighing,
    sensitivity,
    uncertainty,
)
from virality_core.types import Report

__all__ = [
    "History",
    "Weighing",
    "fitted_ways",
    "fitted_weighing",
    "own_history",
    "populations",
    "weight_moves",
    "with_history",
    "with_population",
    "with_weighing",
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


def fitted_weighing(way: Way) -> Weighing:
    """The fitted weights that `virality fit-fusion` left for the page. Raises UsageError where they can't be read."""
    return read_weighing(fitted_file(way))


def with_weighing(report: Report, weighing: Weighing | None, before: Weighing | None = None) -> Report:
    """The report with its score made by other weights.

    Args:
        report: Its signals stay. weighing: None is the stated weights. before: What the report was weighed with.

    Raises:
        InputError: none of its signals has weight there.
    """
    fused = fuse(report.signals, weighing)
    gone = set(notes_on(before))
    return replace(
        report,
        score=fused.score,
        band=fused.band,
        coverage=fused.coverage,
        contributions=fused.contributions,
        uncertainty=uncertainty(report.signals, weighing),
        notes=(*(note for note in report.notes if note not in gone), *notes_on(weighing)),
        advice=(),  # it was measured with the other weights
        provenance=replace(report.provenance, fusion="prior" if weighing is None else weighing.way),
    )


def weight_moves(report: Report) -> dict[str, tuple[float, float]]:
    """The score with each weighed signal's weight at 0 and at double: name → (at 0, at double)."""
    return sensitivity(report.signals, {c.signal: c.weight for c in report.contributions})
