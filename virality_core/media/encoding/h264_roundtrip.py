"""How the copy of a changed reel is coded, and what one picture looks like after that."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from virality_core.media.color.frame_converter import Picture

PRESET, CRF = "veryfast", 14.0  # x264's: next to nothing is lost that is seen
_A_HALF = 6.0  # of CRF, for half the loss
#: Of CRF, by which a lone picture is coded better to lose what it loses in the copy: there x264 gives more bits to what
#: later pictures are predicted from. Stills of four copies of real clips lost as much as lone ones 1.5 to 5 lower;
#: those of two denoised ones, whose grain is new in every picture, as lone ones 1 higher.
_ALONE, _ALONE_GRAINY = 3.0, -1.0


def set_colours(context: VideoCodecContext) -> None:
    """BT.709 in video range, 4:2:0: what every player takes."""
    context.pix_fmt = "yuv420p"
    context.color_primaries = context.color_trc = context.colorspace = 1
    context.color_range = ColorRange.MPEG


def to_code(rgb: NDArray[np.uint8]) -> VideoFrame:
    """A picture uint8 (H, W, 3) of even sides as the coder takes it."""
    return VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
        format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
    )


def even(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture without an odd last row or column, which 4:2:0 has no place for."""
    return np.ascontiguousarray(rgb[: rgb.shape[0] // 2 * 2, : rgb.shape[1] // 2 * 2])


def as_coded(rgb: NDArray[np.uint8], *, shrunk: float = 1.0, grainy: bool = False) -> NDArray[np.uint8]:
    """A picture uint8 (H, W, 3) as a report on its copy sees it, of even sides; one without a pair of lines as it is.

    `shrunk` is how many times smaller it is than the copy's pictures, whose losses have been averaged as much; `grainy`
    where its detail is grain, which no picture is predicted from.
    """
    picture = even(rgb)
    if picture.size == 0:
        return rgb
    coder = CodecContext.create("libx264", "w")
    coder.height, coder.width = picture.shape[:2]
    coder.time_base, coder.framerate, coder.thread_count = Fraction(1, 30), Fraction(30), 1
    halvings = math.log2(max(1.0, shrunk))
    coder.options = {
        "preset": PRESET,
        "crf": f"{max(0.0, CRF - (_ALONE_GRAINY if grainy else _ALONE) - _A_HALF * halvings):.1f}",
    }
    set_colours(coder)
    packets = [*coder.encode(to_code(picture)), *coder.encode(None)]
    decoder = CodecContext.create("h264", "r")
    decoder.thread_count = 1
    frame = next(frame for packet in [*packets, None] for frame in decoder.decode(packet))
    seen = np.empty_like(picture)
    Picture(frame, None, transfer="sdr", has_alpha=False).rgb(frame, seen)
    return seen
