"""How much the picture moves, how much the camera shakes, whether frames repeat: from runs of consecutive frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core.types import FrameRun

_SHORT_SIDE = 80  # pixels of the frames that flow is computed on: good to about 0.05 pixel, 0.04 % of a portrait height
_MIN_TEXTURE = 2.0  # levels per pixel: anything less is flat, and the flow there a guess
_SOBEL_GAIN = 8.0  # the filter's response to a slope of one level per pixel
_MIN_TEXTURED_SHARE = 0.02
_RIM = 0.2  # of each side: the camera's own motion is read from the rim, where the subject seldom is
_FROZEN_DIFFERENCE = 0.1  # mean levels: a repeated frame differs by the encoder's rounding at most
_MAX_STEP = 0.5  # seconds: frames further apart are not consecutive
#: Motion is capped here: one frame height in 1/30 s, more than can be followed from frame to frame.
MAX_MOTION = 30.0

_WINDOW_SECONDS = 0.3
_MIN_SHAKE_FRAMES = 6
#: Shake is capped here: the picture jumps by a quarter of its height.
MAX_SHAKE = 25.0

Windows = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FlowSteps:
    """The T − 1 steps between the T frames of a run without a cut.

    `seconds` float64 (T,) of the frames; `moved` float64 (T − 1,): mean length of the flow as a share of the frame's
    height; `camera` float64 (T − 1, 2): median flow of the rim, x and y, same unit; `frozen` bool (T − 1,): repeats.
    """

    seconds: NDArray[np.float64]
    moved: NDArray[np.float64]
    camera: NDArray[np.float64]
    frozen: NDArray[np.bool_]


def flow_steps(run: FrameRun, cut_seconds: NDArray[np.float64], tick: Callable[[], None]) -> list[FlowSteps]:
    """The steps of a run, split where the shot changes or frames are missing. `tick` is called at each step.

    Dense inverse search flow on frames of `_SHORT_SIDE`; means and medians over textured pixels only.

    Source: T. Kroeger et al., "Fast optical flow using dense inverse search", ECCV 2016 (OpenCV's implementation).
    """
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    small = [_shrink(luma) for luma in run.luma]
    parts = []
    for start, stop in _unbroken(run.seconds, cut_seconds):
        steps = []
        for before, after in pairwise(small[start:stop]):
            tick()
            steps.append(_step(before, after, flow))
        moved, camera, frozen = (np.array(column) for column in zip(*steps, strict=True))
        parts.append(FlowSteps(seconds=run.seconds[start:stop], moved=moved, camera=camera, frozen=frozen))
    return parts


def motion_windows(parts: Sequence[FlowSteps]) -> Windows:
    """Middle (seconds) and amount of motion (frame heights per second, at most `MAX_MOTION`) of windows of 0.3 s."""

    def motion(part: FlowSteps, start: int, stop: int) -> float:
        seconds = part.seconds[start:stop]
        return min(float(part.moved[start : stop - 1].sum() / (seconds[-1] - seconds[0])), MAX_MOTION)

    return _in_windows(parts, motion, min_frames=2)


def shake_windows(parts: Sequence[FlowSteps]) -> Windows:
    """Middle (seconds) and shake (% of the frame's height, at most `MAX_SHAKE`) of windows of 0.3 s.

    Shake is the root-mean-square distance of the camera's path from a smooth path (a parabola in time, fitted over the
    window): a still, steadily moving or evenly accelerating camera has none. Rotation and zoom are not seen, and a
    subject that fills the rim of the frame counts as the camera.
    """

    def shake(part: FlowSteps, start: int, stop: int) -> float:
        seconds = part.seconds[start:stop]
        path = np.vstack([np.zeros((1, 2)), np.cumsum(part.camera[start : stop - 1], axis=0)])
        basis = np.vander((seconds - seconds.mean()) / max(float(np.ptp(seconds)), 1e-9), 3)
        coefficients, *_ = np.linalg.lstsq(basis, path, rcond=None)
        residual = path - basis @ coefficients
        distance = float(np.sqrt((residual**2).sum() / (len(seconds) - 3)))  # unbiased for white jitter
        return min(100.0 * distance, MAX_SHAKE)

    return _in_windows(parts, shake, min_frames=_MIN_SHAKE_FRAMES)


def frozen_share(parts: Sequence[FlowSteps]) -> float:
    """Share 0–1 of steps to a frame that repeats the one before."""
    return float(np.mean(np.concatenate([part.frozen for part in parts])))


def _in_windows(
    parts: Sequence[FlowSteps], measure: Callable[[FlowSteps, int, int], float], *, min_frames: int
) -> Windows:
    """Of windows of about `_WINDOW_SECONDS` and at least `min_frames` that share end frames and cover each part."""
    times, values = [], []
    for part in parts:
        seconds = part.seconds
        if len(seconds) < min_frames:
            continue
        count = max(1, round(float(seconds[-1] - seconds[0]) / _WINDOW_SECONDS))
        count = max(1, min(count, (len(seconds) - 1) // (min_frames - 1)))
        for start, end in pairwise(np.round(np.linspace(0, len(seconds) - 1, count + 1)).astype(int).tolist()):
            times.append(0.5 * (seconds[start] + seconds[end]))
            values.append(measure(part, start, end + 1))
    return np.array(times, dtype=np.float64), np.array(values, dtype=np.float64)


def _shrink(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = luma.shape
    scale = _SHORT_SIDE / min(height, width)
    if scale == 1.0:
        return luma
    size = (max(_SHORT_SIDE, round(width * scale)), max(_SHORT_SIDE, round(height * scale)))
    kind = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(luma, size, interpolation=kind), dtype=np.uint8)


def _unbroken(seconds: NDArray[np.float64], cut_seconds: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Index ranges of at least two frames without a cut or a gap between."""
    if len(seconds) < 2:
        return []
    gaps = np.diff(seconds)
    half = 0.5 * float(np.median(gaps))
    shots = np.searchsorted(np.sort(cut_seconds), seconds + half * 1e-3, side="right")
    breaks = np.flatnonzero((np.diff(shots) > 0) | (gaps > _MAX_STEP) | (gaps <= 0.0)) + 1
    edges = [0, *breaks.tolist(), len(seconds)]
    return [(a, b) for a, b in pairwise(edges) if b - a >= 2]


def _step(
    before: NDArray[np.uint8], after: NDArray[np.uint8], flow: cv2.DISOpticalFlow
) -> tuple[float, tuple[float, float], bool]:
    """Mean motion and camera shift in frame heights, and whether `after` repeats `before`."""
    if float(cv2.norm(before, after, cv2.NORM_L1)) <= _FROZEN_DIFFERENCE * before.size:
        return 0.0, (0.0, 0.0), True
    across = np.asarray(cv2.Sobel(before, cv2.CV_16S, 1, 0, scale=1))
    down = np.asarray(cv2.Sobel(before, cv2.CV_16S, 0, 1, scale=1))
    texture = np.abs(across) + np.abs(down) >= _MIN_TEXTURE * _SOBEL_GAIN
    if texture.mean() < _MIN_TEXTURED_SHARE:
        return 0.0, (0.0, 0.0), False
    # (h, w, 2) in pixels; None: no first guess (OpenCV's type stub does not know that)
    vectors = np.asarray(flow.calc(before, after, None), dtype=np.float32)  # type: ignore[call-overload]
    height, width = before.shape
    rim = np.ones_like(texture)
    rim[int(_RIM * height) : height - int(_RIM * height), int(_RIM * width) : width - int(_RIM * width)] = False
    background = texture & rim
    if background.mean() < _MIN_TEXTURED_SHARE:
        background = texture
    shift = np.median(vectors[background], axis=0) / height
    length = np.hypot(vectors[..., 0], vectors[..., 1])[texture].mean() / height
    return float(length), (float(shift[0]), float(shift[1])), False
