"""What the frame as a whole is: too few pixels, enlarged from fewer, bars, or not the shape of a phone's screen."""

from __future__ import annotations

import numpy as np

from virality_core.config.platforms import smallest_side
from virality_core.scorers.measures import artefacts
from virality_core.scorers.measures.letterbox import picture_box
from virality_core.types import Finding, FindingKind, Platform, Reel

_SCREEN = 9.0 / 16.0  # width to height of what a reel is shown on
_LEAST_FILLED = 0.9
_LEAST_DETAIL = 0.6
_LEAST_PICTURE = 0.96  # bars of 2 % on each side, the narrowest that `picture_box` tells from a dark edge


def find(reel: Reel, platform: Platform | None) -> list[Finding]:
    """Low resolution, up-scaled source, black bars, wrong aspect: of the whole reel, each at most once."""
    return [
        finding
        for finding in (_low_resolution(reel, platform), _upscaled(reel), _bars(reel), _aspect(reel))
        if finding is not None
    ]


def _low_resolution(reel: Reel, platform: Platform | None) -> Finding | None:
    least, source = smallest_side(platform)
    side = min(reel.info.width, reel.info.height)
    if side >= least:
        return None
    size = f"{reel.info.width} × {reel.info.height}"
    return _whole(
        reel,
        kind="low_resolution",
        value=float(side),
        unit="pixels, short side",
        threshold=float(least),
        sentence=f"The video has {size} pixels; its short side should have {least} or more.",
        reason=source,
    )


def _upscaled(reel: Reel) -> Finding | None:
    if len(reel.frames) == 0:
        return None
    box = picture_box(reel.frames.rgb)
    shares = [artefacts.detail_share(artefacts.middle_luma(still, box)) for still in reel.frames.rgb[::2]]
    known = [share for share in shares if share is not None]
    if not known or (share := float(np.median(known))) >= _LEAST_DETAIL:
        return None
    width, height = round(reel.info.width * share), round(reel.info.height * share)
    return _whole(
        reel,
        kind="upscaled",
        value=share,
        unit="share of the sides",
        threshold=_LEAST_DETAIL,
        sentence=f"The picture holds no more detail than one of {width} × {height} pixels would: it was enlarged, is "
        "out of focus, or was compressed too hard.",
        reason="Clean phone clips at hand hold detail to 0.75 of the finest frequency or more, copies enlarged twofold "
        "to 0.56 or less; 95 % of 250 everyday web photos are above 0.59.",
    )


def _bars(reel: Reel) -> Finding | None:
    if len(reel.frames) == 0:
        return None
    box = picture_box(reel.frames.rgb)
    if box.share >= _LEAST_PICTURE:
        return None
    across, beside = box.top > 0.0, box.left > 0.0
    where = "all around" if across and beside else "above and below" if across else "left and right"
    return _whole(
        reel,
        kind="bars",
        value=box.share,
        unit="share of the frame that is picture",
        threshold=_LEAST_PICTURE,
        sentence=f"Black bars {where} take {100 * (1.0 - box.share):.0f} % of the frame; cut them off.",
        reason="Pairs of bars of 2 % of a side each are the narrowest that can be told from a dark edge; a phone's "
        "screen has nothing to give away.",
    )


def _aspect(reel: Reel) -> Finding | None:
    aspect = reel.info.width / reel.info.height
    filled = min(aspect / _SCREEN, _SCREEN / aspect)
    if filled >= _LEAST_FILLED:
        return None
    return _whole(
        reel,
        kind="aspect",
        value=filled,
        unit="share of a 9:16 screen",
        threshold=_LEAST_FILLED,
        sentence=f"The video is {reel.info.width} × {reel.info.height}: it fills {100 * filled:.0f} % of an upright "
        "phone's screen, 9:16 fills it all.",
        reason="Instagram's reels specification recommends 9:16 to avoid cropping and blank space, TikTok's in-feed "
        "specification 9:16; a tenth of the screen lost is this project's choice.",
    )


def _whole(
    reel: Reel, *, kind: FindingKind, value: float, unit: str, threshold: float, sentence: str, reason: str
) -> Finding:
    return Finding(
        kind=kind,
        start_seconds=0.0,
        end_seconds=reel.info.duration_seconds,
        worst_seconds=None,
        value=value,
        unit=unit,
        threshold=threshold,
        sentence=sentence,
        reason=reason,
    )
