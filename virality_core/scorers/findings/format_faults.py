"""Faults of the file as a whole: too few pixels, enlarged from fewer, bars, not 9:16, a low bit rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from virality_core.config.faults import fault
from virality_core.config.platforms import recommended_bit_rate, smallest_side
from virality_core.scorers.measures import artifacts
from virality_core.scorers.measures.letterbox import picture_box
from virality_core.types import Finding, Platform, Reel

_SCREEN = 9.0 / 16.0  # width to height of the screen that a reel is shown on
# HEVC needs 59 % less than H.264 for the same opinion scores (Tan et al., IEEE TCSVT 26(1), 2016); VP9 and AV1 count as
# just as good, and older codecs as H.264.
_NEWER_CODECS = frozenset({"hevc", "vp9", "av1", "vvc"})
_SHARE_OF_H264 = 0.5


def find(reel: Reel, platform: Platform | None) -> list[Finding]:
    """Low resolution, upscaled source, black bars, wrong aspect, low bit rate: each at most once, of the whole reel."""
    found = (low_resolution(reel, platform), upscaled(reel), bars(reel), aspect(reel), bit_rate(reel, platform))
    return [finding for finding in found if finding is not None]


def low_resolution(reel: Reel, platform: Platform | None) -> Finding | None:
    """The short side has fewer pixels than the platform asks for."""
    width, height = reel.info.width, reel.info.height
    least, source = smallest_side(platform)
    if min(width, height) >= least:
        return None
    limits = replace(fault("low_resolution"), threshold=float(least), reason=source)
    return limits.finding(float(min(width, height)), 0.0, reel.info.duration_seconds, width=width, height=height)


def upscaled(reel: Reel) -> Finding | None:
    """The picture has less detail than its size could hold."""
    if len(reel.frames) == 0:
        return None
    box = picture_box(reel.frames.rgb)
    shares = [artifacts.detail_share(artifacts.center_luma(still, box)) for still in reel.frames.rgb[::2]]
    known = [share for share in shares if share is not None]
    if not known or (share := float(np.median(known))) >= fault("upscaled").threshold:
        return None
    width, height = round(reel.info.width * share), round(reel.info.height * share)
    return fault("upscaled").finding(share, 0.0, reel.info.duration_seconds, width=width, height=height)


def bars(reel: Reel) -> Finding | None:
    """Black bars around the picture."""
    if len(reel.frames) == 0:
        return None
    box = picture_box(reel.frames.rgb)
    if box.share >= fault("bars").threshold:
        return None
    horizontal, vertical = box.top > 0.0, box.left > 0.0
    where = "all around" if horizontal and vertical else "above and below" if horizontal else "left and right"
    empty = 100 * (1.0 - box.share)
    return fault("bars").finding(box.share, 0.0, reel.info.duration_seconds, where=where, empty=empty)


def aspect(reel: Reel) -> Finding | None:
    """The picture fills too little of an upright screen."""
    width, height = reel.info.width, reel.info.height
    filled = min(width / height / _SCREEN, _SCREEN / (width / height))
    if filled >= fault("aspect").threshold:
        return None
    return fault("aspect").finding(filled, 0.0, reel.info.duration_seconds, width=width, height=height)


def bit_rate(reel: Reel, platform: Platform | None) -> Finding | None:
    """The picture's mean bit rate is below what is recommended for its size and frame rate."""
    packets, info = reel.packets, reel.info
    if packets is None or len(packets.seconds) == 0:
        return None
    recommended = recommended_bit_rate(platform, min(info.width, info.height), info.frame_rate)
    if recommended is None:
        return None
    wanted, source = recommended
    if info.codec in _NEWER_CODECS:
        wanted *= _SHARE_OF_H264
        source += "; half of it for codecs newer than H.264"
    rate = 8.0 * float(packets.size_bytes.sum()) / info.duration_seconds
    if rate >= wanted:
        return None
    limits = replace(fault("bit_rate"), threshold=wanted, reason=source)
    return limits.finding(rate, 0.0, info.duration_seconds, mbit=rate / 1e6, mbit_wanted=wanted / 1e6)
