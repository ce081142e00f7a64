"""A better cover: the frame rated best for looks, where it is clearly ahead of the first frame.

No signal of the score rates a cover, so this advice has no points and comes last.
"""

from __future__ import annotations

from virality_core.config import signals
from virality_core.types import Advice, Report

MIN_GAIN = 10.0  # percentiles of the population of photos; frames of one shot differ by less


def better_cover(report: Report) -> Advice | None:
    """The frame rated best for looks, or None if it isn't clearly better than the first."""
    looks = report.signal("aesthetics")
    best = getattr(looks.details, "cover_value", None) if looks is not None else None
    if looks is None or best is None or looks.timeline is None:
        return None
    first = float(looks.timeline.values[looks.timeline.seconds.argmin()])
    ranks = [signals.rate("aesthetics", mark).percentile for mark in (first, best)]
    if ranks[0] is None or ranks[1] is None or ranks[1] - ranks[0] < MIN_GAIN:
        return None
    at = min(max(0.0, float(getattr(looks.details, "cover_seconds", 0.0))), report.provenance.video.duration_seconds)
    text = (
        f"A better cover: the frame at {int(at // 60)}:{at % 60:04.1f} is rated {best:.1f} of 10 for looks, the "
        f"first frame {first:.1f}. This adds no points, because the score doesn't rate covers."
    )
    score = report.score
    return Advice(id="cover-1", kind="cover", start=at, end=at, text=text, points=0.0, before=score, after=score)
