"""R(2+1)D: convolutions over space, then over time. Clips in, one logit or score per clip out.

D. Tran et al., "A Closer Look at Spatiotemporal Convolutions for Action Recognition", CVPR 2018 (arXiv:1711.11248), as
torchvision builds it, so its Kinetics-400 weights load as they are. Width and depth can be smaller than the published
64 and (2, 2, 2, 2), which is how the tests train one in a minute.

Frames are resized as in torchvision's `VideoClassification` preset. `squash`, the default and the preset, resizes to
(128, 171) whatever the shape and takes the middle 112 × 112. `crop` keeps the shape: the shorter side becomes 128. Of a
9:16 reel, squash sees 57 % of the picture (66 % of the width, 88 % of the height) and crop 43 % (88 % and 49 %), so
squash keeps more faces and captions in view; but it makes everything 2.4 times as wide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from virality_core.errors import WeightsError
from virality_core.models import device as devices

NAME = "r2plus1d"
STAGES = ("stem", "layer1", "layer2", "layer3", "layer4", "fc")  # in the order of the forward pass
MEAN = (0.43216, 0.394666, 0.37645)  # of Kinetics-400, red, green, blue, as shares of white
DEVIATION = (0.22803, 0.22145, 0.216989)

Shape = Literal["squash", "crop"]
Padding = Literal["loop", "last"]  # what fills a clip after the end of a short reel: the reel again, or its last frame

_MAX_WIDTH, _MAX_BLOCKS, _MAX_SIDE = 256, 8, 512  # a hostile checkpoint must not fill the memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """The network's size. The defaults are R(2+1)D-18; `outputs` is 1 for both tasks."""

    width: int = 64  # channels of the first stage; each further stage doubles them
    blocks: tuple[int, int, int, int] = (2, 2, 2, 2)
    outputs: int = 1
    dropout: float = 0.3

    def __post_init__(self) -> None:
        valid = (
            isinstance(self.blocks, tuple)
            and len(self.blocks) == 4
            and all(type(number) is int for number in (self.width, self.outputs, *self.blocks))
            and 2 <= self.width <= _MAX_WIDTH
            and all(1 <= count <= _MAX_BLOCKS for count in self.blocks)
            and 1 <= self.outputs <= 1000
            and isinstance(self.dropout, float | int)
            and 0.0 <= self.dropout < 1.0
        )
        if not valid:
            raise WeightsError(
                f"An R(2+1)D network has a width of 2 to {_MAX_WIDTH}, four stages of 1 to {_MAX_BLOCKS} blocks, 1 to "
                "1000 outputs and a dropout from 0 to below 1; another size was given."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, with the architecture's name."""
        return {"name": NAME, **asdict(self), "blocks": list(self.blocks)}

    @classmethod
    def from_dict(cls, plain: object) -> Architecture:
        """The architecture a checkpoint states. Raises WeightsError for another one, or a size out of bounds."""
        if not isinstance(plain, Mapping) or plain.get("name") != NAME:
            name = plain.get("name") if isinstance(plain, Mapping) else plain
            raise WeightsError(f"The checkpoint has the architecture {name!r}; this program only runs {NAME}.")
        blocks = plain.get("blocks")
        values = {field.name: plain[field.name] for field in fields(cls) if field.name in plain}
        return cls(**{**values, "blocks": tuple(blocks) if isinstance(blocks, list) else ()})


def r2plus1d(architecture: Architecture) -> nn.Module:
    """A network with random weights: normalized clips float32 (N, 3, T, H, W) → (N, outputs)."""
    from torchvision.models.video.resnet import BasicBlock, Conv2Plus1D, VideoResNet  # takes seconds to import

    width = architecture.width

    def stem() -> nn.Module:
        between = max(1, width * 45 // 64)  # the published stem: 45 maps between, for 64
        return nn.Sequential(
            nn.Conv3d(3, between, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False),
            nn.BatchNorm3d(between),
            nn.ReLU(inplace=True),
            nn.Conv3d(between, width, (3, 1, 1), padding=(1, 0, 0), bias=False),
            nn.BatchNorm3d(width),
            nn.ReLU(inplace=True),
        )

    class R2Plus1D(VideoResNet):  # type: ignore[misc]
        def _make_layer(self, block: Any, conv: Any, planes: int, blocks: int, stride: int = 1) -> Any:
            if planes == 64:
                self.inplanes = width
            return super()._make_layer(block, conv, planes * width // 64, blocks, stride)

    network = R2Plus1D(BasicBlock, [Conv2Plus1D] * 4, list(architecture.blocks), stem)
    network.avgpool = nn.Sequential(network.avgpool, nn.Dropout(architecture.dropout))
    network.fc = nn.Linear(8 * width, architecture.outputs)
    nn.init.normal_(network.fc.weight, 0.0, 0.01)
    nn.init.zeros_(network.fc.bias)
    return network


def build(tensors: Mapping[str, Tensor], architecture: Architecture) -> nn.Module:
    """The network with these tensors, for inference. Raises WeightsError if they are another network's."""
    with torch.device("meta"):  # takes no memory until the tensors are known to be there
        network = r2plus1d(architecture)
    expected = {
        name: (tuple(tensor.shape), tensor.is_floating_point()) for name, tensor in network.state_dict().items()
    }
    given = {
        name: (tuple(tensor.shape), tensor.dtype in (torch.float32, torch.float16, torch.bfloat16))
        for name, tensor in tensors.items()
    }
    if expected != given:
        odd = sorted(set(expected.items()) ^ set(given.items()))[0][0]
        raise WeightsError(f"The weights are not those of the stated network: {odd!r} differs.")
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise WeightsError("The weights hold values that are not finite; train the network again.")
    network.to_empty(device="cpu")
    network.load_state_dict(dict(tensors))
    return network.eval().requires_grad_(False)


def load_body(network: nn.Module, kinetics: Mapping[str, Tensor]) -> None:
    """Load the Kinetics-400 weights into all but the last layer. Raises WeightsError unless they fit."""
    body = {name: tensor for name, tensor in kinetics.items() if not name.startswith("fc.")}
    expected = {name: tensor.shape for name, tensor in network.state_dict().items() if not name.startswith("fc.")}
    if expected != {name: tensor.shape for name, tensor in body.items()}:
        raise WeightsError("The Kinetics weights are R(2+1)D-18's; a network of another size starts from scratch.")
    network.load_state_dict(body, strict=False)


def on_device(network: nn.Module, device: torch.device) -> nn.Module:
    """The network on its device; on CUDA in channels_last_3d, the fastest layout for its convolutions."""
    if device.type != "cuda":
        return network.to(device)
    return network.to(device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload, no-any-return]


def video_outputs(network: nn.Module, clips: Tensor, device: torch.device) -> Tensor:
    """Outputs of one video's clips uint8 (K, T, side, side, 3): float32 (K,) on the CPU.

    On CUDA all clips are one batch, in the training precision; on the CPU one after the other, which takes a K-th of
    the memory and is no slower.
    """
    half = devices.training_precision(device)
    with devices.inference(device, half):
        if device.type == "cuda":
            outputs: Tensor = network(normalize(clips.to(device))).squeeze(1).float().cpu()
            return outputs
        return torch.cat([network(normalize(clip[None]).contiguous()).squeeze(1) for clip in clips])


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipInput:
    """How frames become input: `resize` (height, width), then the middle `side` × `side` pixels."""

    resize: tuple[int, int] = (128, 171)
    side: int = 112
    shape: Shape = "squash"

    def __post_init__(self) -> None:
        sizes = (*self.resize, self.side)
        valid = len(self.resize) == 2 and all(isinstance(size, int) and 8 <= size <= _MAX_SIDE for size in sizes)
        if not (valid and self.side <= min(self.resize) and self.shape in get_args(Shape)):
            raise WeightsError(
                f"Clips can't be prepared like this: frames are resized to 8 to {_MAX_SIDE} pixels per side, and the "
                "square taken from their middle must fit."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**asdict(self), "resize": list(self.resize)}

    @classmethod
    def from_dict(cls, plain: object) -> ClipInput:
        """What a checkpoint's JSON states. Raises WeightsError if it is invalid."""
        known = {field.name for field in fields(cls)}
        if not isinstance(plain, Mapping) or set(plain) != known or not isinstance(plain["resize"], list):
            raise WeightsError("The checkpoint does not say how its clips are prepared.")
        return cls(**{**plain, "resize": tuple(plain["resize"])})


def resize_and_crop(rgb: NDArray[np.uint8], clip_input: ClipInput) -> NDArray[np.uint8]:
    """Frames uint8 (..., H, W, 3) → uint8 (..., side, side, 3), resized bilinearly and center-cropped as in the preset.

    The preset rounds to uint8 between resizing and normalizing, so a cache of these frames loses nothing.
    """
    from torchvision.transforms.functional import center_crop, resize

    height, width, _ = rgb.shape[-3:]
    size, side = clip_input.resize, clip_input.side
    if clip_input.shape == "crop":  # a strip is not made longer than 16 times its shorter side
        short = min(size)
        longest = max(short, min(16 * short, int(max(height, width) * (short / min(height, width)))))
        size = (longest, short) if height > width else (short, longest)
    frames = rgb.reshape(-1, height, width, 3)
    out = np.empty((len(frames), side, side, 3), np.uint8)
    for index, frame in enumerate(frames):  # one at a time: as float32, all would take twelve times their memory
        pixels = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)
        out[index] = center_crop(resize(pixels, list(size), antialias=False), [side, side]).permute(1, 2, 0).numpy()
    return out.reshape(*rgb.shape[:-3], side, side, 3)


def freeze_last_frame(rgb: NDArray[np.uint8], seconds: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Clips (K, T, …) with times (K, T): where a clip plays a short reel again, its last frame stands still instead."""
    out = rgb.copy()
    for clip, times in zip(out, seconds, strict=True):
        again = np.flatnonzero(np.diff(times) < 0)
        if len(again):
            clip[again[0] + 1 :] = clip[again[0]]
    return out


def normalize(clips: Tensor) -> Tensor:
    """Clips uint8 (N, T, side, side, 3) → float32 (N, 3, T, side, side), on the clips' device.

    Permuted last, the memory stays in channels_last_3d order, the fastest for CUDA's convolutions.
    """
    mean = torch.tensor(MEAN, device=clips.device)
    deviation = torch.tensor(DEVIATION, device=clips.device)
    return ((clips.float() / 255.0 - mean) / deviation).permute(0, 4, 1, 2, 3)
