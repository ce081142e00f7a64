"""What a damaged or odd frame does to the pictures made of it."""

from __future__ import annotations

import numpy as np
import pytest
from av.video.frame import VideoFrame

from virality_core.media.color.frame_converter import SMALL_SIDE, FrameConverter


def _frame(width: int, height: int, format_: str = "yuv420p") -> VideoFrame:
    return VideoFrame(width, height, format_)


def test_samples_beyond_their_bits_are_taken_as_white() -> None:
    frame = _frame(32, 64, "yuv420p10le")
    for plane in frame.planes:
        plane.update(np.full(plane.buffer_size // 2, 60_000, np.uint16).tobytes())
    luma = FrameConverter(frame, None, has_alpha=False).small_luma(frame)
    assert luma.shape == (64, 32)
    assert luma.min() == 255


@pytest.mark.parametrize(("width", "height"), [(1080, 1920), (720, 1800), (1920, 1080)])
def test_usual_shapes_keep_the_short_side(width: int, height: int) -> None:
    small = FrameConverter(_frame(width, height), None, has_alpha=False).small_size()
    assert min(small) == SMALL_SIDE


def test_a_strip_of_any_length_stays_small() -> None:
    width, height = FrameConverter(_frame(180, 16_000), None, has_alpha=False).small_size()
    assert width * height <= 2.6 * SMALL_SIDE**2
