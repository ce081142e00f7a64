"""How good the frames look as photographs (NIMA), over the whole reel and in its first three seconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from virality_core.errors import InputError
from virality_core.media.image import read_image
from virality_core.models import device as devices
from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.vision import nima
from virality_core.scorers.base import Answer, Scorer, rated
from virality_core.scorers.measures.letterbox import WHOLE, picture_box
from virality_core.types import Details, Plan, Post, Profile, Progress, Reel, Signal, Skipped, Timeline, no_progress

NATIVE_RANGE = (1.0, float(nima.MARKS))
COVER_RULE = "the sampled frame that is rated highest for looks; the earliest where several are"

_BATCH = 8  # pictures per pass: 25 MB for the widest feature map; more is no faster on two cores


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ratings:
    """NIMA's ratings of N pictures: `mean` (N,) 1–10, `spread` (N,), `distribution` (N, 10) over 1 … 10."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    distribution: NDArray[np.float64]

    def __getitem__(self, rows: NDArray[np.intp] | slice) -> Ratings:
        return Ratings(mean=self.mean[rows], spread=self.spread[rows], distribution=self.distribution[rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameDetails(Details):
    """Details of `hook`, and the common part of `aesthetics`' details."""

    spread: float  # standard deviation of the mean distribution: how much raters would disagree
    distribution: NDArray[np.float64]  # (10,) mean over the frames
    frame_spread: NDArray[np.float64]  # (T,) at the timeline's seconds
    frame_distribution: NDArray[np.float64]  # (T, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class AestheticsDetails(FrameDetails):
    """Details of `aesthetics`: the frames' ratings and which frame would make the best cover."""

    cover_seconds: float
    cover_value: float  # the cover frame's mean rating, 1–10
    cover_rule: str


class AestheticsScorer(Scorer):
    """NIMA on sampled stills. Signals: `aesthetics` (mean over the reel) and `hook` (mean over the first 3 s).

    Black bars are left out (`picture_box`): the photographs that NIMA learned from and is compared with have none, and
    it takes them for a movie's and rates higher.
    """

    stage = "aesthetics"
    names: ClassVar[tuple[str, ...]] = ("aesthetics", "hook")
    plan: ClassVar[Plan] = Plan(stills=16, hook_stills=6)

    def __init__(self, *, profile: Profile = "auto", device: torch.device | None = None) -> None:
        """Load the weights. Raises WeightsError where the profile can't have them."""
        files = weights.resolve_component("aesthetics", profile)
        self.model = files.model_info()
        self._device = device or devices.choose()
        self._network = nima.build(load_tensors(files.path)).to(self._device)

    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Answer]:  # noqa: ARG002
        """Rate the reel's stills and its hook; see `Scorer.score`."""
        seconds, pictures, still_rows, hook_rows = _distinct(reel)
        ratings = self.rate(pictures, progress)
        best = int(np.argmax(ratings.mean))
        cover = AestheticsDetails(
            **_details(ratings[still_rows]),
            cover_seconds=float(seconds[best]),
            cover_value=float(ratings.mean[best]),
            cover_rule=COVER_RULE,
        )
        whole = self._signal("aesthetics", reel.frames.seconds, ratings[still_rows], cover)
        if reel.hook is None or not len(hook_rows):
            return [whole, Skipped(name="hook", reason="No frame of the first 3 seconds could be decoded.")]
        hook = ratings[hook_rows]
        return [whole, self._signal("hook", reel.hook.seconds, hook, FrameDetails(**_details(hook)))]

    def rate(self, pictures: NDArray[np.uint8], progress: Progress) -> Ratings:
        """NIMA's ratings of squashed pictures uint8 (N, 224, 224, 3)."""
        distributions = []
        for start in range(0, len(pictures), _BATCH):
            progress(self.stage, start / len(pictures))
            with devices.inference(self._device):
                pixels = nima.to_input(pictures[start : start + _BATCH]).to(self._device)
                distributions.append(self._network(pixels).double().cpu().numpy())
        progress(self.stage, 1.0)
        distribution = np.concatenate(distributions)
        mean, spread = nima.mean_and_spread(distribution)
        return Ratings(mean=mean, spread=spread, distribution=distribution)

    def _signal(self, name: str, seconds: NDArray[np.float64], ratings: Ratings, details: Details) -> Signal:
        return rated(
            name,
            float(np.clip(ratings.mean.mean(), *NATIVE_RANGE)),
            unit="NIMA rating, 1–10",
            native_range=NATIVE_RANGE,
            timeline=Timeline(seconds=seconds, values=ratings.mean),
            model=self.model,
            details=details,
        )


def score_images(paths: Iterable[Path], scorer: AestheticsScorer) -> Iterator[tuple[Path, Ratings | InputError]]:
    """NIMA's ratings of picture files, in their order: `Ratings` of one picture each, or why it can't be read."""
    waiting = iter(paths)
    while group := list(islice(waiting, _BATCH)):
        pictures = [_read(path) for path in group]
        readable = [picture for picture in pictures if not isinstance(picture, InputError)]
        ratings = scorer.rate(np.stack(readable), no_progress) if readable else None
        row = 0
        for path, picture in zip(group, pictures, strict=True):
            if isinstance(picture, InputError):
                yield path, picture
                continue
            assert ratings is not None
            yield path, ratings[row : row + 1]
            row += 1


def _read(path: Path) -> NDArray[np.uint8] | InputError:
    try:
        return nima.squash(read_image(path))
    except InputError as error:
        return error


def _distinct(reel: Reel) -> tuple[NDArray[np.float64], NDArray[np.uint8], NDArray[np.intp], NDArray[np.intp]]:
    """Each sampled frame once, by time: seconds (N,), squashed pictures, and the rows of the stills and of the hook.

    The first still is usually the first hook frame too: no need to rate it twice.
    """
    batches = [reel.frames] if reel.hook is None else [reel.frames, reel.hook]
    seconds = np.concatenate([batch.seconds for batch in batches])
    box = picture_box(reel.frames.rgb) if len(reel.frames) else WHOLE
    pictures = np.concatenate([nima.squash(box.cut_all(batch.rgb)) for batch in batches])
    distinct, first, rows = np.unique(seconds, return_index=True, return_inverse=True)
    stills = len(reel.frames)
    return distinct, pictures[first], rows[:stills], rows[stills:]


def _details(ratings: Ratings) -> dict[str, Any]:
    """The fields of `FrameDetails`."""
    distribution = ratings.distribution.mean(axis=0)
    _, spread = nima.mean_and_spread(distribution[None])
    return {
        "spread": float(spread[0]),
        "distribution": distribution,
        "frame_spread": ratings.spread,
        "frame_distribution": ratings.distribution,
    }
