"""The measures of a sentiment model against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from recipes.caption_minilm.measure import run_checklist, summary
from virality_core.scorers.caption.sentiment import SentimentReader
from virality_core.training.evaluation.sentiment import calibrate, measure, predict


def test_measures_by_hand() -> None:
    p = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.6, 0.3], [0.0, 0.1, 0.9], [0.5, 0.1, 0.4]])
    found = measure(p, [0, 1, 2, 2, 2])
    assert found.n == 5
    assert found.accuracy == pytest.approx(0.6)
    assert found.recall == pytest.approx((1.0, 1.0, 1 / 3))
    assert found.macro_recall == pytest.approx(7 / 9)
    assert found.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 1 / 2) / 3)
    # Each tweet is alone in its bin: |right − sure| = 0.2, 0.3, 0.6, 0.1, 0.5.
    assert found.ece == pytest.approx(1.7 / 5)
    assert found.balanced_ece == pytest.approx((0.2 + 0.3 + (0.6 + 0.1 + 0.5) / 3) / 3)


def test_a_label_that_never_occurs_is_left_out() -> None:
    assert measure([[0.9, 0.05, 0.05], [0.1, 0.1, 0.8]], [0, 2]).macro_recall == 1.0


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="needed"):
        measure([[0.5, 0.5]], [0, 1])


def test_calibration_finds_the_temperature() -> None:
    chance = np.random.default_rng(0)
    true = chance.normal(size=(20_000, 3))
    p = np.exp(true) / np.exp(true).sum(1, keepdims=True)
    labels = [int(chance.choice(3, p=row)) for row in p]
    # Drawn so that all labels are about as frequent; logits three times too sure need a temperature of three.
    assert calibrate(3.0 * true, labels) == pytest.approx(3.0, rel=0.05)


def test_batches_give_what_one_text_gives() -> None:
    reader = SentimentReader(profile="lite")
    texts = ["good", "what a very long and rather boring sentence this is, is it not?", "😍", ""] * 12
    together = predict(reader.network, texts)
    alone = np.array([reader.probabilities(text) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_checklist_counts_what_a_change_touches() -> None:
    reader = SentimentReader(profile="lite")
    tweets = ["Justin is great!", "Such a day.", "I saw Katy Perry", "it was fine"]
    outcomes = run_checklist(reader.network, tweets)
    assert {name.split(":")[0] for name in outcomes} == set(summary(outcomes))
    assert outcomes["case: lower"].n == 3
    assert outcomes["names swapped"].n == 2
    assert outcomes["negation: not, positive"].passed
    assert all(0.0 <= outcome.rate <= 1.0 for outcome in outcomes.values())
