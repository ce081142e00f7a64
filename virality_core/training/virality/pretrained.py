"""Where a run begins: with torchvision's Kinetics-400 weights where they can be had, else from scratch; it says so."""

from __future__ import annotations

from torch import nn

from virality_core.errors import WeightsError
from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.vision.r2plus1d import load_body
from virality_core.models.weights import DigestMismatch

ID = "r2plus1d-kinetics400"


def begin_with_kinetics(network: nn.Module) -> tuple[bool, str]:
    """Load the body if it can be had and fits; returns whether, and the sentence that says so.

    Raises:
        DigestMismatch: a file is there and is not the published one.
    """
    try:
        load_body(network, load_tensors(weights.resolve(ID)))
    except DigestMismatch:
        raise
    except WeightsError as error:
        return False, f"From scratch: {error}"
    return True, "Begun with R(2+1)D-18's Kinetics-400 weights."
