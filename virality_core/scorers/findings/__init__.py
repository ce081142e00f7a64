"""What is technically wrong with a reel, where, and by which threshold (config/faults.toml).

`diagnose` reads only what was decoded and measured anyway, so findings don't depend on a quality model.
"""

from __future__ import annotations

from collections.abc import Sequence

from virality_core.scorers.findings import format_faults, still_faults, temporal_faults
from virality_core.types import Finding, Plan, Post, Reel, Signal

#: What `diagnose` needs decoded, with the signals of `LookScorer` and `PacingScorer`.
PLAN = Plan(stills=16, runs=True)


def diagnose(reel: Reel, post: Post, signals: Sequence[Signal]) -> tuple[Finding, ...]:
    """Every finding, by start time.

    Args:
        reel: opened with at least `PLAN`; what it lacks is not checked.
        post: its platform decides which bit rate and size are asked for.
        signals: of which sharpness, noise, brightness and steadiness are read, where present.
    """
    known = {signal.name: signal for signal in signals}
    found = [
        *still_faults.find(reel, known),
        *format_faults.find(reel, post.platform),
        *temporal_faults.find(reel, known.get("steadiness")),
    ]
    return tuple(sorted(found, key=lambda finding: (finding.start_seconds, finding.kind)))
