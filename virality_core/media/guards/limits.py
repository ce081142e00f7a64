"""The limits on videos: stated once, shown on the page, checked when a file is opened."""

from __future__ import annotations

import math
from dataclasses import dataclass

from virality_core.errors import InputError

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The largest file, longest reel and largest frames that are accepted.

    `max_pixels` is 8K (7680×4320) and a little more for odd sizes. `max_packets` is 20 minutes at 240 frames per
    second. `max_decoded_frames` bounds the work for one file (a reel with a single keyframe costs a whole decode);
    frames above full HD count for more. `max_frame_bytes` is a decoded 8K frame in 4:2:2 10 bit. `max_decoder_bytes` is
    for all frames that one decoder holds: 8K HEVC in 10 bit needs 700 MB, AV1 1,000.
    """

    max_bytes: int = 500 * MEGABYTE
    max_seconds: float = 20 * 60.0
    max_pixels: int = 7680 * 4500
    max_packets: int = 20 * 60 * 240
    max_decoded_frames: int = 20 * 60 * 60
    max_frame_bytes: int = 140 * MEGABYTE
    max_decoder_bytes: int = 1_200 * MEGABYTE

    def check_length(self, seconds: float, *, frame_seconds: float, name: str) -> None:
        """Raise InputError if a reel is longer. The last frame may end beyond the limit, since counters round."""
        if seconds > self.max_seconds + min(1.0, max(0.0, frame_seconds)):
            raise InputError(
                f"“{name}” lasts {_clock(math.ceil(seconds))}; the limit is "
                f"{_clock(math.floor(self.max_seconds))} (minutes:seconds)."
            )


def _clock(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02d}"


DEFAULT_LIMITS = Limits()
