"""From a clip's pixels to the input of R(2+1)D: torchvision's `VideoClassification` preset, to the last step.

`squash` is the preset: resize to (128, 171) whatever the shape, then the middle 112 × 112. `crop` keeps the shape: the
shorter side becomes 128, then the middle 112 × 112. The default is squash: of a 9:16 reel it sees 57 % of the picture
(66 % of the width, 88 % of the height) and crop 43 % (88 % and 49 %), so that faces and captions above and below the
middle stay in view; and it is what the Kinetics weights were published with. What it costs is shape: everything is 2.4
times as wide. A checkpoint states its own, so training and scoring never differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from virality_core.errors import WeightsError

MEAN = (0.43216, 0.394666, 0.37645)  # of Kinetics-400, red, green, blue, as shares of white
DEVIATION = (0.22803, 0.22145, 0.216989)

Shape = Literal["squash", "crop"]
Padding = Literal["loop", "last"]  # what follows a reel that is shorter than a clip: itself again, or its last frame
_LARGEST_SIDE = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipInput:
    """How frames become input: `resize` (height, width), then the middle `side` × `side` pixels."""

    resize: tuple[int, int] = (128, 171)
    side: int = 112
    shape: Shape = "squash"

    def __post_init__(self) -> None:
        sizes = (*self.resize, self.side)
        right = len(self.resize) == 2 and all(isinstance(one, int) and 8 <= one <= _LARGEST_SIDE for one in sizes)
        if not (right and self.side <= min(self.resize) and self.shape in get_args(Shape)):
            raise WeightsError(
                f"Clips can't be prepared so: frames are resized to 8 to {_LARGEST_SIDE} pixels a side, and the middle "
                "square that is seen must fit into them."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**asdict(self), "resize": list(self.resize)}


def clip_input_from(plain: object) -> ClipInput:
    """What a checkpoint's JSON states. Raises WeightsError where it can't be."""
    known = {field.name for field in fields(ClipInput)}
    if not isinstance(plain, Mapping) or set(plain) != known or not isinstance(plain["resize"], list):
        raise WeightsError("The checkpoint does not say how its clips are prepared.")
    return ClipInput(**{**plain, "resize": tuple(plain["resize"])})


def small(rgb: NDArray[np.uint8], how: ClipInput) -> NDArray[np.uint8]:
    """Frames uint8 (..., H, W, 3) → uint8 (..., side, side, 3): resized bilinearly as the preset does, and cut.

    The preset rounds to uint8 between resizing and normalising, so this is what a cache may hold without loss.
    """
    lead, (height, width) = rgb.shape[:-3], rgb.shape[-3:-1]
    size = how.resize if how.shape == "squash" else _kept_shape(height, width, min(how.resize))
    # One frame at a time: a batch as float32 would take twelve times the memory of the frames.
    frames = rgb.reshape(-1, height, width, 3)
    out = np.empty((len(frames), how.side, how.side, 3), np.uint8)
    top, left = (round((side - how.side) / 2) for side in size)  # half a pixel goes to the even side, as torchvision's
    for place, frame in enumerate(frames):
        pixels = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None].float()
        resized = F.interpolate(pixels, size=size, mode="bilinear", align_corners=False).round_()
        cut = resized[0, :, top : top + how.side, left : left + how.side]
        out[place] = cut.permute(1, 2, 0).to(torch.uint8).numpy()
    return out.reshape(*lead, how.side, how.side, 3)


def hold_last(rgb: NDArray[np.uint8], seconds: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Clips (K, T, …) with times (K, T): where a clip plays a short reel again, its last frame stands still instead."""
    out = rgb.copy()
    for clip, times in zip(out, seconds, strict=True):
        again = np.flatnonzero(np.diff(times) < 0)
        if len(again):
            clip[again[0] + 1 :] = clip[again[0]]
    return out


def normalised(clips: Tensor) -> Tensor:
    """Clips uint8 (N, T, side, side, 3) → float32 (N, 3, T, side, side), on the clips' device.

    Permuted last, the memory stays in channels_last_3d order, which is what CUDA's convolutions want.
    """
    mean = torch.tensor(MEAN, device=clips.device)
    deviation = torch.tensor(DEVIATION, device=clips.device)
    return ((clips.float() / 255.0 - mean) / deviation).permute(0, 4, 1, 2, 3)


def _kept_shape(height: int, width: int, short: int) -> tuple[int, int]:
    """(height, width) with the shorter side `short`; a strip is not made longer than 16 times that."""
    scale = short / min(height, width)
    return tuple(max(short, min(16 * short, int(side * scale))) for side in (height, width))  # type: ignore[return-value]
