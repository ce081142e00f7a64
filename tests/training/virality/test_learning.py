"""It learns: signed acceleration, which no single frame shows, from scratch and at small size, for both tasks.

The controls must fail: labels that were dealt anew, clips played backwards, frames in a random order.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.soak import size
from tests.training.virality.material import material, settings
from virality_core.models.vision import r2plus1d_checkpoint
from virality_core.training.evaluation.metrics import classification_figures, regression_figures
from virality_core.training.virality.checkpoints import EPOCHS, read_log
from virality_core.training.virality.evaluate import Order, predict
from virality_core.training.virality.manifest import Manifest
from virality_core.training.virality.train import train

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("virality-learning"), pytest.mark.timeout(size(900, 3600))]

TRAINED_ON, HELD_OUT = 240, size(160, 1000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("learning")


@pytest.fixture(scope="module")
def data(folder: Path) -> Manifest:
    return material(folder / "seen", TRAINED_ON)


@pytest.fixture(scope="module")
def fresh(folder: Path) -> Manifest:
    """Videos of other seeds, none of which was seen in any part: enough that chance stays within ± 0.1."""
    return material(folder / "fresh", HELD_OUT, seed=1)


def _answers(run: Path, fresh: Manifest, cache: Path, order: Order = "as they are") -> NDArray[np.float64]:
    network, card = r2plus1d_checkpoint.load(run)
    return predict(network, card, fresh, fresh.rows, order=order, cache=cache, device=torch.device("cpu"))


def _auc(run: Path, fresh: Manifest, cache: Path, order: Order = "as they are") -> float:
    viral = np.array([float(row.is_viral) for row in fresh.rows])
    auc = classification_figures(viral, _answers(run, fresh, cache, order))["roc_auc"]
    assert auc is not None
    return auc


@pytest.fixture(scope="module")
def classifier(data: Manifest, folder: Path) -> Path:
    return train(data, settings(), folder / "classification", cache=folder / "cache", device="cpu")


def test_it_tells_speeding_up_from_slowing_down(classifier: Path, fresh: Manifest, folder: Path) -> None:
    assert _auc(classifier, fresh, folder / "cache") >= 0.9
    losses = [float(row["train_loss"]) for row in read_log(classifier / EPOCHS)]
    assert losses[-1] < 0.5 * losses[0]


def test_backwards_or_shuffled_it_is_lost(classifier: Path, fresh: Manifest, folder: Path) -> None:
    """A clip played backwards slows down where it sped up; in a random order there is no speed."""
    assert _auc(classifier, fresh, folder / "cache", "reversed") <= 0.1
    assert _auc(classifier, fresh, folder / "cache", "shuffled") <= 0.7


def test_it_ranks_by_signed_acceleration(data: Manifest, fresh: Manifest, folder: Path) -> None:
    run = train(data, settings(task="regression"), folder / "regression", cache=folder / "cache", device="cpu")
    score = np.array([row.score for row in fresh.rows])
    found = regression_figures(score, _answers(run, fresh, folder / "cache"))
    assert found["spearman"] is not None
    assert found["spearman"] >= 0.8
    backwards = regression_figures(score, _answers(run, fresh, folder / "cache", "reversed"))
    assert backwards["spearman"] is not None
    assert backwards["spearman"] <= -0.5


def test_from_shuffled_labels_it_learns_nothing(data: Manifest, fresh: Manifest, folder: Path) -> None:
    run = train(
        data, settings(shuffle_labels=True, epochs=6), folder / "shuffled", cache=folder / "cache", device="cpu"
    )
    assert _auc(run, fresh, folder / "cache") == pytest.approx(0.5, abs=0.1)
