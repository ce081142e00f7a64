"""VSFA's head against what the published weights answer, and its pooling against the paper's definition."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from virality_core.models.checkpoint import load_tensors
from virality_core.models.vision.vsfa import QualityHead, temporal_pool

REFERENCE = Path(__file__).resolve().parents[2].parent / "shared" / "reference" / "vsfa"

needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason="the goldens of ../shared/reference are not here")


@pytest.fixture(scope="module")
def head() -> QualityHead:
    network = QualityHead()
    network.load_state_dict(load_tensors(REFERENCE / "VSFA.pt"))  # strict: as published, the unused layer too
    return network.eval()


@pytest.fixture(scope="module")
def cases() -> list[dict]:
    return json.loads((REFERENCE / "cases.json").read_text())


def _features(case: dict) -> torch.Tensor:
    rng = np.random.default_rng(case["seed"])
    return torch.from_numpy(np.abs(rng.standard_normal((case["frames"], 4096))).astype(np.float32))


@needs_reference
def test_the_published_answers(head: QualityHead, cases: list[dict]) -> None:
    assert len(cases) == 5
    for case in cases:
        lengths = torch.tensor([case["frames"]])
        with torch.inference_mode():
            video, frames = head(_features(case)[None], lengths)
            pooled = temporal_pool(frames, lengths)
        assert abs(float(video[0]) - case["score"]) < 1e-5
        assert np.abs(frames[0].numpy() - case["frame_quality"]).max() < 1e-5
        assert np.abs(pooled[0].numpy() - case["pooled"]).max() < 1e-5


@needs_reference
def test_videos_of_different_lengths_in_one_batch(head: QualityHead, cases: list[dict]) -> None:
    """Padding, whatever it holds, reaches no video's answer."""
    batch = torch.full((len(cases), max(case["frames"] for case in cases), 4096), 3.0)
    for row, case in enumerate(cases):
        batch[row, : case["frames"]] = _features(case)
    with torch.inference_mode():
        video, frames = head(batch, torch.tensor([case["frames"] for case in cases]))
    assert np.abs(video.numpy() - [case["score"] for case in cases]).max() < 1e-5
    for row, case in enumerate(cases):
        assert np.abs(frames[row, : case["frames"]].numpy() - case["frame_quality"]).max() < 1e-5
        assert not frames[row, case["frames"] :].any()


def _by_definition(quality: np.ndarray, tau: int, beta: float) -> np.ndarray:
    felt = []
    for t in range(len(quality)):
        ahead, behind = quality[t : t + tau], quality[max(0, t - tau + 1) : t + 1]
        weights = np.exp(-(ahead - ahead.min()))
        felt.append(beta * (weights * ahead).sum() / weights.sum() + (1 - beta) * behind.min())
    return np.array(felt)


@pytest.mark.parametrize(("tau", "beta"), [(12, 0.5), (1, 0.5), (3, 0.2), (200, 0.9)])
@pytest.mark.parametrize("scale", [1.0, 300.0])  # at 300, exp(−quality) itself would overflow
def test_pooling_by_its_definition(tau: int, beta: float, scale: float) -> None:
    rng = np.random.default_rng(1)
    quality, lengths = rng.standard_normal((4, 50)) * scale, [50, 1, 13, 37]
    pooled = temporal_pool(torch.from_numpy(quality), torch.tensor(lengths), tau=tau, beta=beta).numpy()
    for row, length in enumerate(lengths):
        assert pooled[row, :length] == pytest.approx(_by_definition(quality[row, :length], tau, beta), abs=1e-9)
        assert not pooled[row, length:].any()


def test_a_window_of_one_frame_changes_nothing() -> None:
    quality = torch.rand(2, 9, dtype=torch.float64)
    assert torch.allclose(temporal_pool(quality, torch.tensor([9, 9]), tau=1), quality)


def test_gradients_are_finite_where_videos_are_padded() -> None:
    network = QualityHead(inputs=8, reduced=6, hidden=4)
    features = torch.randn(3, 40, 8, requires_grad=True)
    video, _ = network(features, torch.tensor([40, 1, 5]))
    video.sum().backward()
    assert features.grad is not None
    assert bool(torch.isfinite(features.grad).all())
    assert not features.grad[1, 1:].any()
    assert features.grad[1, 0].any()


@pytest.mark.parametrize(("tau", "beta"), [(0, 0.5), (12, -0.1), (12, 1.5)])
def test_what_is_not_a_window_is_said(tau: int, beta: float) -> None:
    with pytest.raises(ValueError, match="tau must be at least 1"):
        temporal_pool(torch.zeros(1, 3), torch.tensor([3]), tau=tau, beta=beta)
