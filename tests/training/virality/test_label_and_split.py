"""Parts by author and by time, and the label that is fitted on the training part alone."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from virality_core.errors import InputError, UsageError
from virality_core.training.virality.label import WEIGHTS, checked_weights, fit, has_score, score
from virality_core.training.virality.split import by_group, by_time, groups, ties_of

START = datetime(2024, 1, 1, tzinfo=UTC)


def test_ties_join_what_they_touch() -> None:
    assert groups(5, [(0, 1), (3, 1), *ties_of(["", "", "a", "", "a"])]) == [0, 0, 2, 0, 2]


def test_no_author_is_in_two_parts_and_no_part_is_empty() -> None:
    chance = np.random.default_rng(0)
    for count in (3, 4, 10, 60):
        names = [f"a{one}" for one in chance.integers(0, count, 300)] + [f"a{one}" for one in range(count)]
        group = groups(len(names), ties_of(names))
        parts = by_group(group, names, seed=1)
        seen = {name: {part for other, part in zip(names, parts, strict=True) if other == name} for name in names}
        assert all(len(some) == 1 for some in seen.values())
        assert set(parts) == {"train", "val", "test"}
        assert by_group(group, names, seed=1) == parts
    assert parts.count("train") == pytest.approx(0.7 * len(parts), rel=0.1)


def test_a_huge_account_does_not_end_in_a_small_part() -> None:
    names = ["huge"] * 50 + [f"a{one}" for one in range(50)]
    parts = by_group(groups(100, ties_of(names)), names, seed=3)
    assert parts[0] == "train"


def test_two_accounts_can_not_be_parted_by_author() -> None:
    with pytest.raises(InputError, match="--split time"):
        by_group([0, 0, 2], ["a", "a", "b"], seed=0)


def test_by_time_the_newest_test_and_copies_stay_together() -> None:
    times = [START + timedelta(days=one) for one in range(20)]
    group = groups(20, [(0, 19)])
    parts = by_time(times, group, ["x"] * 20)
    assert parts[:13] == ["train"] * 13
    assert parts[18] == "test"
    assert parts[19] == "train", "the copy goes with the oldest"
    with pytest.raises(InputError, match="1 posts have no time"):
        by_time([None, *times[1:]], group, ["x"] * 20)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_by_time_no_part_is_empty(count: int) -> None:
    with pytest.raises(InputError, match=rf"{count} posts .* leave no (train|val|test) videos"):
        by_time([START + timedelta(days=one) for one in range(count)], list(range(count)), ["x"] * count)


def _counts(likes: int | None, plays: int | None = None, shares: int | None = None) -> dict[str, int | None]:
    return {"likes": likes, "plays": plays, "shares": shares, "comments": None}


def test_the_score_is_the_weighted_mean_of_scaled_logs() -> None:
    weights = checked_weights(WEIGHTS)
    posts = [_counts(0, 10, 5), _counts(99, 1000, 5), _counts(10**6, 10**9, 5)]
    label, scores = fit(posts, [True, True, False], weights, 0.5)
    assert label.ranges["likes"] == (0.0, math.log1p(99))
    assert scores == pytest.approx([0.0, 1.0, 1.0]), "beyond the training part's range it stays at its end"
    assert label.threshold == pytest.approx(0.5)
    likes = math.log1p(9) / math.log1p(99)
    assert score(_counts(9, 1000), weights, label.ranges) == pytest.approx((0.4 * likes + 0.3) / 0.7)


def test_a_missing_count_is_not_zero() -> None:
    weights = checked_weights(WEIGHTS)
    label, _ = fit([_counts(0, 10), _counts(99, 1000)], [True, True], weights, 0.5)
    assert score(_counts(99, None), weights, label.ranges) == pytest.approx(1.0)
    assert score(_counts(99, 0), weights, label.ranges) < 0.6
    assert has_score({"likes": 1, "plays": None, "shares": None, "comments": 1}, weights)
    assert not has_score({"likes": 1, "plays": None, "shares": None, "comments": None}, weights)


def test_settings_that_make_no_sense() -> None:
    for weights in (
        {"likes": -1.0},
        {"saves": 1.0},
        {"likes": 0.0},
        {"likes": math.nan},
        {"likes": 1e308, "plays": 1e308},
    ):
        with pytest.raises(UsageError):
            checked_weights(weights)
    with pytest.raises(UsageError, match="quantile"):
        fit([_counts(1)], [True], checked_weights(WEIGHTS), 1.0)
    with pytest.raises(InputError, match="all the same"):
        fit([_counts(1, 1), _counts(1, 1)], [True, True], checked_weights(WEIGHTS), 0.5)
