"""Writes an edited copy of a reel: frames or sound changed, or the beginning left out; every frame keeps its time.

Frames are decoded as a report's are (upright, square pixels, SDR) and keep their times and keyframes, so that a report
on the copy looks at the same frames. If only the sound changes, video packets are copied as they are.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.video.frame import PictureType, VideoFrame
from numpy.typing import NDArray

from virality_core.errors import InputError, UsageError
from virality_core.media.container import stream_index
from virality_core.media.container.source import AV_ERRORS, Source, VideoSource, main_audio, main_video
from virality_core.media.decoding.opened_video import open_video
from virality_core.media.encoding.h264_roundtrip import CRF, PRESET, crop_to_even, to_yuv420
from virality_core.media.encoding.transcoder import SoundEdit, Transcoder, add_h264_stream, open_mp4
from virality_core.media.guards.limits import DEFAULT_LIMITS, MEGABYTE, Limits
from virality_core.media.sound.audio_frames import check_channels
from virality_core.types import Progress, no_progress

STAGE = "exporting"
_AUDIO_BIT_RATE = 192_000
_X264_OPTIONS = {"preset": PRESET, "crf": str(CRF), "forced-idr": "1", "x264-params": "scenecut=0:keyint=600"}

FrameEdit = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]  # one frame (H, W, 3)
Window = Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]  # one frame and when it is shown, in seconds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Edits:
    """What to change in a reel. `window` comes after `edit_frame`; `skip_seconds` leaves out the beginning.

    `skip_sound_seconds` leaves out more of the sound's beginning, so that the rest of it comes earlier.
    """

    edit_frame: FrameEdit | None = None
    window: Window | None = None
    edit_sound: SoundEdit | None = None
    skip_seconds: float = 0.0
    skip_sound_seconds: float = 0.0


def write_edited(
    source: Path, out: Path, edits: Edits, *, progress: Progress = no_progress, limits: Limits = DEFAULT_LIMITS
) -> Path:
    """Write the edited reel to `out`, an MP4 (H.264, AAC). An existing file is replaced once the new one is complete.

    Raises:
        UsageError: `out` is the reel itself, or can't be written.
        InputError: the reel or its sound can't be read. Cancelled: from `progress`; nothing is left behind.
    """
    if out.exists() and source.exists() and out.samefile(source):
        raise UsageError(f"{out} is the reel itself; choose another file name.")
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(suffix=".mp4", dir=out.parent, prefix=".export-")
        os.close(handle)
        temporary = Path(name)
        with Source(source, limits=limits) as opened:
            _write(temporary, opened, edits, progress)
        os.replace(temporary, out)
    except OSError as error:
        raise UsageError(f"{out} can't be written ({error.strerror}); choose another folder.") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    return out


def edited_mp4(
    source: VideoSource,
    edits: Edits,
    *,
    name: str | None = None,
    progress: Progress = no_progress,
    limits: Limits = DEFAULT_LIMITS,
) -> bytes:
    """The same copy as MP4 bytes in memory: the page writes no visitor's video to disk.

    Raises:
        InputError: the reel can't be read, or the copy exceeds `limits.max_bytes`. Cancelled: from `progress`.
    """
    out = io.BytesIO()

    def bounded(stage: str, fraction: float) -> None:
        if out.tell() > limits.max_bytes:
            raise InputError(f"The edited copy is larger than {limits.max_bytes / MEGABYTE:.0f} MB; shorten the reel.")
        progress(stage, fraction)

    with Source(source, name=name, limits=limits) as opened:
        _write(out, opened, edits, bounded)
    return out.getvalue()


def _write(out: io.BytesIO | Path, source: Source, edits: Edits, progress: Progress) -> None:
    """Write the edited reel. Raises InputError if the reel can't be read."""
    try:
        with open_video(source, lambda _stage, _fraction: progress(stream_index.STAGE, 0.0)) as decoder:
            index, converter = decoder.index, decoder.converter
        rgb = np.zeros((converter.height, converter.width, 3), np.uint8)

        def edited(seconds: float) -> NDArray[np.uint8]:
            result = rgb if edits.edit_frame is None else edits.edit_frame(rgb)
            return crop_to_even(result if edits.window is None else edits.window(result, seconds))

        def make_frame(frame: VideoFrame, seconds: float) -> VideoFrame:
            is_key = bool(frame.key_frame)
            converter.rgb(frame, rgb, for_encoding=True)
            made = to_yuv420(edited(seconds))
            made.pict_type = PictureType.I if is_key else PictureType.NONE  # keyframes where the reel has them
            return made

        keeps_frames = not (
            edits.edit_frame or edits.window or edits.skip_seconds or converter.orientation.degrees_clockwise
        )
        with source.open() as container, open_mp4(out) as target:
            stream = main_video(container, source.name)
            audio = main_audio(container)
            if audio is not None:
                check_channels(audio.codec_context)
            # Only MP4 states all decoding times; a clock that doesn't start at 0 would separate picture and sound.
            is_mp4 = "mp4" in container.format.name.split(",") and index.start_pts == 0
            codec = stream.codec_context.codec.canonical_name
            if copies_video := keeps_frames and is_mp4 and codec in ("h264", "hevc"):
                stream_out = target.add_stream_from_template(stream)
            else:
                height, width = edited(0.0).shape[:2]
                stream_out = add_h264_stream(target, index, width=width, height=height, options=_X264_OPTIONS)
            Transcoder(
                target,
                container,
                index,
                video=(stream, stream_out),
                make_frame=None if copies_video else make_frame,
                audio=audio,
                audio_bit_rate=_AUDIO_BIT_RATE,
                edit_sound=edits.edit_sound,
                skip_seconds=edits.skip_seconds,
                skip_sound_seconds=edits.skip_sound_seconds,
            ).run(STAGE, progress)
    except AV_ERRORS as error:
        raise InputError(f"“{source.name}” can't be exported; export it in your editor.") from error
