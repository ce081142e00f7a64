"""Sizes of the checks that take long: small in `make test`, in full under `make soak`."""

from __future__ import annotations

import os

SOAK = bool(os.environ.get("VIRALITY_SOAK"))


def size(usual: int, soak: int) -> int:
    """`usual`, or `soak` under `make soak`."""
    return soak if SOAK else usual
