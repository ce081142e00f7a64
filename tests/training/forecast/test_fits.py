"""The fits: arrays predict what LightGBM predicts, leaks don't help, intervals cover, words are found."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import SHARED
from tests.training.forecast.made_outcomes import made_posts
from virality_core.errors import InputError
from virality_core.forecast.features import as_read, facts_from
from virality_core.forecast.model import EngagementModel
from virality_core.models.language.minilm import embed_captions
from virality_core.training.datasets.posts import PostOutcome, read_outcomes
from virality_core.training.evaluation.forecast import predictions, rows
from virality_core.training.forecast.fit import FEW_AUTHORS, Recipe, boost, to_arrays
from virality_core.training.forecast.train import fit_all, is_test, model_bytes
from virality_core.training.forecast.validation import coverage, own_posts
from virality_core.training.statistics import spearman

lightgbm = pytest.importorskip("lightgbm", reason="lightgbm, which training needs, is not installed")

QUICK = Recipe(trees=60, rate=0.08, spread_trees=20)


@pytest.fixture(scope="module")
def posts() -> list[PostOutcome]:
    return made_posts(1600)


@pytest.fixture(scope="module")
def model(posts: list[PostOutcome]) -> EngagementModel:
    tensors, stated = fit_all([post for post in posts if not is_test(post)], QUICK)
    return EngagementModel(tensors, json.loads(json.dumps(stated)))


def test_arrays_predict_what_the_library_predicts() -> None:
    chance = np.random.default_rng(0)
    features = chance.normal(size=(500, 4))
    features[chance.random(features.shape) < 0.2] = np.nan
    target = np.nan_to_num(features[:, 0]) + np.isnan(features[:, 1])
    booster = lightgbm.train({"verbose": -1, "num_threads": 1, "num_leaves": 9}, lightgbm.Dataset(features, target), 30)
    arrays = to_arrays(booster.dump_model())
    fresh = np.vstack([features, np.full(4, np.nan), np.zeros(4)])
    assert arrays.predict(fresh) == pytest.approx(booster.predict(fresh), abs=1e-9)


def test_a_fit_that_could_not_split_is_the_mean() -> None:
    trees = boost(np.zeros((40, 2)), np.full(40, 3.0), QUICK)
    assert trees.predict(np.ones((3, 2))) == pytest.approx([3.0] * 3)


def test_coverage_is_drawn_again_where_authors_are_few() -> None:
    few = made_posts(800, per_author=8)
    drawn = coverage(few, QUICK, 3, lambda _: None)
    assert {row["target"] for row in drawn} == {"likes", "plays"}
    for row in drawn:
        assert 0.0 < row["least"] <= row["mean"] <= row["greatest"] <= 1.0
        assert row["mean"] == pytest.approx(0.8, abs=0.08)
    assert coverage(made_posts(FEW_AUTHORS, per_author=1), QUICK, 3, lambda _: None) == []


def test_it_beats_followers_and_covers_on_unseen_authors(model: EngagementModel, posts: list[PostOutcome]) -> None:
    test = [post for post in posts if is_test(post)]
    assert not {post.author for post in test} & {post.author for post in posts if not is_test(post)}
    table = {(row["collection"], row["target"], row["baseline"]): row for row in rows(predictions(model, test))}
    for target in ("likes", "plays"):
        ours, followers, constant = (table["made", target, name] for name in (None, "followers", "constant"))
        assert ours["spearman"] > followers["spearman"] + 0.1
        assert ours["mae_ln"] < followers["mae_ln"] < constant["mae_ln"]
        assert 0.70 < ours["coverage80"] < 0.90  # 200 posts: three standard errors are 0.085
        assert ours["width80"] < followers["width80"]
        assert constant["spearman"] is None
        assert table["all", target, None] == {**ours, "collection": "all"}
    assert len(model_bytes({"a": np.zeros(2)})) > 0


def permuted(posts: Sequence[PostOutcome]) -> list[PostOutcome]:
    """The posts with what they got exchanged within deciles of followers: account size alone still says something."""
    size = np.array([post.facts.followers or 0.0 for post in posts])
    tenth = np.searchsorted(np.quantile(size, np.arange(1, 10) / 10), size)
    chance, mixed = np.random.default_rng(1), np.arange(len(posts))
    for group in range(10):
        places = np.flatnonzero(tenth == group)
        mixed[places] = chance.permutation(places)
    return [replace(post, targets=posts[other].targets) for post, other in zip(posts, mixed, strict=True)]


def ranks(posts: Sequence[PostOutcome]) -> list[tuple[float, float]]:
    """Spearman of the model and of followers alone on unseen authors, for each target."""
    tensors, stated = fit_all([post for post in posts if not is_test(post)], QUICK)
    found = predictions(EngagementModel(tensors, stated), [post for post in posts if is_test(post)])
    return [
        (
            spearman(predicted.by[""].median, predicted.truth) or 0.0,
            spearman(predicted.by["followers"].median, predicted.truth) or 0.0,
        )
        for predicted in found.values()
    ]


def test_targets_permuted_within_deciles_of_followers_do_not_beat_followers(posts: list[PostOutcome]) -> None:
    for ours, followers in ranks(permuted(posts)):
        assert ours < followers + 0.03


def test_nor_do_they_on_real_posts() -> None:
    data = SHARED / "data" / "smp_video" / "train.jsonl"
    if not data.is_file():
        pytest.skip("the shared posts are not there")
    real = read_outcomes(data)
    ((ours, followers),) = ranks(permuted(real))
    assert ours < followers + 0.03


def test_without_followers_the_interval_is_wider(model: EngagementModel) -> None:
    known = [facts_from({"caption": "made", "followers": count, "duration_s": 20}) for count in (500, 8_000, 90_000)]
    unknown = facts_from({"caption": "made", "duration_s": 20})
    wide = model.predict("made", "likes", as_read([unknown], embed_captions))
    sized = model.predict("made", "likes", as_read(known, embed_captions))
    assert float(wide.high[0] - wide.low[0]) > float((sized.high - sized.low).max())


def test_low_median_high_are_in_order_whatever_is_not_known(model: EngagementModel) -> None:
    odd = [facts_from({}), facts_from({"followers": 10**12}), facts_from({"followers": 0, "caption": "#" * 5000})]
    for target in ("likes", "plays"):
        found = model.predict("made", target, as_read(odd, embed_captions))
        assert (found.low <= found.median).all()
        assert (found.median <= found.high).all()
        assert np.isfinite(found.high).all()


def test_the_same_fit_twice_is_the_same() -> None:
    few = made_posts(400)
    first, second = (model_bytes(fit_all(few, QUICK)[0]) for _ in range(2))
    assert first == second


def test_training_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(Exception, match="needs lightgbm"):
        boost(np.zeros((40, 2)), np.zeros(40), QUICK)


def test_own_history_helps_where_creators_have_levels_of_their_own() -> None:
    def drawn(spread: float) -> list[PostOutcome]:
        level = dict(enumerate(np.random.default_rng(7).normal(0.0, spread, 8)))
        return [
            replace(post, targets={"likes": (1.0 + post.targets["likes"]) * float(np.exp(level[place // 40]))})
            for place, post in enumerate(made_posts(320, per_author=40))
        ]

    (levels,), (none,) = (own_posts(drawn(spread), "likes", (40,)) for spread in (2.0, 0.0))
    assert levels["authors"] == 8
    assert levels["own"] < 0.9 * levels["general"]
    assert levels["difference_interval"][1] < 0.0
    assert none["own"] < 1.2 * none["general"]
    with pytest.raises(InputError, match="40 posts"):
        own_posts(made_posts(60), "likes")


@pytest.mark.parametrize("others", [0, 1])
def test_one_author_alone_can_not_be_compared(others: int) -> None:
    with pytest.raises(InputError, match="other authors"):
        own_posts(made_posts(60 + others, per_author=60), "likes")
