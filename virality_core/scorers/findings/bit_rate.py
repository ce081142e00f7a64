"""Whether the file gives the platform enough bits a second to start from."""

from __future__ import annotations

from virality_core.config.platforms import recommended_bit_rate
from virality_core.types import Finding, Platform, Reel

# HEVC needs 59 % less than H.264 for the same opinion scores (Tan et al., IEEE TCSVT 26(1), 2016); VP9 and AV1 are
# taken for as good, and older codecs for H.264.
_NEWER = frozenset({"hevc", "vp9", "av1", "vvc"})
_SHARE_OF_H264 = 0.5


def find(reel: Reel, platform: Platform | None) -> list[Finding]:
    """At most one finding: the picture's mean bit rate is under what is recommended for its size and frame rate."""
    packets, info = reel.packets, reel.info
    if packets is None or len(packets.seconds) == 0:
        return []
    recommended = recommended_bit_rate(platform, min(info.width, info.height), info.frame_rate)
    if recommended is None:
        return []
    wanted, source = recommended
    least = wanted * (_SHARE_OF_H264 if info.codec in _NEWER else 1.0)
    rate = 8.0 * float(packets.size_bytes.sum()) / info.duration_seconds
    if rate >= least:
        return []
    halved = "; half of it for codecs newer than H.264" if info.codec in _NEWER else ""
    return [
        Finding(
            kind="bit_rate",
            start_seconds=0.0,
            end_seconds=info.duration_seconds,
            worst_seconds=None,
            value=rate,
            unit="bits per second",
            threshold=least,
            sentence=f"The picture has {rate / 1e6:.2f} Mbit/s, under the {least / 1e6:.2f} asked for at its size.",
            reason=source + halved,
        )
    ]
