"""What may be known of a post, what may not, and the numbers read from it."""

from __future__ import annotations

import math
from datetime import datetime

import numpy as np
import pytest

from virality_core.errors import UsageError
from virality_core.forecast.features import GROUPS, NAMES, POST_ONLY, Facts, facts_from, matrix, words


@pytest.mark.parametrize("column", [*sorted(POST_ONLY), "views", "digg_count", "user_friend_count"])
def test_what_is_known_only_after_posting_is_refused(column: str) -> None:
    with pytest.raises(UsageError, match=f"`{column}`"):
        facts_from({"caption": "fine", column: 1})


def test_no_feature_is_named_after_an_outcome_or_a_date() -> None:
    assert not set(NAMES) & POST_ONLY
    assert not [name for name in NAMES if any(word in name for word in ("like", "heart", "digg", "suggest", "year"))]


def test_only_hour_and_weekday_of_a_time_are_kept() -> None:
    this, later = (facts_from({}, datetime(year, 3, day, 18, 30)) for year, day in ((2022, 7), (2025, 3)))
    assert this == later  # both a Monday
    assert (this.hour, this.weekday) == (18.5, 0)


def test_odd_values_count_as_not_known() -> None:
    odd = facts_from({"followers": "1.2M", "duration_s": None, "width": -3, "music_uses": float("nan"), "hashtags": 7})
    assert (odd.followers, odd.duration_seconds, odd.width, odd.music_uses) == (None,) * 4
    row = matrix([odd, Facts()])
    assert row.shape == (2, len(NAMES))
    assert math.isnan(row[0, NAMES.index("followers")])


def test_both_schemas_become_the_same_facts() -> None:
    smp = facts_from({"post_content": "Gold,fyp", "user_follower_count": 9, "video_duration": 5, "music_title": "x"})
    ours = facts_from(
        {"caption": "Gold fyp", "hashtags": ["Gold", "fyp"], "followers": 9, "duration_s": 5.0, "music_title": "x"}
    )
    assert smp == ours


def test_features_are_of_one_group_each() -> None:
    assert len(set(NAMES)) == len(NAMES) == sum(map(len, GROUPS.values()))


def test_followers_of_a_trillion_and_of_none_are_finite() -> None:
    row = matrix([facts_from({"followers": count, "videos": 0, "following": 0}) for count in (0, 10**12)])
    assert np.isfinite(row[:, : len(GROUPS["account"])]).all()


def test_words_are_hashtags_and_words_once() -> None:
    assert words(facts_from({"caption": "Look look #Gold"})) == ("#gold", "look", "gold")
