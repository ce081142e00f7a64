"""The figures that the light quality model's card states are those of the weights that are shipped."""

from __future__ import annotations

import json

import pytest

from virality_core.models import weights
from virality_core.models.weights.cache import sha256


@pytest.mark.parametrize("name", ["metrics.json", "other_videos.json"])
def test_the_figures_are_of_the_bundled_weights(name: str) -> None:
    folder = weights.folder() / "vsfa_lite"
    assert json.loads((folder / name).read_text())["sha256"] == sha256(folder / "model.safetensors")
