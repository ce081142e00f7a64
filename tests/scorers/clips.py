"""The real clips of ../shared as the scorers see them, read frame by frame with PyAV: no code under test."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from virality_core.types import Cuts, FrameBatch, FrameRun, Reel, VideoInfo

MEDIA = Path(__file__).resolve().parents[2].parent / "shared" / "media"
CLIPS = ("13bdbeb5.mp4", "1e719ead.mp4", "421c8b59.mp4")

_RUN_LONG_SIDE = 256


def info(*, seconds: float = 10.0, frame_rate: float = 30.0, width: int = 480, height: int = 852) -> VideoInfo:
    """A VideoInfo of a made-up reel."""
    return VideoInfo(
        name="made.mp4",
        size_bytes=1,
        container="mp4",
        codec="h264",
        width=width,
        height=height,
        rotation_degrees=0,
        duration_seconds=seconds,
        frame_rate=frame_rate,
        frame_count=None,
        bit_rate=None,
        pixel_format="yuv420p",
        transfer="sdr",
        has_alpha=False,
        audio=None,
    )


@lru_cache
def stills(name: str, count: int = 2) -> FrameBatch:
    """`count` frames spread evenly over a clip."""
    path = MEDIA / name
    if not path.exists():
        pytest.skip("the clips of ../shared/media are not here")
    with av.open(str(path)) as container:
        total = container.streams.video[0].frames
        wanted = {round((i + 0.5) * total / count) for i in range(count)}
        chosen = [frame for i, frame in enumerate(container.decode(video=0)) if i in wanted]
        return FrameBatch(
            rgb=np.stack([frame.to_ndarray(format="rgb24") for frame in chosen]),
            seconds=np.array([frame.time for frame in chosen]),
        )


@lru_cache
def run(name: str, seconds: float = 2.0) -> FrameRun:
    """The first seconds of a clip as small grey frames."""
    path = MEDIA / name
    if not path.exists():
        pytest.skip("the clips of ../shared/media are not here")
    luma, times = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.time >= seconds:
                break
            grey = frame.to_ndarray(format="gray")
            scale = _RUN_LONG_SIDE / max(grey.shape)
            luma.append(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
            times.append(frame.time)
    return FrameRun(luma=np.stack(luma), seconds=np.array(times))


def reel(
    frames: FrameBatch | None = None,
    *,
    runs: tuple[FrameRun, ...] = (),
    cuts: Cuts | None = None,
    video: VideoInfo | None = None,
) -> Reel:
    """A Reel that holds just what is given."""
    if frames is None:
        frames = FrameBatch(rgb=np.zeros((0, 16, 16, 3), np.uint8), seconds=np.zeros(0))
    return Reel(info=video or info(), frames=frames, runs=runs, cuts=cuts)


def changed(frames: FrameBatch, change: Callable[[np.ndarray], np.ndarray]) -> FrameBatch:
    """The frames with `change` applied to each as float32, then rounded and clipped to 8 bits again."""
    out = [np.clip(np.round(change(still.astype(np.float32))), 0, 255).astype(np.uint8) for still in frames.rgb]
    return FrameBatch(rgb=np.stack(out), seconds=frames.seconds)
