"""YCbCr to RGB at the nearest level, for pictures that are coded again.

swscale's fast way, by which a report looks at a reel, rounds down: about one level darker, which nobody sees but NIMA;
a copy made from it would be darker once more, with every export. Its accurate way interpolates colour, so that an edit
would not get the pixels that it was tried on. This is within 0.6 of a level, as OpenCV reckons in whole numbers.
"""

from __future__ import annotations

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import Colorspace
from numpy.typing import NDArray

#: Format → the same in 4:2:0 and 8 bits, in the same range.
FORMATS = {"yuvj420p": "yuvj420p", "yuvj422p": "yuvj420p"} | dict.fromkeys(
    ("yuv420p", "yuv420p10le", "yuv420p12le", "yuv422p", "yuv422p10le", "yuv422p12le", "nv12", "p010le"), "yuv420p"
)
#: The share of red and of blue in luma (ITU-T H.273, table 4).
_SHARES = {
    Colorspace.ITU709: (0.2126, 0.0722),
    Colorspace.FCC: (0.30, 0.11),
    Colorspace.ITU601: (0.299, 0.114),
    Colorspace.SMPTE240M: (0.212, 0.087),
    Colorspace.BT2020: (0.2627, 0.0593),
}


def rgb(frame: VideoFrame, matrix: Colorspace, *, full: bool = False) -> NDArray[np.uint8]:
    """A frame of one of `FORMATS`, in full or video range, as uint8 (H, W, 3).

    Each colour sample stands for its four pixels.
    """
    plain = FORMATS[frame.format.name]
    if frame.format.name != plain:
        frame = frame.reformat(format=plain)
    luma, blue, red = (_samples(plane) for plane in frame.planes)
    planes = [luma, *(_doubled(one)[: luma.shape[0], : luma.shape[1]] for one in (blue, red))]
    of_luma, of_colour, floor = (1.0, 1.0, 0.0) if full else (255 / 219, 255 / 224, 16.0)
    red_share, blue_share = _SHARES[matrix]
    green_share = 1.0 - red_share - blue_share
    to_red, to_blue = 2.0 * (1.0 - red_share) * of_colour, 2.0 * (1.0 - blue_share) * of_colour
    to_rgb = np.array(
        [
            [of_luma, 0.0, to_red],
            [of_luma, -to_blue * blue_share / green_share, -to_red * red_share / green_share],
            [of_luma, to_blue, 0.0],
        ]
    )
    shift = -to_rgb @ np.array([floor, 128.0, 128.0])
    return np.asarray(cv2.transform(cv2.merge(planes), np.column_stack([to_rgb, shift])), np.uint8)


def _samples(plane: VideoPlane) -> NDArray[np.uint8]:
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return np.ascontiguousarray(rows[:, : plane.width])


def _doubled(samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(samples, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST), np.uint8)
