"""Manifest → verified local file. (Grows in this issue: resolve, profiles, download.)"""

from __future__ import annotations

import os
from pathlib import Path


def folder() -> Path:
    """The folder that holds manifest.toml and the bundled files: `$VIRALITY_WEIGHTS_DIR`, else beside the package."""
    override = os.environ.get("VIRALITY_WEIGHTS_DIR")
    if override:
        return Path(override)
    package = Path(__file__).resolve().parent
    bundled = package / "_weights"  # in an installed wheel
    return bundled if bundled.is_dir() else package.parent / "weights"
