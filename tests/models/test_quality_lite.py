"""The light quality network: what it looks at, that it is deterministic, and that batches change nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from virality_core.models.vision import nima
from virality_core.models.vision.vsfa_lite import CROP, CROPS, HEADS, LiteFeatures, LiteHead, LiteQuality, crops_of


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    torch.manual_seed(3)
    own = LiteFeatures(nima.build(nima.Nima().state_dict())).state_dict()
    heads = {f"heads.{place}.{name}": one for place in range(HEADS) for name, one in LiteHead().state_dict().items()}
    return {f"features.{name}": tensor for name, tensor in own.items()} | heads


def _frames(count: int, height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(960, 540), (1920, 1080), (540, 960), (100, 60), (160, 160), (1, 1)])
def test_crops_of_any_size(size: tuple[int, int]) -> None:
    crops = crops_of(_frames(1, *size)[0])
    assert crops.shape == (CROPS, CROP, CROP, 3)
    assert crops.dtype == np.uint8


def test_crops_are_native_pixels_along_the_longer_side() -> None:
    frame = np.zeros((900, 400, 3), np.uint8)
    frame[..., 0] = np.minimum(np.arange(900) // 4, 255)[:, None]
    crops = crops_of(frame)
    tops = crops[:, 0, 0, 0].astype(int) * 4
    assert (np.diff(tops) > CROP * 0.9).all()  # they do not overlap
    assert (crops[:, 40, 0, 0].astype(int) - crops[:, 0, 0, 0] == 10).all()  # four pixels a level, as in the frame


def test_answers_are_deterministic_and_in_range(tensors: dict[str, Tensor]) -> None:
    model = LiteQuality(tensors)
    frames = _frames(7, 300, 200)
    video, values = model.score(frames)
    again, values_again = LiteQuality(tensors).score(frames)
    assert video == again
    assert (values == values_again).all()
    assert 0.0 < video < 1.0
    assert values.shape == (7,)
    assert ((values > 0.0) & (values < 1.0)).all()


def test_the_answer_is_the_mean_of_the_heads(tensors: dict[str, Tensor]) -> None:
    """Of what each of them alone would say, as logits."""

    def of_one(place: int) -> tuple[float, NDArray[np.float64]]:
        alone = {name: one for name, one in tensors.items() if name.startswith("features.")}
        for name, one in tensors.items():
            if name.startswith(prefix := f"heads.{place}."):
                alone |= {f"heads.{other}.{name.removeprefix(prefix)}": one for other in range(HEADS)}
        return LiteQuality(alone).score(frames)

    frames = _frames(5, 200, 300)
    video, values = LiteQuality(tensors).score(frames)
    each = [of_one(place) for place in range(HEADS)]
    logits = [np.log(one / (1.0 - one)) for one in (np.array([one[0] for one in each]), np.stack([v for _, v in each]))]
    assert len(set(logits[0])) == HEADS
    assert video == pytest.approx(1.0 / (1.0 + np.exp(-logits[0].mean())), abs=1e-6)
    np.testing.assert_allclose(values, 1.0 / (1.0 + np.exp(-logits[1].mean(0))), atol=1e-6)


def test_a_still_is_judged_alike_in_any_batch(tensors: dict[str, Tensor]) -> None:
    """The judgement looks back only, so the first stills' values must not depend on how many follow."""
    model = LiteQuality(tensors)
    frames = _frames(9, 300, 200)
    _, few = model.score(frames[:3])
    _, many = model.score(frames)
    np.testing.assert_allclose(few, many[:3], atol=1e-5)


def test_progress_may_stop_it(tensors: dict[str, Tensor]) -> None:
    def stop(share: float) -> None:
        if share > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LiteQuality(tensors).score(_frames(9, 170, 170), progress=stop)


def test_other_tensors_are_refused(tensors: dict[str, Tensor]) -> None:
    with pytest.raises(RuntimeError):
        LiteQuality({name: tensor for name, tensor in tensors.items() if name != "heads.1.head.q.weight"})
