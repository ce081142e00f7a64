"""What this package takes in: stated once, shown on the page, checked where a file is opened."""

from __future__ import annotations

import math
from dataclasses import dataclass

from virality_core.errors import InputError

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The largest file, the longest reel and the largest picture that are scored.

    `max_pixels` lets 8K (7680×4320) pass with a little room for cropped sizes; `max_packets` is 20 minutes at 240
    frames a second; `max_decoded_frames` bounds the work that one odd file can ask for (a reel with a single keyframe
    costs a whole decode), counted in full-HD frames where they are larger. `max_frame_bytes` is a decoded 8K picture of
    4:2:2 10 bit; `max_decoder_bytes` what one decoder may hold of them: 8K HEVC of 10 bit needs 700 MB, AV1 1,000.
    """

    max_bytes: int = 500 * MEGABYTE
    max_seconds: float = 20 * 60.0
    max_pixels: int = 7680 * 4500
    max_packets: int = 20 * 60 * 240
    max_decoded_frames: int = 20 * 60 * 60
    max_frame_bytes: int = 140 * MEGABYTE
    max_decoder_bytes: int = 1_200 * MEGABYTE

    def check_length(self, seconds: float, *, frame_seconds: float, name: str) -> None:
        """Refuse a longer reel; the last frame may end beyond the limit, as it does where a counter rounds.

        Raises:
            InputError: it is longer.
        """
        if seconds > self.max_seconds + min(1.0, max(0.0, frame_seconds)):
            raise InputError(
                f"“{name}” runs for {_clock(math.ceil(seconds))}; the longest reel taken has "
                f"{_clock(math.floor(self.max_seconds))} (minutes:seconds)."
            )


def _clock(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02d}"


DEFAULT_LIMITS = Limits()
