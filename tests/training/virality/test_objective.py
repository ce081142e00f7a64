"""The loss, the rate, and what learns when."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.training.virality.material import settings
from virality_core.errors import UsageError, WeightsError
from virality_core.models.vision.r2plus1d import STAGES, Architecture, r2plus1d
from virality_core.training.virality.objective import Objective, objective_of, parameter_groups, rate_at, set_trainable
from virality_core.training.virality.train import Validation, _update_average

SMALL = Architecture(width=2, blocks=(1, 1, 1, 1))


def _rows(scores: list[float], viral: list[bool]) -> list[SimpleNamespace]:
    return [SimpleNamespace(score=one, is_viral=other) for one, other in zip(scores, viral, strict=True)]


def test_class_weights_balance_and_have_the_mean_one() -> None:
    rows = _rows([0.0] * 10, [True, *[False] * 9])
    found = objective_of(rows, settings())  # type: ignore[arg-type]
    assert found.class_weights == pytest.approx((0.5 / 0.9, 5.0))
    assert 0.9 * found.class_weights[0] + 0.1 * found.class_weights[1] == pytest.approx(1.0)
    assert objective_of(rows, settings(class_weights=False)).class_weights == (1.0, 1.0)  # type: ignore[arg-type]
    one_class = objective_of(_rows([0.0], [True]), settings())  # type: ignore[arg-type]
    assert one_class.class_weights == (1.0, 1.0)


def test_the_losses_by_hand() -> None:
    smooth = Objective(settings=settings(label_smoothing=0.2), class_weights=(1.0, 3.0), center=0.0, spread=1.0)
    output, viral = torch.tensor([0.0, 2.0]), torch.tensor([0.0, 1.0])
    p = 1 / (1 + math.exp(-2.0))
    expected = (math.log(2) + 3 * -(0.9 * math.log(p) + 0.1 * math.log(1 - p))) / 2
    assert float(smooth.loss(output, viral, viral)) == pytest.approx(expected, rel=1e-5)
    line = objective_of(_rows([0.2, 0.6], [False, True]), settings(task="regression"))  # type: ignore[arg-type]
    assert (line.center, line.spread) == pytest.approx((0.4, 0.2))
    assert float(line.loss(torch.tensor([1.0, -1.0]), torch.tensor([0.6, 0.6]), viral)) == pytest.approx(2.0)
    assert line.answer(torch.tensor([1.0])).item() == pytest.approx(0.6)


def test_the_rate_rises_and_falls_to_nothing() -> None:
    rates = [rate_at(step, 100, 0.1) for step in range(101)]
    assert rates[:3] == pytest.approx([0.1, 0.2, 0.3])
    assert max(rates) == rates[10] == pytest.approx(1.0)
    assert rates[55] == pytest.approx(0.5)
    assert rates[100] == pytest.approx(0.0)
    assert all(a >= b for a, b in itertools.pairwise(rates[10:]))


def test_stages_thaw_from_the_head_down() -> None:
    network = r2plus1d(SMALL)
    for epoch in range(8):
        assert set_trainable(network, epoch, stage_epochs=1) == min(6, epoch + 1)
        learning = {name.split(".")[0] for name, one in network.named_parameters() if one.requires_grad}
        wanted = set(STAGES[-(epoch + 1) :] if epoch < 6 else STAGES)
        assert learning == {"fc" if name == "head" else name for name in wanted}
        assert network.get_submodule("stem").training == ("stem" in wanted)
    set_trainable(network, 0, stage_epochs=0)
    assert all(one.requires_grad for one in network.parameters())


def test_a_frozen_stage_keeps_its_statistics() -> None:
    network = r2plus1d(SMALL)
    set_trainable(network, 0, stage_epochs=1)
    before = {name: one.clone() for name, one in network.state_dict().items()}
    network(torch.randn(2, 3, 8, 16, 16)).sum().backward()
    assert all(torch.equal(one, before[name]) for name, one in network.state_dict().items())
    assert {name for name, one in network.named_parameters() if one.grad is not None} == {"fc.weight", "fc.bias"}


def test_each_parameter_is_in_one_group_and_biases_do_not_decay() -> None:
    network = r2plus1d(SMALL)
    groups = parameter_groups(network, settings(body_factor=0.1), pretrained=True)
    chosen = [id(one) for group in groups for one in group["params"]]  # type: ignore[attr-defined]
    assert sorted(chosen) == sorted(id(one) for one in network.parameters())
    for group in groups:
        assert all((one.ndim > 1) == (group["weight_decay"] > 0) for one in group["params"])  # type: ignore
    shares = {group["share"] for group in groups if id(network.stem[0].weight) in map(id, group["params"])}  # type: ignore
    assert shares == {0.1}


def test_the_average_follows_and_without_decay_is_the_network() -> None:
    network = r2plus1d(SMALL)
    average = {name: torch.zeros_like(one) for name, one in network.state_dict().items()}
    _update_average(average, network, step=10**6, decay=0.9)
    assert torch.allclose(average["fc.weight"], 0.1 * network.fc.weight)
    _update_average(average, network, step=0, decay=0.0)
    assert torch.equal(average["fc.weight"], network.fc.weight)


def test_figures_that_are_not_defined_are_said() -> None:
    one = Validation(loss=0.0, answers=[0.1, 0.9], scores=[0.5, 0.5], viral=[True, True])
    assert one.figure("classification") == (None, "ROC-AUC not defined with one class")
    assert one.figure("regression")[0] is None
    two = replace(one, scores=[0.1, 0.2], viral=[False, True])
    assert two.figure("classification")[0] == 1.0
    assert two.figure("regression")[0] == pytest.approx(1.0)
    assert replace(two, answers=[0.5, 0.5]).figure("classification")[0] == 0.5


@pytest.mark.parametrize(("name", "value"), [("epochs", 0), ("ema", 1.0), ("learning_rate", np.nan), ("workers", -1)])
def test_settings_that_can_not_be(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=name):
        settings(**{name: value})


def test_a_size_that_can_not_be() -> None:
    with pytest.raises(WeightsError):
        Architecture(width=0)
