"""Writes the trained model as one file: the part of NIMA's MobileNet that it uses, and its heads."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import save

from virality_core.models.vision.vsfa_lite import LiteFeatures, LiteHead


def save_model(network: LiteFeatures, heads: Sequence[LiteHead], path: Path) -> str:
    """Write the tensors, float16; returns the file's sha256."""
    tensors = {
        prefix + name: tensor.half().contiguous()
        for prefix, module in (("features.", network), *((f"heads.{place}.", head) for place, head in enumerate(heads)))
        for name, tensor in module.state_dict().items()
    }
    data = save(dict(sorted(tensors.items())))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()
