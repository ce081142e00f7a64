"""The statistics against their definitions and against planted truths."""

from __future__ import annotations

import numpy as np
import pytest

from virality_core.training.statistics import (
    folds,
    least_squares,
    normal_quantile,
    numbers,
    ranks,
    size_basis,
    size_knots,
    spearman,
    spearman_interval,
)


def test_clustered_errors_cover_as_often_as_they_say() -> None:
    generator = np.random.default_rng(3)
    covered = plain_covered = 0
    for _ in range(200):
        clusters = np.repeat(np.arange(60), 5)
        x = np.repeat(generator.standard_normal(60), 5)  # the same within an author, as a habit is
        y = 0.5 * x + np.repeat(generator.standard_normal(60), 5) + 0.3 * generator.standard_normal(300)
        design = np.stack([np.ones(300), x], axis=1)
        fit = least_squares(design, y, clusters)
        covered += abs(fit.coefficients[1] - 0.5) < 1.96 * fit.errors[1]
        alone = least_squares(design, y, np.arange(300))
        plain_covered += abs(alone.coefficients[1] - 0.5) < 1.96 * alone.errors[1]
    assert 180 <= covered <= 199
    assert plain_covered < 160  # forgetting the authors is what the clustering is against


def test_a_column_that_others_make_up_does_no_harm() -> None:
    x = np.linspace(0.0, 1.0, 50)
    fit = least_squares(np.stack([np.ones(50), x, 2.0 * x], axis=1), 1.0 + 5.0 * x, np.arange(50))
    assert fit.r_squared == pytest.approx(1.0)


def test_the_size_curve_is_linear_in_the_tails() -> None:
    followers = np.expm1(np.linspace(0.0, 16.0, 400))
    knots = size_knots(followers)
    assert len(knots) == 4
    basis = size_basis(np.expm1(np.asarray([17.0, 18.0, 19.0])), knots)
    assert np.allclose(np.diff(basis, 2, axis=0), 0.0, atol=1e-6)
    assert np.abs(np.diff(size_basis(np.expm1(np.asarray([5.0, 7.0, 9.0])), knots), 2, axis=0)).max() > 0.01
    assert size_basis(np.full(5, 900.0), size_knots(np.full(5, 900.0))).shape == (5, 2)


def test_spearman() -> None:
    one = np.asarray([1.0, 2.0, 2.0, 9.0])
    assert ranks(one).tolist() == [1.0, 2.5, 2.5, 4.0]
    assert spearman(one, one**3) == pytest.approx(1.0)
    assert spearman(one, -one) == pytest.approx(-1.0)
    assert spearman(one, np.ones(4)) is None
    # Five pairs worked by hand: d² = 0, 1, 1, 1, 1 → 1 − 6 · 4 / 120
    assert spearman(np.asarray([1.0, 2, 3, 4, 5]), np.asarray([10.0, 30, 20, 50, 40])) == pytest.approx(0.8)


def test_the_bootstrap_draws_authors_not_posts() -> None:
    generator = np.random.default_rng(5)
    authors = np.repeat(np.arange(30), 40)
    x = np.repeat(generator.standard_normal(30), 40)
    y = np.repeat(generator.standard_normal(30), 40)
    low, high = spearman_interval(x, y, authors, draws=200)
    narrow_low, narrow_high = spearman_interval(x, y, np.arange(1200), draws=200)
    assert high - low > 3.0 * (narrow_high - narrow_low)
    assert (low, high) == spearman_interval(x, y, authors, draws=200)


def test_folds_follow_the_name_alone() -> None:
    names = ["ann", "ben", "ann", "\ud800"]
    places = folds(names, 10)
    assert places[0] == places[2]
    assert places.tolist() == folds(names, 10).tolist()
    assert len(set(folds([f"author {n}" for n in range(500)], 10).tolist())) == 10
    assert numbers(names).max() == 2


def test_intervals_widen_with_the_number_of_tests() -> None:
    assert normal_quantile() == pytest.approx(1.959964, abs=1e-6)
    assert normal_quantile(12) == pytest.approx(2.865, abs=1e-3)
