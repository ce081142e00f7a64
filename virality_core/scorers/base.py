"""What every scorer is: what it needs decoded, and the signals it makes of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from virality_core.config.signals import rate
from virality_core.types import Details, ModelInfo, Plan, Post, Progress, Reel, Signal, Skipped, Timeline

NO_FRAME = "The reel has no frame that could be read."


class Scorer(ABC):
    """Answers each of `names` with a Signal or a Skipped, from one reel and its post.

    A scorer holds its model and nothing else: the same input gives the same answer, whatever it scored before.
    """

    stage: ClassVar[str]  # its id in progress reports and timings
    names: ClassVar[tuple[str, ...]]
    plan: ClassVar[Plan] = Plan()

    @abstractmethod
    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Signal | Skipped]:
        """One Signal or Skipped for each of `names`. `progress` may raise Cancelled; let it through."""

    def skip_all(self, reason: str) -> list[Signal | Skipped]:
        """Every signal skipped for the same reason."""
        return [Skipped(name=name, reason=reason) for name in self.names]


def rated(
    name: str,
    value: float,
    *,
    unit: str,
    native_range: tuple[float, float],
    timeline: Timeline | None = None,
    model: ModelInfo | None = None,
    details: Details | None = None,
    variant: str | None = None,
) -> Signal:
    """The signal of a value in `native_range`, with the desirability that config/signals.toml gives it.

    Args:
        variant: as for `config.signals.rate`. The others are as in `Signal`.
    """
    rating = rate(name, value, variant=variant)
    return Signal(
        name=name,
        value=value,
        unit=unit,
        native_range=native_range,
        desirability=rating.desirability,
        percentile=rating.percentile,
        reference=rating.reference,
        timeline=timeline,
        model=model,
        details=details,
    )
