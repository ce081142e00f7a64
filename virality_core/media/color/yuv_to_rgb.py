"""YCbCr to RGB at the nearest level, for frames that will be encoded again.

swscale's fast path, with which reels are scored, rounds down: about one level darker, and each export would darken the
copy again. Its accurate path interpolates colors, so an edit would not get the pixels that it was tried on. This one,
in OpenCV's integer arithmetic, is within 0.6 of a level.
"""

from __future__ import annotations

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import Colorspace
from numpy.typing import NDArray

#: Supported formats, each with its 8-bit 4:2:0 format in the same range.
FORMATS = {"yuvj420p": "yuvj420p", "yuvj422p": "yuvj420p"} | dict.fromkeys(
    ("yuv420p", "yuv420p10le", "yuv420p12le", "yuv422p", "yuv422p10le", "yuv422p12le", "nv12", "p010le"), "yuv420p"
)
#: The weights of red and blue in luma (ITU-T H.273, table 4).
_LUMA_WEIGHTS = {
    Colorspace.ITU709: (0.2126, 0.0722),
    Colorspace.FCC: (0.30, 0.11),
    Colorspace.ITU601: (0.299, 0.114),
    Colorspace.SMPTE240M: (0.212, 0.087),
    Colorspace.BT2020: (0.2627, 0.0593),
}


def rgb(frame: VideoFrame, matrix: Colorspace, *, full: bool = False) -> NDArray[np.uint8]:
    """A frame of one of `FORMATS`, full or video range, as uint8 (H, W, 3). Chroma is not interpolated."""
    format_ = FORMATS[frame.format.name]
    if frame.format.name != format_:
        frame = frame.reformat(format=format_)
    luma, *chroma = (_samples(plane) for plane in frame.planes)
    upsampled = (cv2.resize(plane, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST) for plane in chroma)
    planes = [luma, *(plane[: luma.shape[0], : luma.shape[1]] for plane in upsampled)]
    luma_gain, chroma_gain, black = (1.0, 1.0, 0.0) if full else (255 / 219, 255 / 224, 16.0)
    red, blue = _LUMA_WEIGHTS[matrix]
    green = 1.0 - red - blue
    cr, cb = 2.0 * (1.0 - red) * chroma_gain, 2.0 * (1.0 - blue) * chroma_gain
    to_rgb = np.array([[luma_gain, 0.0, cr], [luma_gain, -cb * blue / green, -cr * red / green], [luma_gain, cb, 0.0]])
    shift = -to_rgb @ np.array([black, 128.0, 128.0])
    return np.asarray(cv2.transform(cv2.merge(planes), np.column_stack([to_rgb, shift])), np.uint8)


def _samples(plane: VideoPlane) -> NDArray[np.uint8]:
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return np.ascontiguousarray(rows[:, : plane.width])
