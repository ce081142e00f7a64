"""How edited copies are encoded, and what one frame looks like after that."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from virality_core.media.color.frame_converter import FrameConverter

PRESET, CRF = "veryfast", 14.0  # x264: visually lossless
_CRF_PER_HALVING = 6.0  # of the loss
#: A still loses as much as a frame of the copy when encoded at this much lower a CRF, because x264 gives more bits to
#: frames that others are predicted from: 1.5 to 5 lower in four copies of real clips; 1 higher in two denoised ones,
#: whose grain is new in every frame.
_STILL_CRF, _GRAINY_STILL_CRF = 3.0, -1.0


def set_colors(context: VideoCodecContext) -> None:
    """BT.709, video range, 4:2:0: what every player supports."""
    context.pix_fmt = "yuv420p"
    context.color_primaries = context.color_trc = context.colorspace = 1
    context.color_range = ColorRange.MPEG


def to_yuv420(rgb: NDArray[np.uint8]) -> VideoFrame:
    """A frame for the encoder from uint8 (H, W, 3) with even sides."""
    return VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
        format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
    )


def crop_to_even(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Drop an odd last row or column, which 4:2:0 can't hold."""
    return np.ascontiguousarray(rgb[: rgb.shape[0] // 2 * 2, : rgb.shape[1] // 2 * 2])


def roundtrip(rgb: NDArray[np.uint8], *, shrunk: float = 1.0, grainy: bool = False) -> NDArray[np.uint8]:
    """A frame uint8 (H, W, 3) as a report on its copy would see it, cropped to even sides if it has two lines.

    `shrunk` is how many times smaller it is than the copy's frames (shrinking averages their losses); `grainy` whether
    its detail is grain, which can't be predicted from other frames.
    """
    even = crop_to_even(rgb)
    if even.size == 0:
        return rgb
    encoder = CodecContext.create("libx264", "w")
    encoder.height, encoder.width = even.shape[:2]
    encoder.time_base, encoder.framerate, encoder.thread_count = Fraction(1, 30), Fraction(30), 1
    crf = CRF - (_GRAINY_STILL_CRF if grainy else _STILL_CRF) - _CRF_PER_HALVING * math.log2(max(1.0, shrunk))
    encoder.options = {"preset": PRESET, "crf": f"{max(0.0, crf):.1f}"}
    set_colors(encoder)
    packets = [*encoder.encode(to_yuv420(even)), *encoder.encode(None)]
    decoder = CodecContext.create("h264", "r")
    decoder.thread_count = 1
    frame = next(frame for packet in [*packets, None] for frame in decoder.decode(packet))
    decoded = np.empty_like(even)
    FrameConverter(frame, None, has_alpha=False).rgb(frame, decoded)
    return decoded
