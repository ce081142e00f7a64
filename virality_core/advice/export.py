"""Writes the clip with one change made, with moviepy: every frame edited, the sound amplified, the start cut off.

moviepy squashes reels that their file only tells players to turn: those are refused with a sentence. On variable frame
rates its times are off; the copy has a constant rate.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from virality_core.advice.change import Change
from virality_core.errors import InputError, UsageError, ViralityError

_CEILING = 10.0 ** (-1.0 / 20.0)


def export_change(source: Path, out: Path, change: Change) -> Path:
    """Write `source` with the change made to `out`, as MP4 (H.264 at CRF 16, AAC); returns `out`.

    Raises:
        UsageError: the change is one of the caption, or `out` is the reel itself.
        InputError: the clip can't be read or written so.
    """
    if change.edit is None and not change.gain and not change.begin_seconds:
        raise UsageError("There is nothing to export: the advice is about the caption.")
    if out.resolve() == source.resolve():
        raise UsageError(f"{out} is the reel itself; name another file.")
    from moviepy import VideoFileClip  # here: it takes a second to import and nothing else needs it

    handle, beside = tempfile.mkstemp(suffix=".mp4", dir=out.parent, prefix=".export-")
    os.close(handle)
    try:
        with VideoFileClip(str(source)) as clip:
            made = _changed(clip, change)
            made.write_videofile(
                beside,
                codec="libx264",
                audio_codec="aac",
                audio_bitrate="192k",
                ffmpeg_params=["-crf", "16", "-pix_fmt", "yuv420p"],
                preset="veryfast",
                temp_audiofile_path=str(out.parent),
                logger=None,
            )
        os.replace(beside, out)
    except ViralityError:
        raise
    except (OSError, ValueError, RuntimeError, KeyError, IndexError) as error:
        raise InputError(
            f"“{source.name}” can't be exported ({type(error).__name__}); export it in your editor."
        ) from error
    finally:
        Path(beside).unlink(missing_ok=True)
    return out


def _changed(clip, change: Change):  # type: ignore[no-untyped-def]
    """The moviepy clip with the change made."""
    if getattr(clip.reader, "rotation", 0) in (90, -90, 270, -270):
        raise InputError("A reel that its file only tells players to turn can't be exported here; use your editor.")
    if change.begin_seconds:
        clip = clip.subclipped(min(change.begin_seconds, clip.duration))
    edit = change.edit
    if edit is not None:
        clip = clip.image_transform(lambda frame: _even(edit(np.ascontiguousarray(frame[:, :, :3]))))
    if change.gain and clip.audio is not None:
        factor = 10.0 ** (change.gain / 20.0)
        clip = clip.with_audio(clip.audio.transform(lambda get, t: limited(get(t), factor)))
    return clip


def limited(samples: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """Samples times `factor`; what would pass −1 dB is bent to stay under it (tanh above half of it)."""
    louder = np.asarray(samples, np.float64) * factor
    knee = _CEILING / 2
    over = np.abs(louder) > knee
    bent = np.sign(louder) * (knee + (_CEILING - knee) * np.tanh((np.abs(louder) - knee) / (_CEILING - knee)))
    return np.where(over, bent, louder)


def _even(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut to even sides, as H.264 in 4:2:0 wants them."""
    height, width = frame.shape[:2]
    return frame[: height - height % 2, : width - width % 2]
