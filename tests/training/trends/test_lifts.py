"""Lifts: shrunk when rare, kept when common, measured beside account size, silent about authors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.training.made_posts import made_posts
from virality_core.errors import InputError
from virality_core.training.trends.lifts import (
    collection_lifts,
    collections_of,
    engagement,
    lifts_of,
    mean_lift,
    table_of,
)
from virality_core.training.trends.validation import answering, check, population


def lifts_with(means: list[float], authors: list[int], *, noise: float, seed: int = 0) -> dict[str, object]:
    generator = np.random.default_rng(seed)
    tags, residuals = [], []
    for number, (mean, count) in enumerate(zip(means, authors, strict=True)):
        tags += [(f"tag{number}",)] * count
        residuals += list(mean + noise * generator.standard_normal(count))
    return dict(lifts_of(tags, np.asarray(residuals), np.arange(len(tags)), min_authors=5).tags)


def test_rare_tags_are_pulled_to_zero_more_than_common_ones() -> None:
    lifts = lifts_with([0.5, 0.5, -0.5, -0.5, 0.4, -0.4], [6, 600, 6, 600, 60, 60], noise=1.0)
    kept = {name: lift.lift / lift.mean for name, lift in lifts.items()}  # type: ignore[attr-defined]
    assert kept["tag0"] < 0.75 < 0.95 < kept["tag1"]
    assert kept["tag0"] == pytest.approx(kept["tag2"])
    for lift in lifts.values():
        assert abs(lift.lift) < abs(lift.mean)  # type: ignore[attr-defined]


def test_the_shrinkage_is_the_stated_formula() -> None:
    tags = [("a",)] * 6 + [("b",)] * 6
    units = np.asarray([0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    residuals = np.asarray([1.0, 1.4, 0.8, 1.2, 0.9, 1.1, -1.0, -1.2, -0.7, -1.3, -0.9, -0.6])
    lifts = lifts_of(tags, residuals, units, min_authors=5)
    sums = np.asarray([2.4, 0.8, 1.2, 0.9, 1.1])
    counts = np.asarray([2.0, 1, 1, 1, 1])
    mean_a, mean_b = sums.sum() / 6, residuals[6:].mean()
    crowd_a, crowd_b = (counts**2).sum() / 36, 1 / 6
    own_a = ((sums - mean_a * counts) ** 2).sum() / 36 * 5 / 4 / crowd_a
    own_b = ((residuals[6:] - mean_b) ** 2).sum() / 36 * 6 / 5 / crowd_b
    sigma = (5 * own_a + 6 * own_b) / 11
    variances = sigma * np.asarray([crowd_a, crowd_b])
    tau = max(0.0, (mean_a**2 / variances[0] + mean_b**2 / variances[1] - 2) / (1 / variances).sum())
    assert lifts.sigma_squared == pytest.approx(sigma)
    assert lifts.tau_squared == pytest.approx(tau)
    assert lifts.tags["a"].lift == pytest.approx(mean_a * tau / (tau + variances[0]))
    assert lifts.tags["a"].deviation == pytest.approx(np.sqrt(variances[0] * tau / (tau + variances[0])))


def test_without_differences_between_tags_every_lift_is_nearly_nothing() -> None:
    lifts = lifts_with([0.0] * 200, [8] * 200, noise=1.0)
    assert np.mean([abs(lift.lift) for lift in lifts.values()]) < 0.1  # type: ignore[attr-defined]
    assert np.mean([abs(lift.mean) for lift in lifts.values()]) > 0.2  # type: ignore[attr-defined]


def test_intervals_hold_the_planted_lift_as_often_as_they_say() -> None:
    generator = np.random.default_rng(9)
    truths = list(0.4 * generator.standard_normal(300))
    lifts = lifts_with(truths, [int(n) for n in generator.integers(5, 80, 300)], noise=1.0)
    inside = [
        abs(lift.lift - truths[int(name.removeprefix("tag"))]) < 1.96 * lift.deviation  # type: ignore[attr-defined]
        for name, lift in lifts.items()
    ]
    assert 0.90 <= np.mean(inside) <= 0.99


def test_one_busy_author_does_not_make_a_tag_sure() -> None:
    tags = [("busy",)] * 104 + [("many",)] * 104
    units = np.concatenate([np.zeros(100), np.arange(1, 5), np.arange(10, 114)]).astype(np.int64)
    residuals = np.concatenate([np.full(104, 0.8), np.full(104, 0.8)])
    residuals[100:104] = [-0.5, 0.5, 1.0, 0.2]
    residuals[104:] += np.random.default_rng(1).standard_normal(104)
    lifts = lifts_of(tags, residuals, units, min_authors=5).tags
    assert lifts["busy"].deviation > 2.0 * lifts["many"].deviation


def test_tags_of_few_authors_are_left_out() -> None:
    tags = [("four",)] * 40 + [("five",)] * 5
    units = np.asarray([n % 4 for n in range(40)] + [10, 11, 12, 13, 14])
    lifts = lifts_of(tags, np.linspace(-1.0, 1.0, 45), units, min_authors=5)
    assert set(lifts.tags) == {"five"}


def test_planted_lifts_are_found_beside_account_size() -> None:
    (collection,) = collections_of(made_posts(tags={"up": 0.6, "down": -0.6, "still": 0.0}))
    tags = collection_lifts(collection).tags
    # One post in five has each tag, so a post with "up" has "down" as well one time in five: 0.6 − 0.2 · 0.6.
    for name, truth in {"up": 0.48, "down": -0.48, "still": 0.0}.items():
        assert tags[name].lift == pytest.approx(truth, abs=3.0 * tags[name].deviation)
        assert tags[name].deviation < 0.06


def test_residuals_leave_the_authors_own_posts_out() -> None:
    posts = made_posts(400, authors=40)
    (collection,) = collections_of(posts)
    changed = [replace(p, likes=p.likes * 1000.0) if p.author == "author 3" else p for p in posts]
    (other,) = collections_of(changed)
    moved = np.asarray([engagement(b) - engagement(a) for a, b in zip(posts, changed, strict=True)])
    own = moved > 0.0
    assert own.any()
    # what is predicted for the author's posts does not know them, so their residuals move by the whole change
    assert np.allclose((other.residuals - collection.residuals)[own], moved[own], atol=1e-9)


def test_without_followers_tags_are_counted_and_not_judged() -> None:
    posts = [replace(post, followers=None) for post in made_posts(600, tags={"a": 0.9})]
    table = table_of(collections_of(posts))
    assert table["collections"]["made-up"]["followers_known"] is False
    count, authors, lift, deviation, _ = table["tags"]["a"]["made-up"]
    assert count >= authors >= 5
    assert lift is None
    assert deviation is None
    assert answering(check(collections_of(posts), min_authors=5)) == []


def test_no_author_and_no_caption_is_in_the_table() -> None:
    text = repr(table_of(collections_of(made_posts(600, tags={"a": 0.1}))))
    assert "author " not in text
    assert "the dog" not in text


def test_a_single_author_can_use_the_table_too() -> None:
    posts = made_posts(300, authors=1, tags={"a": 0.8, "b": -0.8})
    tags = collection_lifts(collections_of(posts)[0]).tags
    assert tags["a"].lift > 0.3
    assert tags["b"].lift < -0.3


def test_a_tag_without_lift_is_no_value() -> None:
    (collection,) = collections_of(made_posts(600, tags={"a": 0.5}))
    lifts = collection_lifts(collection).tags
    assert mean_lift(("never",), lifts) is None
    assert mean_lift((), lifts) is None
    assert mean_lift(("never", "a"), lifts) == lifts["a"].lift


def test_no_common_tag_is_said_in_words() -> None:
    with pytest.raises(InputError, match="--min-authors"):
        table_of(collections_of(made_posts(50)))


def test_the_check_tells_signal_from_noise() -> None:
    real = collections_of(made_posts(1500, tags={f"t{n}": 0.8 * (-1) ** n for n in range(8)}))
    figures = check(real, min_authors=5)
    assert answering(figures) == ["made-up"]
    assert figures["same_collection"]["made-up"]["spearman"] > 0.3  # type: ignore[index]
    assert len(population(real, ["made-up"], min_authors=5)["quantiles"]) == 99  # type: ignore[arg-type]
    noise = collections_of(made_posts(1500, tags={f"t{n}": 0.0 for n in range(8)}))
    assert answering(check(noise, min_authors=5)) == []
    with pytest.raises(InputError, match="no population"):
        population(noise, [], min_authors=5)


def test_lifts_are_checked_on_other_collections() -> None:
    planted = {f"t{n}": 0.8 * (-1) ** n for n in range(8)}
    opposite = {name: -effect for name, effect in planted.items()}
    posts = made_posts(1500, tags=planted, collection="here") + made_posts(
        1500, tags=opposite, collection="there", seed=4
    )
    other = check(collections_of(posts), min_authors=5)["other_collection"]
    assert other["here → there"]["spearman"] < -0.3  # type: ignore[index]


@pytest.mark.filterwarnings("error")
def test_posts_without_a_like_are_judged_without_a_warning() -> None:
    posts = [replace(post, likes=0.0) for post in made_posts(600, tags={"up": 0.5, "down": -0.5})]
    figures = check(collections_of(posts), min_authors=5)
    assert all(one["squared_error_saved"] is None for one in figures["same_collection"].values())
