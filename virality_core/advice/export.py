"""Writes a copy of the reel with one change made."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from virality_core.advice.change import Change
from virality_core.advice.edits import amplify
from virality_core.advice.stabilize import camera_path, stabilizing_window
from virality_core.errors import UsageError
from virality_core.media.encoding.edited_copy import Treatment, rewrite, rewritten
from virality_core.progress import StageProgress
from virality_core.types import Progress, no_progress


def export(source: Path, out: Path, change: Change, *, progress: Progress = no_progress) -> Path:
    """Write the changed reel to `out` as MP4.

    Raises:
        UsageError: The change is one of the caption, or `out` is the reel itself or can't be written.
        InputError: The reel can't be read. Cancelled: From `progress`.
    """
    return rewrite(source, out, _treatment(source, change, None, progress), progress=progress)


def export_bytes(
    source: str | Path | BinaryIO, change: Change, *, name: str | None = None, progress: Progress = no_progress
) -> bytes:
    """The changed reel as MP4 bytes. Raises as `export`, and InputError if it grows too large for memory."""
    stages = StageProgress(progress, count=1 if change.stabilization is None else 2)
    treatment = _treatment(source, change, name, progress if change.stabilization is None else stages.next())
    return rewritten(source, treatment, name=name, progress=stages.next())


def _treatment(source: str | Path | BinaryIO, change: Change, name: str | None, progress: Progress) -> Treatment:
    if not change.can_export:
        raise UsageError("There is nothing to export: this advice is about the caption.")
    factor, how = 10.0 ** (change.gain / 20.0), change.stabilization
    window = None
    if how is not None:
        window = stabilizing_window(camera_path(source, how, name=name, progress=progress), how)
    return Treatment(
        edit=change.edit if how is None else None,
        window=window,
        treat=(lambda samples: amplify(samples, factor)) if change.gain else None,
        begin_seconds=change.begin_seconds,
        sound_begin_seconds=change.sound_begin_seconds,
    )
