"""Steadies a shaking picture: its path is followed from frame to frame, and a smaller window goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core.advice import Steady
from virality_core.media import VideoSource
from virality_core.media.decoding.every_frame import every_frame
from virality_core.media.encoding.edited_copy import Window
from virality_core.media.shots.cut_list import Found
from virality_core.media.shots.pixel_cuts import thumb
from virality_core.scorers.measures import motion
from virality_core.types import Cuts, FrameRun, Progress

#: Of the Gaussian that smooths the path: a hand shakes faster than this, and a pan takes longer.
SMOOTH_SECONDS = 0.25
_SMALL = 80  # pixels of the short side: what the flow is found on
_KEPT = 60  # of it, what is kept of every frame: cuts are looked for on less
_KEPT_AREA = 2.5 * _KEPT**2  # pixels, and bytes a frame, at most
_MOST_KEPT = 6000  # frames, 200 s at 30 a second: of a longer reel none, which would fill the memory
_SAME = 1e-3  # seconds: two times nearer than this are one frame's


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Track:
    """How far the picture is off its smooth path: `offsets` (T, 2), x and y in frame heights, at `seconds` (T,).

    `luma` uint8 (T, h, w) is what the frames look like, very small; None for a long reel.
    """

    seconds: NDArray[np.float64]
    offsets: NDArray[np.float64]
    luma: NDArray[np.uint8] | None

    def at(self, second: float) -> NDArray[np.float64]:
        """The offset (2,) of the frame shown then; none where no frame is."""
        place = int(np.searchsorted(self.seconds, second - _SAME))
        known = place < len(self.seconds) and self.seconds[place] <= second + _SAME
        return np.asarray(self.offsets[place] if known else np.zeros(2), np.float64)


def track_of(source: VideoSource, how: Steady, *, name: str | None = None, progress: Progress | None = None) -> Track:
    """Follow the picture of the whole file, which is decoded once for it.

    Memory: the pictures kept of it, at most 54 MB, and as much again while they are joined.

    Raises:
        InputError: the file can't be read. Cancelled: from `progress`.
    """
    tell = progress or _unwatched
    cuts = np.array(how.cut_seconds, np.float64)
    seconds: list[float] = []
    parts: list[motion.Steps] = []
    kept: list[NDArray[np.uint8]] = []
    last = np.empty((0, 0, 0), np.uint8)

    def decoding(stage: str, fraction: float) -> None:
        tell("following the picture", fraction if stage == "decoding" else 0.0)  # reading comes before, and is quick

    for batch in every_frame(source, name=name, progress=decoding):
        small = np.stack([_shrunk(_grey(frame), _SMALL) for frame in batch.rgb])
        if len(kept) == len(seconds) and len(seconds) + len(small) <= _MOST_KEPT:
            kept += [_tiny(frame) for frame in small]
        together = small if not seconds else np.concatenate([last, small])
        times = batch.seconds if not seconds else np.append(seconds[-1], batch.seconds)
        parts += motion.follow(FrameRun(luma=together, seconds=times), cuts, _nothing)
        seconds += batch.seconds.tolist()
        last = small[-1:]
    at = np.array(seconds, np.float64)
    return Track(seconds=at, offsets=_offsets(at, parts), luma=np.stack(kept) if len(kept) == len(at) else None)


def window_of(track: Track, how: Steady) -> Window:
    """What cuts the steady window out of a frame (H, W, 3) that is shown at so many seconds."""
    return lambda frame, second: _window(frame, track.at(second), how.margin)


def through_window(runs: Sequence[FrameRun], track: Track, how: Steady, height: int) -> tuple[FrameRun, ...]:
    """Small grey runs as they are seen through the window. `height`: the reel's in pixels; it moves by whole ones."""
    made = []
    for run in runs:
        places = [np.round(track.at(float(second)) * height) / height for second in run.seconds]
        luma = [_fine_window(frame, place, how.margin) for frame, place in zip(run.luma, places, strict=True)]
        made.append(FrameRun(luma=np.stack(luma), seconds=run.seconds) if len(luma) else run)
    return tuple(made)


def cuts_through(track: Track, how: Steady) -> Cuts | None:
    """The cuts that are seen through the window: shake hides them, and a jump that is left looks like one.

    None where the track keeps no pictures.
    """
    if track.luma is None:
        return None
    found = Found()
    windows = (_fine_window(frame, offset, how.margin) for frame, offset in zip(track.luma, track.offsets, strict=True))
    found.look_at(track.seconds, (thumb(window) for window in windows))
    return found.cuts()


def _offsets(seconds: NDArray[np.float64], parts: Sequence[motion.Steps]) -> NDArray[np.float64]:
    """How far the picture is off its smooth path at each frame: float64 (T, 2), x and y in frame heights."""
    came = {float(part.seconds[i + 1]): part.camera[i] for part in parts for i in range(len(part.camera))}
    offsets = np.zeros((len(seconds), 2))
    begin = 0
    for place in range(1, len(seconds) + 1):
        if place < len(seconds) and float(seconds[place]) in came:
            continue
        steps = [came[float(second)] for second in seconds[begin + 1 : place]]
        path = np.vstack([np.zeros((1, 2)), np.cumsum(np.array(steps).reshape(-1, 2), axis=0)])
        offsets[begin:place] = path - _smooth(path, seconds[begin:place])
        begin = place
    return offsets


def _smooth(path: NDArray[np.float64], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """At each frame a straight line, fitted with a Gaussian's weights over time: a pan stays a pan, at the ends too.

    Source: local linear regression (W. Cleveland, JASA 74, 1979).
    """
    if len(path) < 3:
        return path
    sigma = SMOOTH_SECONDS / float(np.median(np.diff(seconds)))
    reach = min(len(path) - 1, int(np.ceil(3 * sigma)))
    away = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (away / sigma) ** 2)

    def total(values: NDArray[np.float64], power: int) -> NDArray[np.float64]:
        kernel = weights * away**power
        return np.convolve(values, kernel[::-1], mode="full")[len(away) // 2 :][: len(values)]

    ones = np.ones(len(path))
    s0, s1, s2 = (total(ones, power) for power in (0, 1, 2))
    lines = [(s2 * total(path[:, axis], 0) - s1 * total(path[:, axis], 1)) for axis in (0, 1)]
    return np.stack(lines, axis=1) / (s0 * s2 - s1**2)[:, None]


def _window(frame: NDArray[np.uint8], offset: NDArray[np.float64], margin: float) -> NDArray[np.uint8]:
    """The window in whole pixels, so that nothing is made softer."""
    height, width = frame.shape[:2]
    rim_x, rim_y = int(margin * width), int(margin * height)
    x = int(np.clip(rim_x + round(offset[0] * height), 0, 2 * rim_x))
    y = int(np.clip(rim_y + round(offset[1] * height), 0, 2 * rim_y))
    return np.ascontiguousarray(frame[y : y + height - 2 * rim_y, x : x + width - 2 * rim_x])


def _fine_window(luma: NDArray[np.uint8], offset: NDArray[np.float64], margin: float) -> NDArray[np.uint8]:
    """The same on a small grey frame, between its pixels."""
    height, width = luma.shape
    rim_x, rim_y = int(margin * width), int(margin * height)
    size = (width - 2 * rim_x, height - 2 * rim_y)
    shift_x = float(np.clip(offset[0] * height, -margin * width, margin * width))
    shift_y = float(np.clip(offset[1] * height, -margin * height, margin * height))
    move = np.array([[1.0, 0.0, rim_x + shift_x], [0.0, 1.0, rim_y + shift_y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(luma, move, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _grey(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)


def _tiny(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A grey frame (H, W) of `_KEPT` pixels or less on the short side, of `_KEPT_AREA` or less in all."""
    height, width = grey.shape
    area = float(np.sqrt(_KEPT_AREA / (height * width)))
    return _shrunk(grey, min(_KEPT, max(1, int(area * min(height, width)))))


def _shrunk(grey: NDArray[np.uint8], short_side: int) -> NDArray[np.uint8]:
    """A grey frame (H, W) with a short side of at most so many pixels."""
    height, width = grey.shape
    scale = short_side / min(height, width)
    if scale >= 1.0:
        return grey
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def _nothing() -> None:
    """A step nobody counts."""


def _unwatched(stage: str, fraction: float) -> None:
    """Progress nobody watches."""
