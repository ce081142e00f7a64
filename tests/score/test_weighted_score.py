"""The score: points add up, it is monotone, and a skipped signal's weight is shared out."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from virality_core import config
from virality_core.config import signals as reference
from virality_core.errors import InputError
from virality_core.score import band_of, weighted_score
from virality_core.types import Signal

NAMES = [name for name, entry in reference.table()["signals"].items() if entry["weight"] > 0]


def _signal(name: str, desirability: float) -> Signal:
    return Signal(
        name=name, value=0.5, unit="share", native_range=(0.0, 1.0), desirability=desirability, reference="a test"
    )


def _random_signals(rng: np.random.Generator) -> list[Signal]:
    chosen = rng.permutation(NAMES)[: rng.integers(1, len(NAMES) + 1)]
    return [_signal(str(name), float(rng.uniform(0, 100))) for name in chosen]


def test_points_add_up_whatever_is_skipped() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        result = weighted_score(_random_signals(rng))
        assert math.fsum(c.points for c in result.contributions) == pytest.approx(result.score, abs=1e-6)
        assert math.fsum(c.weight for c in result.contributions) == pytest.approx(1.0, abs=1e-9)
        assert 0.0 <= result.score <= 100.0


def test_the_score_rises_with_every_desirability() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        signals = _random_signals(rng)
        before = weighted_score(signals).score
        for i, signal in enumerate(signals):
            better = [*signals[:i], _signal(signal.name, min(100.0, signal.desirability + 5.0)), *signals[i + 1 :]]
            assert weighted_score(better).score >= before


def test_coverage_is_the_share_of_stated_weight_that_answered() -> None:
    stated = {name: float(reference.table()["signals"][name]["weight"]) for name in NAMES}
    assert weighted_score([_signal(name, 50.0) for name in NAMES]).coverage == pytest.approx(1.0)
    alone = weighted_score([_signal(NAMES[0], 70.0)])
    assert alone.coverage == pytest.approx(stated[NAMES[0]] / sum(stated.values()))
    assert alone.score == pytest.approx(70.0)


def test_a_signal_without_weight_changes_nothing() -> None:
    with_it = weighted_score([_signal(NAMES[0], 70.0), _signal("of no weight", 0.0)])
    assert with_it.score == pytest.approx(70.0)


def test_no_answer_is_no_score() -> None:
    with pytest.raises(InputError, match="every signal was skipped"):
        weighted_score([])


def test_bands_meet_without_gap() -> None:
    edges = sorted(float(band["from"]) for band in reference.table()["bands"])
    assert edges[0] == 0.0
    for edge in edges[1:]:
        assert band_of(edge) != band_of(np.nextafter(edge, 0.0))
    assert band_of(100.0)


@pytest.mark.parametrize("name", list(reference.table()["signals"]))
def test_every_signal_states_its_weight_and_reference(name: str) -> None:
    entry = reference.table()["signals"][name]
    assert entry["title"]
    assert entry["reason"]
    assert entry["weight"] >= 0
    desirability = entry["desirability"]
    assert desirability["how"]
    assert desirability["kind"] in {"population", "range"}
    rating = reference.rate(name, 1.0)
    assert 0.0 <= rating.desirability <= 100.0
    assert (rating.percentile is None) == (desirability["kind"] == "range")
    if desirability["kind"] == "range":
        values = [value for value, _ in desirability["points"]]
        assert values == sorted(values)
        assert len(set(values)) == len(values)


def test_a_percentile_is_read_off_the_population() -> None:
    population = json.loads((config.folder() / "populations" / "aesthetics.json").read_text())
    quantiles = np.array(population["quantiles"])
    assert reference.rate("aesthetics", quantiles[49]).percentile == pytest.approx(50.0)
    assert reference.rate("aesthetics", 0.0).percentile == 1.0
    assert reference.rate("aesthetics", 10.0).percentile == 99.0
