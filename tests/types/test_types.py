from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import pytest

from virality_core.errors import UsageError
from virality_core.types import FrameBatch, Plan, Post, Signal, Timeline, to_plain


def test_plans_unite_to_what_both_need() -> None:
    united = Plan(stills=16, runs=True) | Plan(stills=8, audio_rate=16000, exact=True)
    assert united == Plan(stills=16, runs=True, audio_rate=16000, exact=True)


def test_a_frame_batch_names_the_shape_it_got() -> None:
    with pytest.raises(ValueError, match=r"float32 \(2, 4, 4, 3\)"):
        FrameBatch(rgb=np.zeros((2, 4, 4, 3), np.float32), seconds=np.zeros(2))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"\(2,\)"):
        FrameBatch(rgb=np.zeros((2, 4, 4, 3), np.uint8), seconds=np.zeros(3))


@pytest.mark.parametrize("followers", [-1, 10**12])
def test_followers_no_account_can_have_are_refused(followers: int) -> None:
    with pytest.raises(UsageError, match=str(followers)):
        Post(followers=followers)


@pytest.mark.parametrize(
    "field",
    [
        {"followers": "3k"},
        {"followers": 3.5},
        {"videos": True},
        {"caption": b"bytes"},
        {"caption": None},
        {"music": 3},
        {"platform": ["tiktok"]},
        {"posted_at": "2026-11-22"},
        {"music_original": "yes"},
    ],
)
def test_a_field_of_the_wrong_type_is_one_sentence(field: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"must be .*, not .*\.$"):
        Post(**field)  # type: ignore[arg-type]


@pytest.mark.parametrize("when", ["0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"])
def test_a_time_that_no_calendar_has_in_utc_is_refused(when: str) -> None:
    with pytest.raises(UsageError, match="outside the years"):
        Post(posted_at=datetime.fromisoformat(when))


def test_an_unknown_platform_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="'vine'"):
        Post(platform="vine")  # type: ignore[arg-type]


@pytest.mark.parametrize(("value", "desirability"), [(float("nan"), 50.0), (11.0, 50.0), (5.0, 101.0)])
def test_a_signal_out_of_its_range_is_refused(value: float, desirability: float) -> None:
    with pytest.raises(ValueError, match="aesthetics"):
        Signal(
            name="aesthetics",
            value=value,
            unit="NIMA mean",
            native_range=(1.0, 10.0),
            desirability=desirability,
            reference="nobody",
        )


def test_plain_values_are_json() -> None:
    timeline = Timeline(seconds=np.array([0.0, 1.0]), values=np.array([2.0, 3.0]))
    plain = to_plain({"timeline": timeline, "count": np.int64(3), "pair": (1, None, "\ud800")})
    assert json.loads(json.dumps(plain)) == {
        "timeline": {"seconds": [0.0, 1.0], "values": [2.0, 3.0]},
        "count": 3,
        "pair": [1, None, "\ud800"],
    }
    with pytest.raises(ValueError, match="nan"):
        to_plain(float("nan"))
    with pytest.raises(TypeError, match="object"):
        to_plain(object())
