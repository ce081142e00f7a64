"""Where networks run, and in which precision."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from virality_core.errors import UsageError


def choose(name: str | None = None) -> torch.device:
    """The device of that name (`cpu`, `cuda`, `cuda:1`); None is the first CUDA device, else the CPU.

    Raises:
        UsageError: this machine has no such device.
    """
    if name is None:
        return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise UsageError(f"The device {name!r} is not supported; use cpu or cuda.")
    if device.type == "cpu":
        return torch.device("cpu")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    index = device.index or 0
    if index >= count:
        raise UsageError(f"There is no device {name!r}: this machine has {count} usable CUDA devices; use cpu.")
    return torch.device("cuda", index)


def describe(device: torch.device) -> str:
    """The device in words: `CPU (x86_64, 2 threads)` or `CUDA (NVIDIA H100)`."""
    if device.type == "cuda":
        return f"CUDA ({torch.cuda.get_device_name(device)})"
    return f"CPU ({platform.machine()}, {torch.get_num_threads()} threads)"


@contextmanager
def inference(device: torch.device, half: torch.dtype | None = None) -> Iterator[None]:
    """No gradients, and a fixed precision.

    Args:
        device: Where the network is.
        half: `torch.bfloat16` or `torch.float16` for matrix work (autocast) in networks whose results were measured to
            hold in it. None keeps float32 and turns off TF32, whose 10-bit mantissa is half precision, too.
    """
    with torch.inference_mode():
        if half is not None:
            with torch.autocast(device.type, dtype=half):
                yield
        elif device.type == "cuda":
            with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
                yield
        else:
            yield


def training_precision(device: torch.device) -> torch.dtype | None:
    """The precision of a training step's matrix work (autocast): bfloat16 if CUDA has it, else None for float32.

    bfloat16 has the range of float32, so no loss scaling is needed.
    """
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return None
