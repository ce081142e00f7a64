"""Tries changes within a time budget, keeps those that the score confirms, most points first."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from virality_core.advice.change import Change
from virality_core.types import Advice, Progress

BUDGET_SECONDS = 60.0  # of trying; what doesn't fit is not tried
WORTH_SAYING = 0.5  # points: less is no reason to change a reel

#: `rescore(change)`: the whole score 0–100 of the reel with the change made
Rescore = Callable[[Change], float]


def advise(
    before: float,
    changes: Sequence[Change],
    rescore: Rescore,
    *,
    budget_seconds: float = BUDGET_SECONDS,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Advice, ...]:
    """Score each change for real, in the order given, until the budget is spent.

    Args:
        before: the score as it is.
        changes: most promising first.
        rescore: see `Rescore`; may raise Cancelled, which is let through.
        budget_seconds: no change is begun after so long.

    Returns:
        The changes that win WORTH_SAYING points or more, the best of each kind, most points first.
    """
    begun = clock()
    best: dict[str, Advice] = {}
    for number, change in enumerate(changes):
        if clock() - begun >= budget_seconds:
            break
        if progress is not None:
            progress(f"trying: {change.kind.replace('_', ' ')}", number / len(changes))
        after = rescore(change)
        points = after - before
        known = best.get(change.kind)
        if points >= WORTH_SAYING and (known is None or points > known.points):
            best[change.kind] = Advice(
                kind=change.kind,
                start=change.start,
                end=change.end,
                text=change.text,
                points=points,
                before=before,
                after=after,
            )
    if progress is not None:
        progress("trying", 1.0)
    return tuple(sorted(best.values(), key=lambda advice: -advice.points))
