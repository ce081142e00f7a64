"""Tries changes within a time budget and ranks those that raise the score."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from virality_core.advice.change import Change
from virality_core.types import Advice, Progress, no_progress

BUDGET_SECONDS = 60.0
MIN_POINTS = 0.5  # less is no reason to change a reel


def advise(
    before: float,
    changes: Sequence[Change],
    rescore: Callable[[Change], float],
    *,
    budget_seconds: float = BUDGET_SECONDS,
    progress: Progress = no_progress,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Advice, ...]:
    """Score each change in the order given until the budget is spent.

    Args:
        before: The score of the reel as it is.
        changes: Most promising first.
        rescore: Returns the reel's score 0–100 with a change made; may raise Cancelled.
        budget_seconds: No change is started after this.

    Returns:
        The best change of each kind that gains MIN_POINTS or more, most points first.
    """
    start = clock()
    best: dict[str, Advice] = {}
    for number, change in enumerate(changes):
        if clock() - start >= budget_seconds:
            break
        progress(f"trying: {change.kind.replace('_', ' ')}", number / len(changes))
        after = rescore(change)
        points = after - before
        if points < MIN_POINTS or (change.kind in best and points <= best[change.kind].points):
            continue
        best[change.kind] = Advice(
            id=change.id,
            kind=change.kind,
            start=change.start,
            end=change.end,
            text=change.text,
            points=points,
            before=before,
            after=after,
        )
    progress("trying", 1.0)
    return tuple(sorted(best.values(), key=lambda advice: -advice.points))
