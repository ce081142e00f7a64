"""Writes and reads clips, and measures VMAF, with the ffmpeg of imageio-ffmpeg (libvmaf, model v0.6.1)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

Clip = NDArray[np.uint8]  # (T, H, W, 3)
RATE = 24  # frames per second of a written clip

_BT709 = "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"
_TAGS = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")
_VMAF = f"[0:v]{_BT709}[d];[1:v]{_BT709}[r];[d][r]libvmaf=log_path=log.json:log_fmt=json:n_threads=1:n_subsample=2"


def encode(clip: Clip, path: Path, codec: str, crf: float) -> int:
    """Write the clip as MP4 (libx264 or libx265, preset veryfast); returns the file's bytes."""
    quiet = ["-x265-params", "log-level=none"] if codec == "libx265" else []
    coding = ["-vf", _BT709, *_TAGS, "-c:v", codec, "-preset", "veryfast", "-crf", f"{crf:.1f}", *quiet]
    _run([*_raw(clip), "-i", "-", *coding, "-y", str(path)], stdin=clip.tobytes())
    return path.stat().st_size


def decode(path: Path, shape: tuple[int, ...], *, seconds: float = 3600.0) -> Clip:
    """The first `seconds` of a file, scaled to the H and W of `shape` (any, H, W, 3)."""
    size = f"{shape[2]}x{shape[1]}"
    data = _run(["-t", str(seconds), "-i", str(path), "-s", size, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
    return np.frombuffer(data, np.uint8).reshape(-1, *shape[1:])


def vmaf(path: Path, clean: Clip) -> float:
    """Mean VMAF, 0–100, over every second frame of a file against the clean clip of the same size."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "clean").write_bytes(clean.tobytes())
        inputs = ["-r", str(RATE), "-i", str(path.resolve()), *_raw(clean), "-i", "clean"]
        _run([*inputs, "-lavfi", _VMAF, "-f", "null", "-"], folder=folder)
        log = json.loads((Path(folder) / "log.json").read_text())
    return float(log["pooled_metrics"]["vmaf"]["mean"])


def _raw(clip: Clip) -> list[str]:
    size = f"{clip.shape[2]}x{clip.shape[1]}"
    return ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", str(RATE)]


def _run(arguments: list[str], *, stdin: bytes | None = None, folder: str | None = None) -> bytes:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-threads", "1", *arguments]
    return subprocess.run(command, input=stdin, cwd=folder, check=True, timeout=300, stdout=subprocess.PIPE).stdout
