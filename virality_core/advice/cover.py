"""A better cover: the still that looks best beside the first frame, by the network that rates looks.

No signal of the score measures a cover, so this advice carries no points and stands behind all that does. How much a
cover brings is not known here either.
"""

from __future__ import annotations

import numpy as np

from virality_core import reference
from virality_core.types import Advice, Report

WORTH_SAYING = 10.0  # percentiles of the population of photos: frames of one shot differ by less


def better_cover(report: Report) -> Advice | None:
    """The frame with the highest mark for looks; None where it isn't clearly above the first."""
    hook, whole = report.signal("hook"), report.signal("aesthetics")
    if hook is None or whole is None or hook.timeline is None or whole.timeline is None:
        return None
    seconds = np.concatenate([hook.timeline.seconds, whole.timeline.seconds])
    marks = np.concatenate([hook.timeline.values, whole.timeline.values])
    first, best = int(seconds.argmin()), int(marks.argmax())
    ranks = [reference.rate("aesthetics", float(marks[place])).percentile for place in (first, best)]
    if ranks[0] is None or ranks[1] is None or ranks[1] - ranks[0] < WORTH_SAYING:
        return None
    at = float(np.clip(seconds[best], 0.0, report.provenance.video.duration_seconds))
    text = (
        f"Better cover: the frame at {int(at // 60)}:{at % 60:04.1f} is rated {marks[best]:.1f} of 10 for looks, the "
        f"first frame {marks[first]:.1f}. It carries no points: the score measures no cover."
    )
    score = report.score
    return Advice(kind="cover", start=at, end=at, text=text, points=0.0, before=score, after=score)
