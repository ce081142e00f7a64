"""The frame features against a plain torchvision ResNet-50 with the same random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from virality_core.models.checkpoint import load_tensors
from virality_core.models.vision import vsfa

REFERENCE = Path(__file__).resolve().parents[2].parent / "shared" / "reference" / "vsfa"

Tensors = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def plain() -> nn.Module:
    """torchvision's network, seeded, with running statistics that hold: as tame as a trained one."""
    from torchvision.models import resnet50

    torch.manual_seed(7)
    network = resnet50(weights=None)
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(4, 3, 96, 96))
    return network.eval()


@pytest.fixture(scope="module")
def network(plain: nn.Module) -> vsfa.FrameFeatures:
    return vsfa.build_features(plain.state_dict())


def _frames(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * width).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def _as_published(plain: nn.Module, frames: np.ndarray) -> np.ndarray:
    """One frame at a time, through torchvision's own transforms and children, as the paper's code does."""
    from torchvision import transforms

    prepare = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
    )
    body = nn.Sequential(*list(plain.children())[:-2])
    rows = []
    with torch.inference_mode():
        for frame in frames:
            maps = body(prepare(frame)[None])[0].flatten(1)
            rows.append(torch.cat([maps.mean(dim=1), maps.std(dim=1)]).numpy())
    return np.stack(rows)


@pytest.mark.parametrize(("count", "height", "width"), [(3, 128, 72), (1, 97, 131), (2, 33, 64), (5, 64, 64)])
def test_equals_torchvision_at_any_size(
    plain: nn.Module, network: vsfa.FrameFeatures, count: int, height: int, width: int
) -> None:
    frames = _frames(count, height, width)
    wanted = _as_published(plain, frames)
    got = vsfa.features_of(network, frames).numpy()
    assert got.shape == (count, 2 * 2048)
    assert np.abs(got - wanted).max() < 1e-4
    assert wanted.std() > 0.01, "a network that answers nothing could not fail"


def test_batches_change_nothing(network: vsfa.FrameFeatures, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = _frames(5, 64, 48)
    together = vsfa.features_of(network, frames).numpy()
    monkeypatch.setattr(vsfa, "_MAX_BATCH", 2)
    assert np.abs(vsfa.features_of(network, frames).numpy() - together).max() < 1e-4


def test_one_position_has_no_deviation(network: vsfa.FrameFeatures) -> None:
    got = vsfa.features_of(network, _frames(1, 20, 32)).numpy()
    assert np.isfinite(got).all()
    assert not got[:, 2048:].any()


def test_batches_are_sized_by_memory() -> None:
    cpu = torch.device("cpu")
    sizes = [vsfa.batch_size(side, side, cpu) for side in (64, 480, 1080, 2160, 8000)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 32
    assert sizes[-1] == 1
    assert vsfa.batch_size(852, 480, cpu) * 852 * 480 * vsfa.BYTES_PER_PIXEL <= 512 << 20


@pytest.mark.parametrize(("half", "off"), [(torch.float16, 0.01), (torch.bfloat16, 0.05)])
def test_half_precision_within_its_tolerance(plain: nn.Module, half: torch.dtype, off: float) -> None:
    """Features move by less than `off` of their own length, on the CPU, where autocast rounds as CUDA's does.

    float16 is what CUDA runs in: 1 %, against bfloat16's several. The score's own tolerance is tested below.
    """
    frames = _frames(2, 128, 72)
    exact = vsfa.features_of(vsfa.build_features(plain.state_dict()), frames)
    rough = vsfa.features_of(vsfa.build_features(plain.state_dict(), half=half), frames)
    moved = ((rough - exact).norm(dim=1) / exact.norm(dim=1)).max().item()
    assert 0.0 < moved < off
    assert rough.dtype == torch.float32
    if half == torch.float16 and REFERENCE.is_dir():
        head = vsfa.QualityHead().eval()
        head.load_state_dict(load_tensors(REFERENCE / "VSFA.pt"))
        with torch.inference_mode():
            scores = [float(head(features[None], torch.tensor([2]))[0]) for features in (exact, rough)]
        assert abs(scores[0] - scores[1]) < 0.005, "half a per cent of the scale"


def test_another_networks_weights_are_refused(plain: nn.Module) -> None:
    tensors = dict(plain.state_dict())
    del tensors["layer4.2.conv3.weight"]
    with pytest.raises(RuntimeError, match=r"layer4\.2\.conv3"):
        vsfa.build_features(tensors)


def test_precision_by_device() -> None:
    assert vsfa.half_precision(torch.device("cpu")) is None
    assert vsfa.half_precision(torch.device("cuda")) == torch.float16
