"""How good the frames look as photographs (NIMA), over the whole reel and in its first three seconds apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from virality_core.errors import InputError
from virality_core.media.image import read_image
from virality_core.models import device as devices
from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.vision import nima
from virality_core.scorers.base import Scorer, rated
from virality_core.scorers.measures.letterbox import WHOLE, picture_box
from virality_core.types import (
    HOOK_SECONDS,
    Details,
    FrameBatch,
    Plan,
    Post,
    Profile,
    Progress,
    Reel,
    Signal,
    Skipped,
    Timeline,
)

NATIVE_RANGE = (1.0, float(nima.MARKS))
UNIT = "NIMA mark, 1–10"
COVER_RULE = "the sampled frame that is rated highest for looks; the earliest where several are"

_BATCH = 8  # pictures a pass: 25 MB for the widest feature map; more is no faster on two cores


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Marks:
    """What NIMA says of N pictures: `mean` (N,) 1–10, `spread` (N,), `distribution` (N, 10) over the marks 1 … 10."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    distribution: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameDetails(Details):
    """Details of `hook`, and the common part of `aesthetics`' details."""

    spread: float  # standard deviation of the mean distribution, in marks: how much raters would disagree
    distribution: NDArray[np.float64]  # (10,) mean over the frames
    frame_spread: NDArray[np.float64]  # (T,) at the timeline's seconds
    frame_distribution: NDArray[np.float64]  # (T, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class AestheticsDetails(FrameDetails):
    """Details of `aesthetics`: the frames' marks and which frame would make the best cover."""

    cover_seconds: float
    cover_value: float  # the cover frame's mean mark, 1–10
    cover_rule: str


class AestheticsScorer(Scorer):
    """NIMA on sampled stills. Signals: `aesthetics` (mean over the reel) and `hook` (mean over the first 3 s).

    Black bars are left out where they can be told (`picture_box`), as in every other measure of the picture: the
    photographs that NIMA learned from and is compared with have none, and it takes them for a film's and marks higher.
    """

    names: ClassVar[tuple[str, ...]] = ("aesthetics", "hook")
    plan: ClassVar[Plan] = Plan(stills=16, hook_stills=6)

    def __init__(self, *, profile: Profile = "auto", device: torch.device | None = None) -> None:
        """Load the weights. Raises WeightsError where the profile can't have them."""
        files = weights.resolve_component("aesthetics", profile)
        self.model = files.model_info()
        self._device = device or devices.choose()
        self._network = nima.build(load_tensors(files.path)).to(self._device)

    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Signal | Skipped]:  # noqa: ARG002
        """Mark the reel's stills and its hook; see `Scorer.score`."""
        seconds, pictures, still_rows, hook_rows = _distinct(reel)
        marks = self.mark(pictures, progress)
        best = int(np.argmax(marks.mean))
        whole = _details(marks, still_rows)
        details = AestheticsDetails(
            spread=whole.spread,
            distribution=whole.distribution,
            frame_spread=whole.frame_spread,
            frame_distribution=whole.frame_distribution,
            cover_seconds=float(seconds[best]),
            cover_value=float(marks.mean[best]),
            cover_rule=COVER_RULE,
        )
        answers: list[Signal | Skipped] = [self._signal("aesthetics", reel.frames, marks.mean[still_rows], details)]
        if reel.hook is None or not len(hook_rows):
            reason = f"No frame of the first {HOOK_SECONDS:.0f} seconds could be decoded."
            answers.append(Skipped(name="hook", reason=reason))
        else:
            answers.append(self._signal("hook", reel.hook, marks.mean[hook_rows], _details(marks, hook_rows)))
        return answers

    def mark(self, pictures: NDArray[np.uint8], progress: Progress) -> Marks:
        """NIMA's marks for squashed pictures uint8 (N, 224, 224, 3)."""
        distributions = []
        for start in range(0, len(pictures), _BATCH):
            progress("aesthetics", start / len(pictures))
            with devices.inference(self._device):
                pixels = nima.to_input(pictures[start : start + _BATCH]).to(self._device)
                distributions.append(self._network(pixels).double().cpu().numpy())
        progress("aesthetics", 1.0)
        distribution = np.concatenate(distributions)
        mean, spread = nima.mean_and_spread(distribution)
        return Marks(mean=mean, spread=spread, distribution=distribution)

    def _signal(self, name: str, frames: FrameBatch, means: NDArray[np.float64], details: Details) -> Signal:
        return rated(
            name,
            float(np.clip(means.mean(), *NATIVE_RANGE)),
            unit=UNIT,
            native_range=NATIVE_RANGE,
            timeline=Timeline(seconds=frames.seconds, values=means),
            model=self.model,
            details=details,
        )


def score_images(paths: Iterable[Path], scorer: AestheticsScorer) -> Iterator[tuple[Path, Marks | InputError]]:
    """NIMA's marks for picture files, in their order: `Marks` of one picture each, or why that file can't be read."""
    waiting = iter(paths)
    while group := list(islice(waiting, _BATCH)):
        read: list[NDArray[np.uint8] | InputError] = [_read(path) for path in group]
        pictures = [picture for picture in read if not isinstance(picture, InputError)]
        marks = scorer.mark(np.stack(pictures), _silent) if pictures else None
        row = 0
        for path, picture in zip(group, read, strict=True):
            if isinstance(picture, InputError):
                yield path, picture
                continue
            assert marks is not None
            one = slice(row, row + 1)
            yield path, Marks(mean=marks.mean[one], spread=marks.spread[one], distribution=marks.distribution[one])
            row += 1


def _read(path: Path) -> NDArray[np.uint8] | InputError:
    try:
        return nima.squash(read_image(path))
    except InputError as error:
        return error


def _distinct(
    reel: Reel,
) -> tuple[NDArray[np.float64], NDArray[np.uint8], NDArray[np.intp], NDArray[np.intp]]:
    """Each sampled frame once, by time: seconds (N,), squashed pictures, and the rows of the stills and of the hook.

    The first still is as a rule the first hook frame too: no need to mark it twice.
    """
    batches = [reel.frames] if reel.hook is None else [reel.frames, reel.hook]
    seconds = np.concatenate([batch.seconds for batch in batches])
    box = picture_box(reel.frames.rgb) if len(reel.frames) else WHOLE
    pictures = np.concatenate([nima.squash(box.cut_all(batch.rgb)) for batch in batches])
    distinct, first, rows = np.unique(seconds, return_index=True, return_inverse=True)
    stills = len(reel.frames)
    return distinct, pictures[first], rows[:stills], rows[stills:]


def _details(marks: Marks, rows: NDArray[np.intp]) -> FrameDetails:
    distribution = marks.distribution[rows].mean(axis=0)
    _, spread = nima.mean_and_spread(distribution[None])
    return FrameDetails(
        spread=float(spread[0]),
        distribution=distribution,
        frame_spread=marks.spread[rows],
        frame_distribution=marks.distribution[rows],
    )


def _silent(stage: str, fraction: float) -> None:
    """Progress nobody watches."""
