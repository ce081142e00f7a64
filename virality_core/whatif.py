"""What a finished report would say with something else in it: another population of posts, other weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from virality_core.engagement import predict as engagement
from virality_core.fusion import sensitivity
from virality_core.types import Report


def populations() -> Mapping[str, str]:
    """The collections of posts that engagement can be predicted for, with their titles. Raises WeightsError."""
    return engagement.collections()


def with_population(report: Report, collection: str) -> Report:
    """The report with its engagement predicted for another collection of posts. Raises UsageError, WeightsError."""
    ran = report.provenance
    return replace(report, engagement=engagement.predict(ran.post, ran.video, collection))


def weight_moves(report: Report) -> dict[str, tuple[float, float]]:
    """The score with each weighed signal's weight at 0 and at double: name → (at 0, at double)."""
    return sensitivity(report.signals, {c.signal: c.weight for c in report.contributions})
