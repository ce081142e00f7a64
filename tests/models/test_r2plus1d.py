"""R(2+1)D beside torchvision's: the same logits, the same input, and what a checkpoint may not ask for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.models.video import R2Plus1D_18_Weights, r2plus1d_18

from virality_core.errors import WeightsError
from virality_core.media import open_reel
from virality_core.models import device as devices
from virality_core.models.vision.r2plus1d import (
    Architecture,
    ClipInput,
    build,
    load_body,
    normalize,
    on_device,
    r2plus1d,
    resize_and_crop,
)
from virality_core.types import Plan

SMALL = Architecture(width=4, blocks=(1, 1, 1, 1), dropout=0.0)


def _randomized(network: torch.nn.Module) -> dict[str, Tensor]:
    """Its tensors, all random, the running statistics too: newly initialized ones would hide a wrong normalization."""
    draw = torch.Generator().manual_seed(1)
    tensors = {}
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            noise = torch.randn(tensor.shape, generator=draw)
            tensor = noise.abs() * 0.5 + 0.5 if "running_var" in name else tensor + 0.05 * noise
        tensors[name] = tensor
    return tensors


def test_the_logits_are_torchvisions() -> None:
    reference = r2plus1d_18(weights=None, num_classes=3)
    tensors = _randomized(reference)
    reference.load_state_dict(tensors)
    ours = build(tensors, Architecture(outputs=3))
    clips = torch.randn(1, 3, 8, 56, 56, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected, got = reference.eval()(clips), ours(clips)
    assert expected.abs().max() > 0.01, "logits of nothing would agree with anything"
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["13bdbeb5", "1e719ead", "421c8b59"])
def test_the_input_is_torchvisions_preset_on_real_clips(shared_media: Path, name: str) -> None:
    clips = open_reel(shared_media / f"{name}.mp4", Plan(clips=2)).clips
    assert clips is not None
    preset = R2Plus1D_18_Weights.KINETICS400_V1.transforms()
    expected = preset(torch.from_numpy(clips.rgb).permute(0, 1, 4, 2, 3))
    got = normalize(torch.from_numpy(resize_and_crop(clips.rgb, ClipInput())))
    assert got.shape == (2, 3, 16, 112, 112)
    torch.testing.assert_close(got, expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(320, 180), (180, 320), (33, 47), (300, 4)])
def test_any_shape_gives_the_side_asked_for(height: int, width: int) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, height, width, 3), np.uint8)
    for shape in ("squash", "crop"):
        assert resize_and_crop(frames, ClipInput(shape=shape)).shape == (2, 112, 112, 3)  # type: ignore[arg-type]


def test_crop_keeps_shapes_and_squash_widens_them() -> None:
    picture = np.zeros((1, 320, 180, 3), np.uint8)
    picture[:, 130:190, 60:120] = 255  # a square
    for shape, ratio in (("crop", 1.0), ("squash", (171 / 180) / (128 / 320))):
        seen = resize_and_crop(picture, ClipInput(shape=shape))[0, ..., 0] > 127  # type: ignore[arg-type]
        assert seen.any(0).sum() / seen.any(1).sum() == pytest.approx(ratio, rel=0.06)


def test_the_cuda_way_gives_the_same_on_the_cpu() -> None:
    """channels_last_3d changes the layout alone; bfloat16 autocast stays near."""
    network = build(_randomized(r2plus1d(SMALL)), SMALL)
    clips = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 16, 32, 32, 3), np.uint8))
    with devices.inference(torch.device("cpu")):
        plain = network(normalize(clips).contiguous())
        apart = torch.cat([network(normalize(clip[None]).contiguous()) for clip in clips])
    turned = network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    batch = normalize(clips)
    assert batch.is_contiguous(memory_format=torch.channels_last_3d), "no copy is needed for it"
    with devices.inference(torch.device("cpu")):
        last = turned(batch)
    with devices.inference(torch.device("cpu"), torch.bfloat16):
        half = turned(batch).float()
    torch.testing.assert_close(last, plain, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(apart, plain, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(half, plain, atol=0.05 * float(plain.abs().max()), rtol=0.05)


def test_on_the_cpu_the_layout_is_left() -> None:
    assert on_device(r2plus1d(SMALL), torch.device("cpu")).stem[0].weight.is_contiguous()


def test_an_architecture_survives_its_json() -> None:
    for one in (Architecture(), SMALL):
        assert Architecture.from_dict(one.to_dict()) == one


@pytest.mark.parametrize(
    "plain",
    [
        None,
        [],
        {"name": "slowfast"},
        {**SMALL.to_dict(), "width": 10**9},
        {**SMALL.to_dict(), "width": "64"},
        {**SMALL.to_dict(), "blocks": [1, 1, 1]},
        {**SMALL.to_dict(), "blocks": [1, 1, 1, 10**6]},
        {**SMALL.to_dict(), "dropout": 1.5},
    ],
)
def test_another_architecture_is_refused(plain: object) -> None:
    with pytest.raises(WeightsError):
        Architecture.from_dict(plain)


def test_weights_of_another_network_are_refused() -> None:
    tensors = r2plus1d(SMALL).state_dict()
    with pytest.raises(WeightsError, match="not those of the stated network"):
        build(tensors, Architecture(width=8, blocks=(1, 1, 1, 1)))
    with pytest.raises(WeightsError, match="not those of the stated network"):
        build({name: tensor for name, tensor in tensors.items() if name != "fc.bias"}, SMALL)
    broken = {**tensors, "fc.bias": torch.tensor([float("nan")])}
    with pytest.raises(WeightsError, match="not finite"):
        build(broken, SMALL)


def test_the_body_comes_from_kinetics_and_the_head_stays() -> None:
    kinetics = _randomized(r2plus1d(Architecture(width=4, blocks=(1, 1, 1, 1), outputs=400)))
    network = r2plus1d(SMALL)
    head = network.fc.weight.clone()
    load_body(network, kinetics)
    assert torch.equal(network.state_dict()["layer2.0.conv1.0.0.weight"], kinetics["layer2.0.conv1.0.0.weight"])
    assert torch.equal(network.fc.weight, head)
    with pytest.raises(WeightsError, match="starts from scratch"):
        load_body(r2plus1d(Architecture(width=8, blocks=(1, 1, 1, 1))), kinetics)
