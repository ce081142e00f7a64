"""Writes a copy of the reel with one change made."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from virality_core.advice.change import Change
from virality_core.advice.edits import amplify
from virality_core.advice.stabilize import camera_path, stabilizing_window
from virality_core.errors import UsageError
from virality_core.media.encoding.edited_copy import Edits, edited_mp4, write_edited
from virality_core.types import Progress, no_progress


def export(source: Path, out: Path, change: Change, *, progress: Progress = no_progress) -> Path:
    """Write the changed reel to `out` as MP4.

    Raises:
        UsageError: The change is one of the caption, or `out` is the reel itself or can't be written.
        InputError: The reel can't be read. Cancelled: From `progress`.
    """
    return write_edited(source, out, _edits(source, change, None, progress), progress=progress)


def export_bytes(
    source: str | Path | BinaryIO, change: Change, *, name: str | None = None, progress: Progress = no_progress
) -> bytes:
    """The changed reel as MP4 bytes. Raises as `export`, and InputError if it grows too large for memory."""
    half = 0.0 if change.stabilization is None else 0.5  # in the first half the camera is followed
    edits = _edits(source, change, name, lambda stage, fraction: progress(stage, half * fraction))

    def writing(stage: str, fraction: float) -> None:
        progress(stage, half + (1 - half) * fraction)

    return edited_mp4(source, edits, name=name, progress=writing)


def _edits(source: str | Path | BinaryIO, change: Change, name: str | None, progress: Progress) -> Edits:
    if not change.can_export:
        raise UsageError("There is nothing to export: this advice is about the caption.")
    factor, how = 10.0 ** (change.gain / 20.0), change.stabilization
    window = None
    if how is not None:
        window = stabilizing_window(camera_path(source, how, name=name, progress=progress), how)
    return Edits(
        edit_frame=change.edit if how is None else None,
        window=window,
        edit_sound=(lambda samples: amplify(samples, factor)) if change.gain else None,
        skip_seconds=change.begin_seconds,
        skip_sound_seconds=change.sound_begin_seconds,
    )
