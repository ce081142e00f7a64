"""Reel Virality: how a short video is likely to do, why, and what to change.

The public names are loaded on first use, so that `virality --help` does not wait for torch, and a program that is
stopped in its first moments is so without a traceback.
"""

from typing import TYPE_CHECKING, Any

from virality_core.errors import ViralityError
from virality_core.version import __version__

if TYPE_CHECKING:
    from virality_core.pipeline import load_scorers, score_reel
    from virality_core.types import Post, Report

__all__ = ["Post", "Report", "ViralityError", "__version__", "load_scorers", "score_reel"]


def __getattr__(name: str) -> Any:
    if name in {"load_scorers", "score_reel"}:
        from virality_core import pipeline

        return getattr(pipeline, name)
    if name in {"Post", "Report"}:
        from virality_core import types

        return getattr(types, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
