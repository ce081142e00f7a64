"""What every scorer is: what it needs decoded, and the signals it makes of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from virality_core.config.signals import rate
from virality_core.types import Plan, Post, Progress, Reel, Signal, Skipped

Answer = Signal | Skipped
NO_FRAME = "The reel has no frame that could be read."


class Scorer(ABC):
    """Answers each of `names` from one reel and its post.

    A scorer holds its model and nothing else: the same input gives the same answer, whatever it scored before.
    """

    stage: ClassVar[str]  # its id in progress reports and timings
    names: ClassVar[tuple[str, ...]]
    plan: ClassVar[Plan] = Plan()

    @abstractmethod
    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Answer]:
        """One Signal or Skipped for each of `names`. `progress` may raise Cancelled; let it through."""

    def skip_all(self, reason: str) -> list[Answer]:
        """Every signal skipped for the same reason."""
        return [Skipped(name=name, reason=reason) for name in self.names]


class PostScorer(Scorer):
    """Answers one signal from the post alone."""

    @abstractmethod
    def read(self, post: Post) -> Answer:
        """The signal, or why there is none."""

    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Answer]:  # noqa: ARG002
        """See `read`."""
        return (self.read(post),)


def rated(name: str, value: float, *, variant: str | None = None, **fields: Any) -> Signal:
    """The signal of a value in its native range, with the desirability that config/signals.toml gives it.

    Args:
        variant: as for `config.signals.rate`. fields: the other fields of `Signal`.
    """
    rating = rate(name, value, variant=variant)
    return Signal(
        name=name,
        value=value,
        desirability=rating.desirability,
        percentile=rating.percentile,
        reference=rating.reference,
        **fields,
    )
