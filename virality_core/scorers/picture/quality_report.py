"""A video's technical quality without a post: how good it is, what is wrong with it and where. For the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from virality_core.media import open_reel
from virality_core.scorers.findings import PLAN, diagnose
from virality_core.scorers.picture.look import LookScorer
from virality_core.scorers.picture.pacing import PacingScorer
from virality_core.scorers.picture.quality import QualityScorer
from virality_core.types import Finding, Platform, Post, Profile, Progress, Signal, Skipped, no_progress


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QualityReading:
    """The quality signal of one video, or why there is none, and the findings."""

    quality: Signal | Skipped
    findings: tuple[Finding, ...]


class QualityReader:
    """Rates videos: holds the quality network, and no video."""

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
        progress: Progress = no_progress,
    ) -> QualityReading:
        """Rate one file.

        Args:
            path: the video.
            platform: where it will be posted, which decides what bit rate and size are asked for.
            every_frame: rate all frames at native size, as VSFA was published, instead of stills.
            progress: called with (stage, fraction); may raise Cancelled.

        Raises:
            InputError: it can't be read.
        """
        post = Post(platform=platform)
        reel = open_reel(path, self._quality.plan | self._look.plan | PLAN, progress=progress)
        measured = [*self._look.score(reel, post, progress), *self._pacing.score(reel, post, progress)]
        findings = diagnose(reel, post, [answer for answer in measured if isinstance(answer, Signal)])
        if every_frame:
            return QualityReading(quality=self._quality.score_every_frame(path, progress), findings=findings)
        (quality,) = self._quality.score(reel, post, progress)
        return QualityReading(quality=quality, findings=findings)
