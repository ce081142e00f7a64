"""The score's uncertainty, its sensitivity to the weights, and the three weightings."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from virality_core.config import signals as reference
from virality_core.errors import UsageError, ViralityError
from virality_core.score import Weighting, prior, read_weighting, sensitivity, uncertainty, weighted_score
from virality_core.types import ModelInfo, Signal, Timeline

NAMES = [name for name, entry in reference.table()["signals"].items() if entry["weight"] > 0]


def _signal(name: str, desirability: float, timeline: Timeline | None = None) -> Signal:
    return Signal(
        name=name,
        value=0.5,
        unit="share",
        native_range=(0.0, 100.0),
        desirability=desirability,
        reference="a test",
        timeline=timeline,
    )


def _random(rng: np.random.Generator) -> list[Signal]:
    chosen = rng.permutation(NAMES)[: rng.integers(1, len(NAMES) + 1)]
    return [_signal(str(name), float(rng.uniform(0, 100))) for name in chosen]


def _learned(**weights: float) -> Weighting:
    values = tuple(weights.values())
    return Weighting(way="learned", names=tuple(weights), shares=values, draws=np.array([values, values]))


def test_points_add_up_and_rise_with_fitted_weights_too() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        weighting = _learned(**{name: float(rng.exponential()) for name in NAMES})
        signals = _random(rng)
        result = weighted_score(signals, weighting)
        assert math.fsum(c.points for c in result.contributions) == pytest.approx(result.score, abs=1e-6)
        place = int(rng.integers(len(signals)))
        better = [*signals]
        better[place] = _signal(signals[place].name, min(100.0, signals[place].desirability + 7.0))
        assert weighted_score(better, weighting).score >= result.score - 1e-12


def test_the_interval_holds_the_score_and_is_the_same_each_time() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        signals = _random(rng)
        found, score = uncertainty(signals), weighted_score(signals).score
        assert 0.0 <= found.low <= score + 1e-9
        assert score - 1e-9 <= found.high <= 100.0
        assert uncertainty(signals) == found


def test_signals_that_agree_leave_no_doubt_and_those_that_differ_do() -> None:
    agree = uncertainty([_signal(name, 60.0) for name in NAMES])
    assert agree.high - agree.low < 1e-9
    differ = uncertainty([_signal(name, 100.0 * (place % 2)) for place, name in enumerate(NAMES)])
    assert differ.high - differ.low > 3.0


def test_a_signals_own_doubt_widens_it() -> None:
    rated = reference.rate("aesthetics", 5.5).desirability

    def spread(by: float) -> float:
        line = Timeline(seconds=np.arange(4.0), values=np.array([5.5 - by, 5.5 + by, 5.5 - by, 5.5 + by]))
        signal = Signal(
            name="aesthetics",
            value=5.5,
            unit="mark",
            native_range=(1.0, 10.0),
            desirability=rated,
            reference="a test",
            timeline=line,
        )
        found = uncertainty([signal])
        return found.high - found.low

    assert spread(0.0) == pytest.approx(0.0, abs=1e-9)
    assert spread(0.5) > spread(0.1) > 0.5


def test_sensitivity_is_the_score_with_that_weight() -> None:
    signals = [_signal(name, float(10 * place)) for place, name in enumerate(NAMES[:4])]
    weights = dict(prior().by_signal)
    moved = sensitivity(signals, weights)
    name = NAMES[1]
    assert moved[name][0] == pytest.approx(weighted_score(signals, _learned(**{**weights, name: 0.0})).score)
    assert moved[name][1] == pytest.approx(
        weighted_score(signals, _learned(**{**weights, name: 2 * weights[name]})).score
    )
    alone = [_signal(name, 70.0)]
    assert sensitivity(alone, weights)[name] == pytest.approx((70.0, 70.0))


def _file(tmp_path: Path, **changes: object) -> Path:
    data = {
        "schema": 1,
        "way": "learned",
        "verdict": "",
        "weights": {"aesthetics": {"weight": 0.7}, "pace": {"weight": 0.3}},
        "draws": [[0.7, 0.3], [0.5, 0.5]],
    }
    path = tmp_path / "fitted.json"
    path.write_text(json.dumps({**data, **changes}))
    return path


def test_a_fitted_file_is_read(tmp_path: Path) -> None:
    weighting = read_weighting(_file(tmp_path, way="personal"))
    assert weighting.way == "personal"
    assert weighting.by_signal == {"aesthetics": 0.7, "pace": 0.3}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": {"charm": {"weight": 1.0}}, "draws": [[1.0]]}, "'charm', which no longer exists"),
        ({"way": "prior"}, "not a file of"),
        ({"schema": 2}, "not a file of"),
        ({"draws": [[1.0]]}, "not a file of"),
        ({"weights": {"pace": {"weight": -1.0}}, "draws": [[1.0]]}, "not a file of"),
        ({"weights": {"pace": {"weight": 0.0}}, "draws": [[1.0]]}, "not a file of"),
        ({"weights": []}, "not a file of"),
        ({"weights": {"pace": {"weight": 1e308}, "motion": {"weight": 1e308}}, "draws": [[1, 1]]}, "not a file of"),
        ({"weights": {"pace": {"weight": 10**400}}, "draws": [[1]]}, "not a file of"),
        ({"weights": {"pace": {"weight": 1}}, "draws": [[1e308]]}, "not a file of"),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ViralityError, match=message):
        read_weighting(_file(tmp_path, **changes))


def test_no_file_and_no_json(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        read_weighting(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(UsageError, match="not JSON"):
        read_weighting(tmp_path / "bad.json")


def test_a_model_with_a_unit_of_its_own_adds_its_own_doubt() -> None:
    """The light quality model speaks VMAF, not opinion scores: its doubt is rated by its own table."""
    line = Timeline(seconds=np.arange(4.0), values=np.array([30.0, 90.0, 40.0, 96.0]))
    value = 64.0
    rated = reference.rate("quality", value, variant="lite").desirability
    model = ModelInfo(id="vsfa-lite", variant="lite", sha256="0" * 64)
    sure = replace(_signal("quality", rated), value=value, model=model)
    alone = uncertainty([sure]), uncertainty([replace(sure, timeline=line)])
    assert alone[0].high - alone[0].low < 1e-9
    assert alone[1].high - alone[1].low > 10.0
