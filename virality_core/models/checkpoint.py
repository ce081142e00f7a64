"""Reads a weights file into tensors without running any code in it."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from virality_core.errors import WeightsError


def load_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, or of a torch checkpoint read with `weights_only=True`, on the CPU.

    Raises:
        WeightsError: the file is damaged, has another format, or is a pickle with more than tensors.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError) as error:
        raise WeightsError(
            f"{path.name} can't be read as weights; a pickle, which could run code, never is."
        ) from error
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise WeightsError(f"{path.name} holds something other than named tensors.")
    return loaded
