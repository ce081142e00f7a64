"""Cuts against beats: on them, off them, and why there is nothing to compare."""

from __future__ import annotations

import numpy as np
import pytest

from virality_core.scorers.sound.cuts_on_beat import CutToBeatDetails, align
from virality_core.types import Signal, Skipped, Timeline


def _made(name: str, seconds: list[float]) -> Signal:
    return Signal(
        name=name,
        value=1.0,
        unit="made",
        native_range=(0.0, 1.0),
        desirability=50.0,
        reference="a test",
        timeline=Timeline(seconds=np.array(seconds), values=np.ones(len(seconds))),
    )


BEATS = [0.5 * number for number in range(20)]


@pytest.mark.parametrize(
    ("cuts", "share"),
    [([2.0, 4.0, 6.5], 100.0), ([2.0, 4.25], 50.0), ([2.22, 4.24], 0.0), ([1.9, 2.04], 100.0), ([2.05], 0.0)],
)
def test_share_of_cuts_on_a_beat(cuts: list[float], share: float) -> None:
    found = align([_made("pace", [0.0, *cuts]), _made("tempo", BEATS)], [])
    assert isinstance(found, Signal)
    assert found.value == pytest.approx(share)
    assert isinstance(found.details, CutToBeatDetails)
    assert found.details.by_chance == pytest.approx(34.0)


def test_what_is_missing_is_said_with_its_reason() -> None:
    reason = "The reel has no sound."
    found = align([_made("pace", [0.0, 2.0])], [Skipped(name="tempo", reason=reason)])
    assert isinstance(found, Skipped)
    assert reason in found.reason
    assert isinstance(align([_made("pace", [0.0]), _made("tempo", BEATS)], []), Skipped)
    assert isinstance(align([_made("pace", [0.0, 2.0]), _made("tempo", [1.0])], []), Skipped)
