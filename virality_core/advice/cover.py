"""A better cover: the still that looks best beside the first frame, by the network that rates looks.

No signal of the score measures a cover, so this advice carries no points and stands behind all that does. How much a
cover brings is not known here either.
"""

from __future__ import annotations

from virality_core.config import signals
from virality_core.types import Advice, Report

WORTH_SAYING = 10.0  # percentiles of the population of photos: frames of one shot differ by less


def better_cover(report: Report) -> Advice | None:
    """The frame with the highest mark for looks; None where it isn't clearly above the first."""
    whole = report.signal("aesthetics")
    best = getattr(whole.details, "cover_value", None) if whole is not None else None
    if whole is None or best is None or whole.timeline is None:
        return None
    first = float(whole.timeline.values[whole.timeline.seconds.argmin()])
    ranks = [signals.rate("aesthetics", mark).percentile for mark in (first, best)]
    if ranks[0] is None or ranks[1] is None or ranks[1] - ranks[0] < WORTH_SAYING:
        return None
    at = min(max(0.0, float(getattr(whole.details, "cover_seconds", 0.0))), report.provenance.video.duration_seconds)
    text = (
        f"Better cover: the frame at {int(at // 60)}:{at % 60:04.1f} is rated {best:.1f} of 10 for looks, the "
        f"first frame {first:.1f}. It carries no points: the score measures no cover."
    )
    score = report.score
    return Advice(kind="cover", start=at, end=at, text=text, points=0.0, before=score, after=score)
