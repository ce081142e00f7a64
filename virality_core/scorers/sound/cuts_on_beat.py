"""Whether the cuts fall on the beat: from the timelines of the pace and tempo signals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from virality_core.scorers.base import rated
from virality_core.types import Details, Signal, Skipped, Timeline

NAME = "cut_to_beat"
SOUND_FIRST, PICTURE_FIRST = 0.045, 0.125  # seconds between sound and picture that go unnoticed (ITU-R BT.1359-1, 1998)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutToBeatDetails(Details):
    """`cuts` and how many of them are `on_beat`; `by_chance` is the % that cuts at random times would reach."""

    cuts: int
    on_beat: int
    by_chance: float


def align(signals: Sequence[Signal], skipped: Sequence[Skipped]) -> Signal | Skipped:
    """The share of cuts that are close enough to a beat to be perceived as on it.

    Args:
        signals: of which `pace` (its timeline has the start of each shot) and `tempo` (the beats) are read.
        skipped: to say why one of them is missing.
    """
    timelines = {signal.name: signal.timeline for signal in signals}
    for name, what in (("pace", "cuts"), ("tempo", "beat")):
        if timelines.get(name) is None:
            reason = next((skip.reason for skip in skipped if skip.name == name), "It was not looked for.")
            return Skipped(name=NAME, reason=f"There is no {what} to compare with. {reason}")
    shots, beats = timelines["pace"], timelines["tempo"]
    assert shots is not None
    assert beats is not None
    cuts = shots.seconds[1:]
    if not len(cuts):
        return Skipped(name=NAME, reason="The reel has no cut that could fall on a beat.")
    if len(beats.seconds) < 2:
        return Skipped(name=NAME, reason="The sound has fewer than two beats.")
    distance = beats.seconds[None, :] - cuts[:, None]  # (cuts, beats); a beat after its cut is positive
    nearest = distance[np.arange(len(cuts)), np.abs(distance).argmin(axis=1)]
    on_beat = ((distance >= -SOUND_FIRST) & (distance <= PICTURE_FIRST)).any(axis=1)
    period = float(np.median(np.diff(beats.seconds)))
    return rated(
        NAME,
        100.0 * float(on_beat.mean()),
        unit="% of the cuts",
        native_range=(0.0, 100.0),
        timeline=Timeline(seconds=cuts, values=nearest),
        details=CutToBeatDetails(
            cuts=len(cuts),
            on_beat=int(on_beat.sum()),
            by_chance=100.0 * min(1.0, (SOUND_FIRST + PICTURE_FIRST) / period),
        ),
    )
