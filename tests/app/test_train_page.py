"""The Train page without runs, with an evaluation, with a comparison, and with a run that can't be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.app.conftest import Page
from tests.training.evaluation.test_metrics import PROBABILITY, VIRAL, _result
from virality_core.training.evaluation import charts
from virality_core.training.evaluation.metrics import evaluate_classification, evaluate_regression
from virality_core.training.evaluation.runs import runs

SCRIPT = "pages/train.py"
EPOCHS = "epoch,step,train_loss,val_loss,val_figure\n0,10,0.7,0.69,0.5\n1,20,0.6,0.65,nan\n"


def _write(folder: Path, result: dict[str, object]) -> None:
    (folder / "evaluation").mkdir(parents=True)
    (folder / "evaluation" / "metrics.json").write_text(json.dumps({"schema": 1, "plots": [], **result}))
    (folder / "epochs.csv").write_text(EPOCHS)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIRALITY_RUNS", str(tmp_path / "runs"))
    alone = np.arange(6)
    both = evaluate_classification(VIRAL, PROBABILITY, alone)
    _write(tmp_path / "runs" / "first", _result("classification", both))
    _write(
        tmp_path / "runs" / "second", _result("classification", evaluate_classification(np.ones(6), PROBABILITY, alone))
    )
    _write(tmp_path / "runs" / "third", _result("regression", evaluate_regression(PROBABILITY, PROBABILITY**2, alone)))
    return tmp_path / "runs"


def _open(open_page: Callable[..., Page]) -> Page:
    page = open_page()
    page.go_to(SCRIPT)
    assert not page.app.exception
    return page


def test_without_a_run_it_shows_the_way(
    open_page: Callable[..., Page], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRALITY_RUNS", str(tmp_path / "nothing"))
    page = _open(open_page)
    assert "There are no runs in the folder" in page.html
    commands = [one.value for one in page.app.code]
    assert [command.split()[1] for command in commands[1:]] == ["preprocess", "train", "evaluate", "weights"]
    assert "activate" in commands[0]


def test_a_runs_evaluation_is_shown(open_page: Callable[..., Page], folder: Path) -> None:
    page = _open(open_page)
    assert page.app.selectbox(key="run").options == ["first", "second", "third"]
    assert "ROC-AUC" in page.html
    assert "0.889" in page.html, "eight of nine pairs are in the right order"
    assert "&lt;script&gt;" in page.html
    assert "<script>" not in page.html
    assert len(page.app.get("vega_lite_chart")) == 5, "four plots and the losses"
    page.app.selectbox(key="run").select_index(1).run()
    assert not page.app.exception
    assert "not defined" in page.html
    page.app.selectbox(key="run").select_index(2).run()
    assert not page.app.exception
    assert "Spearman" in page.html
    assert not page.app.multiselect, "there is one regression only, nothing to compare it with"


def test_runs_are_compared(open_page: Callable[..., Page], folder: Path) -> None:
    page = _open(open_page)
    assert page.app.multiselect(key="compared").options == ["first", "second"]
    table = page.html.rpartition('<table class="rv-table">')[2]
    assert 'data-label="first"' in table
    assert 'data-label="second"' in table


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"schema": 1}', '{"schema": 7}', "[" * 10_000])
def test_a_run_that_can_not_be_read_gets_a_message(open_page: Callable[..., Page], folder: Path, content: str) -> None:
    (folder / "first" / "evaluation" / "metrics.json").write_text(content)
    (folder / "second" / "evaluation" / "metrics.json").unlink()
    found = {run.name: run for run in runs(folder)}
    assert "can't be read" in found["first"].why_not
    assert "not evaluated" in found["second"].why_not
    assert [one.figure for one in found["first"].epochs] == [0.5, None]


def test_it_opens_with_a_run_that_was_not_evaluated(open_page: Callable[..., Page], folder: Path) -> None:
    (folder / "first" / "evaluation" / "metrics.json").unlink()
    page = _open(open_page)
    assert "It was not evaluated yet" in page.html
    assert len(page.app.get("vega_lite_chart")) == 1


def test_the_charts_hold_the_points_of_the_plots(folder: Path) -> None:
    result = runs(folder)[0].evaluation
    assert result is not None
    _, chart = charts.charts(result)["roc"]
    points = chart.to_dict()["data"]["values"]
    assert [row["x"] for row in points if row["series"] == "model"] == result["model"]["roc"]["false_positive_rate"]
