"""Why, not only how much: what is technically wrong with a reel, where, and by which threshold.

`diagnose` reads what was decoded and measured anyway, so findings stand even where no quality model can be had. Each
kind has its threshold and the reason for it beside it, in the file that finds it.
"""

from __future__ import annotations

from collections.abc import Sequence

from virality_core.scorers.findings import bit_rate, format_faults, still_faults, temporal_faults
from virality_core.types import Finding, Plan, Post, Reel, Signal

#: What `diagnose` needs decoded, with the signals of `LookScorer` and `PacingScorer`.
PLAN = Plan(stills=16, runs=True)


def diagnose(reel: Reel, post: Post, signals: Sequence[Signal]) -> tuple[Finding, ...]:
    """Every finding, by the time it begins.

    Args:
        reel: opened with at least `PLAN`; what is missing in it is not looked for.
        post: its platform decides what bit rate, size and shape are asked for.
        signals: finished ones; sharpness, noise, brightness and steadiness are read where they are there.
    """
    known = {signal.name: signal for signal in signals}
    found = [
        *still_faults.find(reel, known),
        *format_faults.find(reel, post.platform),
        *temporal_faults.find(reel, known.get("steadiness")),
        *bit_rate.find(reel, post.platform),
    ]
    return tuple(sorted(found, key=lambda finding: (finding.start_seconds, finding.kind)))
