"""The keyword fit finds what was planted, gives nothing to what was not, and never sees what comes after posting."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recipes.keywords.fit import HASHTAGS, Sample, fit_effects, main, out_of_sample, samples_of, strength
from tests.training.made_posts import made_posts
from virality_core.scorers.caption.keyword_effects import load_fits
from virality_core.scorers.caption.keywords import FEATURES
from virality_core.training.datasets.posts import OUTCOMES
from virality_core.training.statistics import numbers


@pytest.fixture(scope="module")
def planted() -> Sample:
    (sample,) = samples_of(made_posts(2400, question=0.5, tags={"a": 0.0}))
    return sample


def test_a_planted_effect_is_found_and_nothing_else(planted: Sample) -> None:
    assert (planted.language, planted.sized, planted.aged) == ("en", True, True)
    effects = fit_effects(planted)
    assert effects["question"].low < 0.5 < effects["question"].high
    assert effects["question"].counts
    assert not any(effect.counts for name, effect in effects.items() if name != "question")


def test_forgetting_account_size_would_be_wrong() -> None:
    posts = made_posts(1500, question=0.0)
    (sample,) = samples_of(posts)
    assert not fit_effects(sample)["question"].counts
    (blind,) = samples_of([replace(post, followers=None) for post in posts])
    assert not blind.sized
    assert fit_effects(blind)["question"].low > 0.3


def made_null(sample: Sample, seed: int) -> Sample:
    """The same captions with engagement that knows nothing of them, only of the author."""
    generator = np.random.default_rng(seed)
    authors = numbers(sample.authors)
    outcome = generator.standard_normal(authors.max() + 1)[authors] + generator.standard_normal(len(authors))
    return replace(sample, outcomes={"engagement": outcome})


def test_null_features_count_no_more_often_than_the_correction_allows(planted: Sample) -> None:
    alarms = [any(e.counts for e in fit_effects(made_null(planted, seed)).values()) for seed in range(60)]
    assert sum(alarms) <= 8  # 5 % of 60 is 3; nine or more has a chance of 0.3 %


def test_a_rule_that_fired_for_a_handful_of_authors_never_counts(planted: Sample) -> None:
    rare = np.zeros((len(planted.authors), 1))
    rare[:3] = 1.0
    sample = replace(planted, names=(*planted.names, "urgency"), features=np.hstack([planted.features, rare]))
    alarms = [fit_effects(made_null(sample, seed))["urgency"] for seed in range(20)]
    assert any(alarm.low > 0.0 or alarm.high < 0.0 for alarm in alarms)
    assert not any(alarm.counts for alarm in alarms)
    assert alarms[0].carriers <= 3


def test_the_strength_ranks_authors_it_has_not_seen(planted: Sample) -> None:
    figures = out_of_sample(planted)
    assert figures["interval"][0] > 0.05  # type: ignore[index]
    assert figures["folds_that_chose"] == {"question": 10}
    null = made_null(planted, 1)
    assert out_of_sample(null)["spearman"] == 0.0
    assert not strength(null, fit_effects(null)).any()


def test_what_is_known_only_after_posting_never_enters() -> None:
    posts = made_posts(1500, question=0.3)
    (sample,) = samples_of(posts)
    assert set(sample.names) <= {*FEATURES, HASHTAGS}
    assert not set(sample.names) & {*OUTCOMES, "plays", "saves", "music_uses"}
    shaken = [replace(post, likes=post.likes * 7.0 + 3.0, comments=5.0, shares=9.0) for post in posts]
    (other,) = samples_of(shaken)
    assert np.array_equal(sample.features, other.features)
    assert np.array_equal(sample.controls, other.controls)


def test_a_column_the_caller_brings_is_fitted_beside_the_rest() -> None:
    posts = made_posts(1500)
    mood = np.asarray([float(post.likes > 500.0) for post in posts])
    (sample,) = samples_of(posts, {"sentiment": mood})
    assert sample.names[-1] == "sentiment"
    assert fit_effects(sample)["sentiment"].counts


def test_small_samples_are_left_out() -> None:
    assert samples_of(made_posts(900)) == ()


def test_the_command_writes_what_the_scorer_reads_and_the_same_each_time(tmp_path: Path) -> None:
    data = tmp_path / "posts.jsonl"
    rows = [
        {
            "user": post.author,
            "caption": post.caption,
            "hashtags": list(post.hashtags),
            "followers": post.followers,
            "likes": post.likes,
            "plays": post.likes * 30.0,
        }
        for post in made_posts(1500, question=0.5)
    ]
    data.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    written = []
    for turn in ("one", "two"):
        out, metrics = tmp_path / f"{turn}.json", tmp_path / f"{turn}-metrics.json"
        assert main(["--data", str(data), "--out", str(out), "--metrics", str(metrics)]) == 0
        written.append((out.read_bytes(), metrics.read_bytes()))
    assert written[0] == written[1]
    (fit,) = load_fits(tmp_path / "one.json")
    assert fit.counting == ("question",)
    assert fit.beside_account_size
    assert "plays" not in written[0][0].decode()


def test_too_few_posts_are_said_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "posts.jsonl"
    data.write_text('{"user": "a", "likes": 1, "caption": "the dog is in the house"}\n', encoding="utf-8")
    assert main(["--data", str(data), "--out", str(tmp_path / "out.json")]) == 3
    assert capsys.readouterr().err.strip() == "posts.jsonl has fewer than 1000 captions in any language with rules."
    assert not (tmp_path / "out.json").exists()
