"""The tables people edit, each with its reader: signals, technical faults, platforms, safe zones, platform check."""

from __future__ import annotations

from pathlib import Path


def folder() -> Path:
    """Where the tables are."""
    return Path(__file__).parent
