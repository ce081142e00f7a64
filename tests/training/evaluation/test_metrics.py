"""Figures on cases whose answer is known, what is not defined, baselines, and intervals that hold authors together."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from virality_core.training.evaluation import baselines, charts, metrics
from virality_core.training.evaluation import page as html
from virality_core.training.statistics import spearman

VIRAL = np.array([0.0, 0.0, 1.0, 1.0, 1.0, 0.0])
PROBABILITY = np.array([0.1, 0.6, 0.7, 0.4, 0.9, 0.2])
ALONE = np.arange(6)


def test_classification_figures_by_hand() -> None:
    found = metrics.classification_figures(VIRAL, PROBABILITY)
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["recall"] == pytest.approx(2 / 3)
    assert found["f1"] == pytest.approx(2 / 3)
    assert found["roc_auc"] == pytest.approx(8 / 9), "one of nine pairs is in the wrong order"
    assert found["pr_auc"] == pytest.approx((1 + 1 + 3 / 4) / 3)
    assert found["brier"] == pytest.approx(np.mean((PROBABILITY - VIRAL) ** 2))
    assert metrics.evaluate_classification(VIRAL, PROBABILITY, ALONE)["confusion"] == [[2, 1], [1, 2]]


def test_one_class_is_said_and_not_nan() -> None:
    found = metrics.evaluate_classification(np.ones(6), PROBABILITY, ALONE)
    assert found["undefined"] == [metrics.ONE_CLASS]
    assert found["figures"]["roc_auc"] == {"value": None, "low": None, "high": None}
    assert found["roc"] is None
    assert "NaN" not in json.dumps(found)
    none_called = metrics.classification_figures(VIRAL, np.zeros(6))
    assert none_called["precision"] is None
    assert none_called["recall"] == 0.0


def test_regression_figures_by_hand() -> None:
    score, predicted = np.array([0.0, 0.5, 1.0]), np.array([0.1, 0.4, 0.8])
    found = metrics.regression_figures(score, predicted)
    assert found["mse"] == pytest.approx(0.02)
    assert found["rmse"] == pytest.approx(math.sqrt(0.02))
    assert found["mae"] == pytest.approx(0.4 / 3)
    assert found["r2"] == pytest.approx(1 - 0.06 / 0.5)
    assert found["spearman"] == pytest.approx(1.0)
    assert found["pearson"] == pytest.approx(np.corrcoef(score, predicted)[0, 1])


def test_constant_predictions_have_no_correlation() -> None:
    found = metrics.evaluate_regression(np.array([0.0, 0.5, 1.0]), np.full(3, 0.3), np.arange(3))
    assert found["figures"]["spearman"]["value"] is None
    assert found["undefined"]


def test_spearman_is_scipys_with_ties() -> None:
    from scipy.stats import spearmanr

    chance = np.random.default_rng(0)
    a, b = chance.integers(0, 5, 60).astype(float), chance.integers(0, 5, 60).astype(float)
    assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)


def test_intervals_hold_the_value_and_grow_when_authors_repeat_themselves() -> None:
    chance = np.random.default_rng(0)
    score = chance.random(40)
    predicted = score + chance.normal(0, 0.3, 40)
    alone = metrics.with_intervals(metrics.regression_figures, score, predicted, np.arange(40))["spearman"]
    assert alone["low"] < alone["value"] < alone["high"]
    again, said = np.repeat(score, 5), np.repeat(predicted, 5)
    held = metrics.with_intervals(metrics.regression_figures, again, said, np.repeat(np.arange(40), 5))["spearman"]
    naive = metrics.with_intervals(metrics.regression_figures, again, said, np.arange(200))["spearman"]
    assert held["high"] - held["low"] > 1.5 * (naive["high"] - naive["low"])
    one = metrics.with_intervals(metrics.regression_figures, score, predicted, np.zeros(40, int))["spearman"]
    assert (one["low"], one["high"]) == (None, None), "one author gives no interval"


def test_calibration_of_a_calibrated_and_of_a_boastful_model() -> None:
    chance = np.random.default_rng(0)
    probability = chance.random(20_000)
    viral = (chance.random(20_000) < probability).astype(float)
    assert metrics.calibration(viral, probability)["error"] < 0.02
    assert metrics.calibration(viral, np.full(20_000, 0.9))["error"] == pytest.approx(0.4, abs=0.02)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_baselines_find_what_is_there_and_nothing_else(task: baselines.Task) -> None:
    chance = np.random.default_rng(0)
    features = chance.normal(size=(400, 2))
    score = 1 / (1 + np.exp(-2 * features[:, 0]))
    truth = score if task == "regression" else (score > 0.5).astype(float)
    features[::7, 1] = np.nan
    fitted = baselines.linear(task, features[:300], truth[:300], features[300:])
    rank = spearman(fitted, score[300:])
    assert rank is not None
    assert rank > 0.95
    assert baselines.constant(truth[:300], 4).tolist() == [pytest.approx(truth[:300].mean())] * 4
    nothing = baselines.linear(task, np.full((300, 1), np.nan), truth[:300], np.full((4, 1), np.nan))
    assert nothing.tolist() == baselines.constant(truth[:300], 4).tolist()


def test_a_training_part_of_one_class_has_a_baseline_too() -> None:
    assert baselines.linear("classification", np.ones((5, 1)), np.ones(5), np.ones((2, 1))).tolist() == [1.0, 1.0]


def _result(task: str, model: dict[str, Any]) -> dict[str, Any]:
    post = {"video": "<b>.mp4", "caption": "<script>alert(1)</script>", "truth": 1.0, "answer": 0.2, "score": 0.9}
    post |= {"likes": 3, "plays": None, "shares": None, "comments": 1, "followers": None, "thumbnail": None}
    return {
        "task": task,
        "part": "test",
        "frames": "as they are",
        "videos": 6,
        "authors": 6,
        "model": model,
        "baselines": {"constant": {"figures": model["figures"]}},
        "predictions": {"best": [post], "worst": []},
        "checkpoint": {"sha256": "0", "architecture": {}, "input": {}, "clips": 5, "training": {}},
        "data": {},
    }


def test_plots_and_page(tmp_path: Path) -> None:
    both = metrics.evaluate_classification(VIRAL, PROBABILITY, ALONE)
    one = metrics.evaluate_classification(np.ones(6), PROBABILITY, ALONE)
    scores = metrics.evaluate_regression(PROBABILITY, PROBABILITY**2, ALONE)
    for name, task, model, count in (
        ("a", "classification", both, 4),
        ("b", "classification", one, 2),
        ("c", "regression", scores, 2),
    ):
        result = _result(task, model)
        drawn = charts.save(result, tmp_path / name / "plots")
        assert len(drawn) == count
        assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn)
        result["plots"] = [path.relative_to(tmp_path / name).as_posix() for path in drawn]
        html.write(tmp_path / name / "index.html", result)
        page = (tmp_path / name / "index.html").read_text()
        assert page.count("data:image/png") == count
        assert "<script>" not in page
        assert "&lt;script&gt;" in page
        assert ("not defined" in page) == (name == "b")
