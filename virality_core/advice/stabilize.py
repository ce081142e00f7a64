"""Stabilizes a shaking picture: its path is followed from frame to frame, and a smaller window moves with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core.advice.change import Frame, Stabilization
from virality_core.media import VideoSource
from virality_core.media.decoding.frame_sampler import every_frame
from virality_core.media.encoding.edited_copy import Window
from virality_core.media.shots.detector import CutList
from virality_core.media.shots.frame_difference import thumbnail
from virality_core.scorers.measures import motion
from virality_core.types import Cuts, FrameRun, Progress, no_progress

Gray = NDArray[np.uint8]  # (H, W)

SMOOTH_SECONDS = 0.25  # sigma of the Gaussian that smooths the path: hand shake is faster, a pan slower
_FLOW_SIDE = 80  # pixels of the short side that optical flow is computed on
_CUT_SIDE = 60  # pixels of the short side that is kept of every frame to find cuts in
_CUT_AREA = 2.5 * _CUT_SIDE**2  # pixels, and bytes per frame, at most
_MAX_KEPT = 6000  # frames, 200 s at 30 fps: a longer reel would fill the memory, so none of it is kept
_SAME_TIME = 1e-3  # seconds: times closer than this are of one frame


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CameraPath:
    """`offsets` (T, 2): how far the picture is from its smooth path at `seconds` (T,); x and y in frame heights.

    `luma` uint8 (T, h, w) are the frames, very small; None for a long reel.
    """

    seconds: NDArray[np.float64]
    offsets: NDArray[np.float64]
    luma: NDArray[np.uint8] | None

    def at(self, second: float) -> NDArray[np.float64]:
        """The offset (2,) of the frame at that time, 0 if there is no frame."""
        i = int(np.searchsorted(self.seconds, second - _SAME_TIME))
        found = i < len(self.seconds) and self.seconds[i] <= second + _SAME_TIME
        return np.asarray(self.offsets[i] if found else np.zeros(2), np.float64)


def camera_path(
    source: VideoSource, how: Stabilization, *, name: str | None = None, progress: Progress = no_progress
) -> CameraPath:
    """Decode the whole file once and follow its picture. Keeps at most 54 MB of small frames, twice that at the end.

    Raises:
        InputError: The file can't be read. Cancelled: From `progress`.
    """
    cuts = np.array(how.cut_seconds, np.float64)
    seconds: list[float] = []
    steps: list[motion.FlowSteps] = []
    kept: list[Gray] = []
    last = np.empty((0, 0, 0), np.uint8)

    def report(stage: str, fraction: float) -> None:
        progress("following the picture", fraction if stage == "decoding" else 0.0)  # reading the file is quick

    for batch in every_frame(source, name=name, progress=report):
        gray = (np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8) for frame in batch.rgb)
        small = np.stack([_shrink(frame, _FLOW_SIDE) for frame in gray])
        if len(kept) == len(seconds) and len(seconds) + len(small) <= _MAX_KEPT:
            kept += [_shrink_to_area(frame) for frame in small]
        luma = small if not seconds else np.concatenate([last, small])
        times = batch.seconds if not seconds else np.append(seconds[-1], batch.seconds)
        steps += motion.flow_steps(FrameRun(luma=luma, seconds=times), cuts, lambda: None)
        seconds += batch.seconds.tolist()
        last = small[-1:]
    at = np.array(seconds, np.float64)
    return CameraPath(seconds=at, offsets=_offsets(at, steps), luma=np.stack(kept) if len(kept) == len(at) else None)


def stabilizing_window(path: CameraPath, how: Stabilization) -> Window:
    """A function that crops the frame (H, W, 3) at a time in seconds to the window. Whole pixels keep it sharp."""

    def window(frame: Frame, second: float) -> Frame:
        height, width = frame.shape[:2]
        offset = path.at(second)
        margin_x, margin_y = int(how.margin * width), int(how.margin * height)
        x = int(np.clip(margin_x + round(offset[0] * height), 0, 2 * margin_x))
        y = int(np.clip(margin_y + round(offset[1] * height), 0, 2 * margin_y))
        return np.ascontiguousarray(frame[y : y + height - 2 * margin_y, x : x + width - 2 * margin_x])

    return window


def stabilize_runs(runs: Sequence[FrameRun], path: CameraPath, how: Stabilization, height: int) -> tuple[FrameRun, ...]:
    """Small gray runs seen through the window. `height`: the reel's in pixels; the window moves by whole ones."""
    stable = []
    for run in runs:
        offsets = [np.round(path.at(float(second)) * height) / height for second in run.seconds]
        luma = [_subpixel_window(frame, offset, how.margin) for frame, offset in zip(run.luma, offsets, strict=True)]
        stable.append(FrameRun(luma=np.stack(luma), seconds=run.seconds) if len(luma) else run)
    return tuple(stable)


def stabilized_cuts(path: CameraPath, how: Stabilization) -> Cuts | None:
    """The cuts seen through the window: shake hides cuts, and a jump can look like one. None for a long reel."""
    if path.luma is None:
        return None
    found = CutList()
    frames = zip(path.luma, path.offsets, strict=True)
    found.examine(path.seconds, (thumbnail(_subpixel_window(frame, offset, how.margin)) for frame, offset in frames))
    return found.cuts()


def _offsets(seconds: NDArray[np.float64], steps: Sequence[motion.FlowSteps]) -> NDArray[np.float64]:
    """Distance of the picture from its smooth path at each frame: float64 (T, 2), x and y in frame heights."""
    moves = {float(part.seconds[i + 1]): part.camera[i] for part in steps for i in range(len(part.camera))}
    offsets = np.zeros((len(seconds), 2))
    begin = 0
    for end in range(1, len(seconds) + 1):
        if end < len(seconds) and float(seconds[end]) in moves:
            continue
        shot = np.array([moves[float(second)] for second in seconds[begin + 1 : end]]).reshape(-1, 2)
        path = np.vstack([np.zeros((1, 2)), np.cumsum(shot, axis=0)])
        offsets[begin:end] = path - _smooth(path, seconds[begin:end])
        begin = end
    return offsets


def _smooth(path: NDArray[np.float64], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Local linear regression with Gaussian weights over time: a pan stays a pan, also at both ends.

    Source: W. Cleveland, JASA 74, 1979.
    """
    if len(path) < 3:
        return path
    sigma = SMOOTH_SECONDS / float(np.median(np.diff(seconds)))
    reach = min(len(path) - 1, int(np.ceil(3 * sigma)))
    distance = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (distance / sigma) ** 2)

    def moment(values: NDArray[np.float64], power: int) -> NDArray[np.float64]:
        kernel = weights * distance**power
        return np.convolve(values, kernel[::-1], mode="full")[len(distance) // 2 :][: len(values)]

    ones = np.ones(len(path))
    s0, s1, s2 = (moment(ones, power) for power in (0, 1, 2))
    lines = [(s2 * moment(path[:, axis], 0) - s1 * moment(path[:, axis], 1)) for axis in (0, 1)]
    return np.stack(lines, axis=1) / (s0 * s2 - s1**2)[:, None]


def _subpixel_window(luma: Gray, offset: NDArray[np.float64], margin: float) -> Gray:
    """The window of a small gray frame, which needs positions between its pixels."""
    height, width = luma.shape
    margin_x, margin_y = int(margin * width), int(margin * height)
    size = (width - 2 * margin_x, height - 2 * margin_y)
    shift_x = float(np.clip(offset[0] * height, -margin * width, margin * width))
    shift_y = float(np.clip(offset[1] * height, -margin * height, margin * height))
    move = np.array([[1.0, 0.0, margin_x + shift_x], [0.0, 1.0, margin_y + shift_y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(luma, move, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _shrink_to_area(gray: Gray) -> Gray:
    """At most `_CUT_SIDE` pixels on the short side and `_CUT_AREA` in all."""
    height, width = gray.shape
    scale = float(np.sqrt(_CUT_AREA / (height * width)))
    return _shrink(gray, min(_CUT_SIDE, max(1, int(scale * min(height, width)))))


def _shrink(gray: Gray, short_side: int) -> Gray:
    height, width = gray.shape
    scale = short_side / min(height, width)
    if scale >= 1.0:
        return gray
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)
