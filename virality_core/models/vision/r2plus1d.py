"""R(2+1)D: convolutions over space, then over time. Clips in, one logit or score a clip out.

D. Tran et al., "A Closer Look at Spatiotemporal Convolutions for Action Recognition", CVPR 2018 (arXiv:1711.11248). The
parts carry torchvision's names (`torchvision.models.video.r2plus1d_18`), so that its Kinetics-400 weights load as they
are; width and depth can be smaller than its 64 and (2, 2, 2, 2), which is how the tests train one in a minute.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn

from virality_core.errors import WeightsError
from virality_core.models import device as devices
from virality_core.models.vision.r2plus1d_preprocess import normalised

NAME = "r2plus1d"
STAGES = ("stem", "layer1", "layer2", "layer3", "layer4", "head")  # in the order of the forward pass
_MAX_WIDTH, _MAX_BLOCKS = 256, 8  # what a checkpoint may ask for: a hostile one must not fill the memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """The network's size. The defaults are R(2+1)D-18; `outputs` is 1 for both tasks."""

    width: int = 64  # channels of the first stage; each further stage doubles them
    blocks: tuple[int, int, int, int] = (2, 2, 2, 2)
    outputs: int = 1
    dropout: float = 0.3

    def __post_init__(self) -> None:
        right = (
            _whole(self.width, 2, _MAX_WIDTH)
            and isinstance(self.blocks, tuple)
            and len(self.blocks) == 4
            and all(_whole(count, 1, _MAX_BLOCKS) for count in self.blocks)
            and _whole(self.outputs, 1, 1000)
            and isinstance(self.dropout, float | int)
            and 0.0 <= self.dropout < 1.0
        )
        if not right:
            raise WeightsError(
                f"A width of 2 to {_MAX_WIDTH}, four stages of 1 to {_MAX_BLOCKS} blocks, 1 to 1000 outputs and a "
                "dropout from 0 to below 1 make an R(2+1)D network; another size was given."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, with the architecture's name."""
        return {"name": NAME, **asdict(self), "blocks": list(self.blocks)}


def architecture_from(plain: object) -> Architecture:
    """The architecture that a checkpoint states. Raises WeightsError for another one, or a size out of bounds."""
    if not isinstance(plain, Mapping) or plain.get("name") != NAME:
        name = plain.get("name") if isinstance(plain, Mapping) else plain
        raise WeightsError(f"The checkpoint is of the architecture {name!r}; this program runs {NAME} alone.")
    known = {field.name for field in fields(Architecture)}
    blocks = plain.get("blocks")
    values = {key: value for key, value in plain.items() if key in known}
    return Architecture(**{**values, "blocks": tuple(blocks) if isinstance(blocks, list) else ()})


class Factored(nn.Sequential):
    """A 3 × 3 × 3 convolution as 1 × 3 × 3 and 3 × 1 × 1 with about as many weights (section 3.5 of the paper)."""

    def __init__(self, inputs: int, outputs: int, between: int, stride: int) -> None:
        super().__init__(
            nn.Conv3d(inputs, between, (1, 3, 3), (1, stride, stride), (0, 1, 1), bias=False),
            nn.BatchNorm3d(between),
            nn.ReLU(inplace=True),
            nn.Conv3d(between, outputs, (3, 1, 1), (stride, 1, 1), (1, 0, 0), bias=False),
        )


class Block(nn.Module):
    """Two factored convolutions and a way around them."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        between = _between(inputs, outputs)
        self.conv1 = nn.Sequential(
            Factored(inputs, outputs, between, stride), nn.BatchNorm3d(outputs), nn.ReLU(inplace=True)
        )
        self.conv2 = nn.Sequential(Factored(outputs, outputs, between, 1), nn.BatchNorm3d(outputs))
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv3d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm3d(outputs))

    def forward(self, maps: Tensor) -> Tensor:
        around = maps if self.downsample is None else self.downsample(maps)
        out: Tensor = self.relu(self.conv2(self.conv1(maps)) + around)
        return out


class R2Plus1D(nn.Module):
    """Clips float32 (N, 3, T, H, W), normalised as `preparation` does → (N, outputs)."""

    def __init__(self, architecture: Architecture | None = None) -> None:
        super().__init__()
        self.architecture = architecture or Architecture()
        width = self.architecture.width
        narrow = max(1, width * 45 // 64)  # the published stem: 45 maps between, of 64
        self.stem = nn.Sequential(
            nn.Conv3d(3, narrow, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False),
            nn.BatchNorm3d(narrow),
            nn.ReLU(inplace=True),
            nn.Conv3d(narrow, width, (3, 1, 1), padding=(1, 0, 0), bias=False),
            nn.BatchNorm3d(width),
            nn.ReLU(inplace=True),
        )
        inputs = width
        for place, count in enumerate(self.architecture.blocks):
            outputs = width << place
            stride = 1 if place == 0 else 2
            first = Block(inputs, outputs, stride)
            self.add_module(
                f"layer{place + 1}", nn.Sequential(first, *(Block(outputs, outputs, 1) for _ in range(count - 1)))
            )
            inputs = outputs
        self.dropout = nn.Dropout(self.architecture.dropout)
        self.fc = nn.Linear(inputs, self.architecture.outputs)
        _initialise(self)

    def features(self, clips: Tensor) -> Tensor:
        """(N, 3, T, H, W) → (N, 8 × width): the last maps' mean over space and time."""
        maps = clips
        for name in STAGES[:-1]:
            maps = self.get_submodule(name)(maps)
        return maps.mean(dim=(2, 3, 4))

    def forward(self, clips: Tensor) -> Tensor:
        out: Tensor = self.fc(self.dropout(self.features(clips)))
        return out


def build(tensors: Mapping[str, Tensor], architecture: Architecture) -> R2Plus1D:
    """The network with these tensors, for inference. Raises WeightsError where they are another network's."""
    _check_size(tensors, architecture)
    network = R2Plus1D(architecture)
    wanted = {name: (tuple(tensor.shape), tensor.is_floating_point()) for name, tensor in network.state_dict().items()}
    given = {
        name: (tuple(tensor.shape), tensor.dtype in (torch.float32, torch.float16, torch.bfloat16))
        for name, tensor in tensors.items()
    }
    if wanted != given:
        odd = sorted(set(wanted.items()) ^ set(given.items()))[0][0]
        raise WeightsError(f"The weights are not those of the stated network: {odd!r} differs.")
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise WeightsError("The weights hold values that are no numbers; train the network anew.")
    network.load_state_dict(dict(tensors))
    return network.eval().requires_grad_(False)


def _check_size(tensors: Mapping[str, Tensor], architecture: Architecture) -> None:
    """Raise WeightsError unless half of every block is there: what is stated may be of any size, and takes memory."""
    before = architecture.width
    for place, count in enumerate(architecture.blocks):
        width = architecture.width << place
        for block in range(count):
            between, before = _between(before, width), width
            wanted = {"0": (between, width, 1, 3, 3), "3": (width, between, 3, 1, 1)}
            for part, shape in wanted.items():
                name = f"layer{place + 1}.{block}.conv2.0.{part}.weight"
                if name not in tensors or tuple(tensors[name].shape) != shape:
                    raise WeightsError(f"The weights are not those of the stated network: {name!r} differs.")


def _between(inputs: int, outputs: int) -> int:
    """The maps between the two parts of a factored convolution: about as many weights as 3 × 3 × 3 has."""
    return inputs * outputs * 27 // (inputs * 9 + 3 * outputs)


def load_body(network: R2Plus1D, kinetics: Mapping[str, Tensor]) -> None:
    """Take the Kinetics-400 weights for all but the last layer. Raises WeightsError unless they fit."""
    body = {name: tensor for name, tensor in kinetics.items() if not name.startswith("fc.")}
    own = network.state_dict()
    wanted = {name for name in own if not name.startswith("fc.")}
    if set(body) != wanted or any(own[name].shape != tensor.shape for name, tensor in body.items()):
        raise WeightsError("The Kinetics weights are R(2+1)D-18's; a network of another size starts from scratch.")
    network.load_state_dict(body, strict=False)


def on_device(network: R2Plus1D, device: torch.device) -> R2Plus1D:
    """The network on its device; on CUDA in channels_last_3d, the layout its convolutions are fastest in."""
    if device.type != "cuda":
        return network.to(device)
    return network.to(device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload, no-any-return]


def video_outputs(network: torch.nn.Module, clips: Tensor, device: torch.device) -> Tensor:
    """Outputs of one video's clips uint8 (K, T, side, side, 3): float32 (K,) on the CPU.

    On CUDA all clips are one batch, in the training precision; on the CPU one after the other, which needs a K-th of
    the memory and is no slower.
    """
    half = devices.training_precision(device)
    with devices.inference(device, half):
        if device.type == "cuda":
            together: Tensor = network(normalised(clips.to(device))).squeeze(1).float().cpu()
            return together
        outputs: list[Tensor] = [network(normalised(clip[None]).contiguous()).squeeze(1) for clip in clips]
        return torch.cat(outputs)


def _initialise(network: nn.Module) -> None:
    """As torchvision: He et al. 2015 for convolutions, N(0, 0.01) for the last layer."""
    for part in network.modules():
        if isinstance(part, nn.Conv3d):
            fan_out = part.out_channels * math.prod(part.kernel_size)
            nn.init.normal_(part.weight, 0.0, math.sqrt(2.0 / fan_out))
        elif isinstance(part, nn.Linear):
            nn.init.normal_(part.weight, 0.0, 0.01)
            nn.init.zeros_(part.bias)


def _whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
