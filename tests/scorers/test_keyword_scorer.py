"""The keywords signal: weight only for effects that are there, a reason in words where it can't answer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from virality_core.errors import WeightsError
from virality_core.scorers.caption.keyword_effects import KeywordScorer, fit_for, load_fits
from virality_core.scorers.caption.keywords import FEATURES, Keywords
from virality_core.types import Post, Signal, Skipped


def feature(effect: float, half: float, *, counts: bool, mean: float = 0.0) -> dict[str, object]:
    interval = [effect - half, effect + half]
    one = {"effect": effect, "interval": interval, "widened": interval, "counts": counts}
    return {"mean": mean, "range": [0.0, 3.0], **one, "likes": one, "comments": one, "shares": one}


@pytest.fixture
def effects(tmp_path: Path) -> Path:
    fit = {
        "collection": "made-up",
        "language": "en",
        "posts": 2000,
        "authors": 900,
        "first": "2025-01-01",
        "last": "2025-02-01",
        "beside_account_size": True,
        "features": {
            "question": feature(0.4, 0.1, counts=True, mean=0.25),
            "urgency": feature(9.0, 20.0, counts=False),
            "length": feature(-0.2, 0.05, counts=True, mean=1.0),
            "hashtags": feature(7.0, 0.1, counts=True),
        },
    }
    path = tmp_path / "effects.json"
    path.write_text(json.dumps({"fits": [fit]}), encoding="utf-8")
    return path


def english(_: str) -> str:
    return "en"


def test_only_effects_that_count_make_the_strength(effects: Path) -> None:
    scorer = KeywordScorer(english, load_fits(effects))
    answer = scorer.read(Post(caption="Hurry, last chance?"))
    assert isinstance(answer, Signal)
    # question 0.4 · (1 − 0.25), length −0.2 · (ln 4 − 1); urgency and hashtags have no part in it
    assert answer.value == pytest.approx(0.4 * 0.75 - 0.2 * (1.3862944 - 1.0), abs=1e-6)
    assert answer.desirability > 50.0
    assert isinstance(answer.details, Keywords)
    assert "urgency" in {finding.name for finding in answer.details.findings}


def test_values_beyond_what_was_seen_count_as_the_edge(effects: Path) -> None:
    scorer = KeywordScorer(english, load_fits(effects))
    long, longer = (scorer.read(Post(caption="word " * count)) for count in (100, 900))
    assert isinstance(long, Signal)
    assert isinstance(longer, Signal)
    assert long.value == longer.value


@pytest.mark.parametrize(
    ("caption", "language", "said"),
    [
        ("", "en", "There is no caption."),
        ("#fyp 😀 @ann", "en", "only hashtags"),
        ("hallo zusammen", "de", "English and Vietnamese only, and this caption seems to be in German"),
        ("hm", None, "its language is not clear"),
    ],
)
def test_says_why_it_was_not_read(caption: str, language: str | None, said: str) -> None:
    answer = KeywordScorer(lambda _: language).read(Post(caption=caption))
    assert isinstance(answer, Skipped)
    assert said in answer.reason


@pytest.mark.parametrize("language", ["en", "vi"])
def test_the_shipped_fits_are_whole_and_their_verdict_is_followed(language: str) -> None:
    fit = fit_for(language)
    assert fit is not None
    assert fit.posts > 1000
    assert fit.last is not None
    assert set(fit.features) <= {*FEATURES, "hashtags"}
    answer = KeywordScorer(lambda _: language).read(Post(caption="Follow me, you won't believe it? Mọi người ơi"))
    if fit.counting:
        assert isinstance(answer, Signal)
    else:
        assert isinstance(answer, Skipped)
        assert "carry no points" in answer.reason


def test_a_fit_beside_account_size_is_preferred(effects: Path) -> None:
    fit = load_fits(effects)[0]
    newer = replace(fit, beside_account_size=False, last="2026-01-01", collection="newer")
    assert fit_for("en", [newer, fit]) is fit
    assert fit_for("fr", [newer, fit]) is None


@pytest.mark.parametrize("text", ["", "[]", '{"fits": [{}]}', '{"fits": [1]}'])
def test_damaged_effects_are_an_error_in_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "effects.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WeightsError, match=r"can't be read"):
        load_fits(path)
