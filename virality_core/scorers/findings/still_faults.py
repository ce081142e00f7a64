"""Faults of single pictures: blur, noise, blocking, too dark, clipped, interlaced."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from virality_core.config.faults import fault
from virality_core.scorers.measures import artifacts
from virality_core.scorers.measures.exposure_and_color import clipped_shares
from virality_core.scorers.measures.intervals import findings_over_time
from virality_core.scorers.measures.letterbox import picture_box, to_common_size
from virality_core.types import Finding, Reel, Signal, Timeline


def find(reel: Reel, signals: Mapping[str, Signal]) -> list[Finding]:
    """The findings in the stills. Blur, noise and darkness are read from the signals of `LookScorer`."""
    timelines = {
        name: signals[signal].timeline
        for signal, name in (("sharpness", "blur"), ("noise", "noise"), ("brightness", "dark"))
        if signal in signals
    }
    found: list[Finding] = []
    for name, timeline in (timelines | measure(reel)).items():
        if timeline is not None:
            found += findings_over_time(fault(name), timeline, reel.info.duration_seconds)
    return found


def measure(reel: Reel) -> dict[str, Timeline]:
    """What `LookScorer` does not measure, by fault: of each still, without black bars.

    Stills of very large reels are scaled down and show neither coding grid nor fields.
    """
    frames = reel.frames
    if len(frames) == 0:
        return {}
    box = picture_box(frames.rgb)
    rows = []
    for still in frames.rgb:
        shadows, highlights = clipped_shares(to_common_size(np.ascontiguousarray(box.cut(still))))
        luma = artifacts.center_luma(still, box)
        blocking = artifacts.blocking(luma)
        rows.append((highlights, shadows, np.nan if blocking is None else blocking, artifacts.combing(luma)))
    columns = zip(("blown_out", "crushed", "blocking", "interlaced"), np.array(rows, np.float64).T, strict=True)
    return {
        name: Timeline(seconds=frames.seconds[np.isfinite(values)], values=values[np.isfinite(values)])
        for name, values in columns
    }
