"""A video judged technically, without a post: its quality, what is wrong with it and where. For the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from virality_core.media import open_reel
from virality_core.scorers.findings import PLAN, diagnose
from virality_core.scorers.picture.look import LookScorer
from virality_core.scorers.picture.pacing import PacingScorer
from virality_core.scorers.picture.quality import QualityScorer
from virality_core.types import Finding, Platform, Post, Profile, Progress, Signal, Skipped

__all__ = ["QualityDesk", "QualityReading"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QualityReading:
    """What was found in one video: the quality signal, or why there is none; and the findings, in any case."""

    quality: Signal | Skipped
    findings: tuple[Finding, ...]


class QualityDesk:
    """Judges videos: holds the quality network, and no video."""

    def __init__(self, *, profile: Profile = "auto") -> None:
        """Load the weights. Raises WeightsError as `QualityScorer` does."""
        self._quality = QualityScorer(profile=profile)
        self._look = LookScorer()
        self._pacing = PacingScorer()

    def read(
        self,
        path: Path,
        platform: Platform | None = None,
        *,
        every_frame: bool = False,
        progress: Progress | None = None,
    ) -> QualityReading:
        """Judge one file.

        Args:
            path: the video.
            platform: where it will be posted: what bit rate and size are asked for.
            every_frame: judge by all frames at native size, as VSFA was published, instead of by stills.
            progress: called with (stage, fraction); may raise Cancelled.

        Raises:
            InputError: it can't be read.
        """
        report, post = progress or _silent, Post(platform=platform)
        reel = open_reel(path, self._quality.plan | self._look.plan | PLAN, progress=report)
        measured = [*self._look.score(reel, post, report), *self._pacing.score(reel, post, report)]
        findings = diagnose(reel, post, [answer for answer in measured if isinstance(answer, Signal)])
        if every_frame:
            return QualityReading(quality=self._quality.score_every_frame(path, report), findings=findings)
        (quality,) = self._quality.score(reel, post, report)
        return QualityReading(quality=quality, findings=findings)


def _silent(stage: str, fraction: float) -> None:
    """Progress nobody watches."""
