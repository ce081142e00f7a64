"""Plain words: what a value says, which way is better, what to do; the exact value stays what it was."""

from __future__ import annotations

import math

import numpy as np
import pytest

from virality_core.config import signals
from virality_core.report import wording
from virality_core.types import Signal, Timeline


def signal(name: str, value: float, unit: str = "unit", timeline: Timeline | None = None) -> Signal:
    rating = signals.rate(name, value)
    return Signal(
        name=name,
        value=value,
        unit=unit,
        native_range=(-1000.0, 100_000.0),
        desirability=rating.desirability,
        percentile=rating.percentile,
        reference=rating.reference,
        timeline=timeline,
    )


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00.0"), (3.26, "0:03.3"), (59.96, "1:00.0"), (754.5, "12:34.5")])
def test_clock(seconds: float, shown: str) -> None:
    assert wording.clock(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (0.0236, "0.0236"),
        (5.524, "5.52"),
        (76.9, "76.9"),
        (120.4, "120"),
        (1.2e-5, "0.000012"),
        (8.64e4, "86,400"),
    ],
)
def test_number(value: float, shown: str) -> None:
    assert wording.number(value) == shown


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("steadiness", 0.33, "the picture shakes by 0.33 % of its height; full points up to 0.06 %"),
        ("steadiness", 0.004, "no shake was found"),
        ("motion", 0.139, "the picture moves by 14 % of its height per second"),
        ("motion", 0.5, "the picture moves by 50 % of its height per second; full points from 3 to 19 %"),
        ("pace", 9.0, "a new shot every 9 s on average; full points from 2 to 4 s"),
        ("noise", 0.0, "no grain was found"),
        ("noise", 5.4, "grain of 2.1 % of full brightness; full points up to 0.53 %"),
        ("brightness", 20.0, "average lightness 20, where 0 is black and 100 white; full points from 39 to 55"),
    ],
)
def test_sentences(name: str, value: float, said: str) -> None:
    assert wording.sentence(signal(name, value)) == said


def test_a_percentile_is_said_with_its_population() -> None:
    assert wording.describe(signal("sharpness", 128.0)) == "sharper than 99 % of 250 everyday web photos"
    assert wording.describe(signal("sharpness", 0.0)) == "softer than 99 % of 250 everyday web photos"


@pytest.mark.parametrize(
    ("share", "said"), [(1.16, "16 % more"), (0.92, "8 % fewer"), (1.0, "no more"), (0.5, "50 % fewer")]
)
def test_logarithms_are_said_as_shares(share: float, said: str) -> None:
    assert f"had {said} likes, comments and shares than" in wording.describe(signal("hashtags", math.log(share)))


@pytest.mark.parametrize(
    ("name", "value", "clause"),
    [
        ("brightness", 20.0, "film brighter"),
        ("brightness", 80.0, "film darker"),
        ("brightness", 47.0, ""),
        ("pace", 20.0, "cut more often"),
        ("pace", 0.4, "let shots run longer"),
        ("steadiness", 1.0, "steady the camera"),
        ("noise", 9.0, "film with more light"),
        ("motion", 0.0, "let something move"),
        ("motion", 1.0, "move the camera more slowly"),
        ("hashtags", -0.3, ""),  # changing a tag moves nothing by itself
    ],
)
def test_what_to_do_points_the_right_way(name: str, value: float, clause: str) -> None:
    found = wording.tip(signal(name, value))
    assert found.startswith(clause)
    assert bool(found) == bool(clause)


def test_marks_of_frames_lead_to_the_weakest() -> None:
    line = Timeline(seconds=np.array([0.0, 1.5, 3.0]), values=np.array([5.0, 4.0, 6.0]))
    assert wording.tip(signal("aesthetics", 5.0, timeline=line)) == "look at its weakest frame, at 0:01.5"


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("sharpness", "higher is better"),
        ("steadiness", "lower is better, full points up to 0.06 %"),
        ("pace", "best from 2 to 4 s"),
        ("motion", "best from 3 to 19 %"),
    ],
)
def test_which_way_is_better(name: str, way: str) -> None:
    assert wording.better(name) == way


def test_a_signal_without_words_says_its_exact_value() -> None:
    plain = Signal(name="novel", value=2.5, unit="{odd} unit", native_range=(0, 5), desirability=50, reference="a test")
    assert wording.describe(plain) == "2.50 (odd) unit"
    assert wording.title("novel") == "Novel"
    assert not wording.has_share("novel")


@pytest.mark.parametrize("name", list(signals.table()["signals"]))
def test_every_text_can_be_filled_in(name: str) -> None:
    for value in (-0.5, 0.0, 0.07, 3.0, 60.0, 250.0):
        said = wording.sentence(signal(name, value))
        assert "{" not in said
        assert "  " not in said


def test_collections_are_named_in_words() -> None:
    assert signals.collections_named("posts (tiktok-vn-2025)") == "posts (TikTok posts from Vietnam, 2025)"
    assert signals.collection_language("tiktok-vn-2025") == "vi"
    assert signals.collection_language("mine") is None


def test_bands_say_what_the_score_is() -> None:
    for band in signals.table()["bands"]:
        assert "than most" not in band["meaning"]
        assert "not in the picture" not in band["meaning"]
