"""Whether a packet that was decoded alone shows a cut, and at which frame: the rules and their measured thresholds.

Thresholds were set on 24 encodings (x264, x265, MPEG-4; with and without B-frames, scene-cut keyframes, rate control)
of four reels made of real clips with 25 known cuts, 10 of them jump cuts within one clip.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

# Motion vectors
_NEW_PICTURE = 0.85  # share of the picture without vectors: another scene
_ONE_SIDED = 0.45  # how much more of a B-frame is copied from one side than from the other
_FROM_ANCHOR = 0.3  # share of the last B-frame copied from the P-frame after it: both show one scene
_LEAST_NEW = 0.08  # … with this much more of the P-frame new than usual: a jump cut
_GRAINY = 0.3  # with so much new in an ordinary frame a jump cut can't be told from grain
_LEAST_SURPRISE = 1.1  # spike² × share without vectors, where no B-frame speaks
_LEAST_SURPRISE_AFTER_OLD = 0.6  # … where the B-frame before belongs to the old scene alone
_EMPTY_SHARE = 0.3  # a packet this small beside a keyframe can't hold a picture: no vectors then means not readable

# Grey
_LEAST_FRESH = 0.08  # share of the picture that is not grey
_MOSTLY_FRESH = 0.5  # … for a cut that is sure
_STEP = 0.5  # rise from one frame to the next as a share of the anchor's
_LEVEL = 0.85  # the first frame as a share of the anchor's, where the cut lies before both


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors:
    """Shares of a frame's area copied from frames shown `before` and `after` it (B-frames may use both: up to 2)."""

    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A cut: `tick` of the first frame after it; `sure` where the picture is new, not where it may be a jerk."""

    tick: int
    sure: bool


def new_share(vectors: Vectors) -> float:
    """The share 0–1 of a P-frame that is not copied from another."""
    return max(0.0, 1.0 - vectors.before - vectors.after)


def is_new_picture(new: float, usual_new: float) -> bool:
    """Whether so much of a P-frame is new that it shows another scene."""
    return new >= max(_NEW_PICTURE, (1.0 + usual_new) / 2.0)


def is_worth_a_look(new: float, usual_new: float) -> bool:
    """Whether so much of a P-frame is new that its B-frames should be asked, too."""
    return is_new_picture(new, usual_new) or (usual_new < _GRAINY and new - usual_new >= _LEAST_NEW)


def cut_by_vectors(
    anchor: int, found: dict[int, Vectors], *, spike: float, size_to_keyframe: float, usual_new: float
) -> Verdict | None:
    """Whether there is a cut at this anchor or at a B-frame shown before it.

    Args:
        anchor: tick of the P-frame.
        found: vectors of the P-frame and its B-frames by tick.
        spike: how many times larger than usual the P-frame's packet is.
        size_to_keyframe: its size as a share of a keyframe's.
        usual_new: the share of a frame that is new where nothing is cut (grain).
    """
    own = found.get(anchor)
    if own is None or (own.before == own.after == 0.0 and size_to_keyframe < _EMPTY_SHARE):
        return None
    new = new_share(own)
    leading = [(tick, found[tick]) for tick in sorted(found) if tick < anchor]
    of_new_scene = next((tick for tick, v in leading if v.after - v.before >= _ONE_SIDED), None)
    first = anchor if of_new_scene is None else of_new_scene
    of_neither = bool(leading) and of_new_scene is None and leading[-1][1].before - leading[-1][1].after < _ONE_SIDED
    if is_new_picture(new, usual_new):
        # An encoder may draw a P-frame anew without a cut: then the B-frames before it are copied from it, too.
        return Verdict(tick=first, sure=not (of_neither and leading[-1][1].after >= _FROM_ANCHOR))
    if not is_worth_a_look(new, usual_new):
        return None
    if of_new_scene is not None:
        return Verdict(tick=first, sure=False)
    if of_neither:
        return None
    least = _LEAST_SURPRISE_AFTER_OLD if leading else _LEAST_SURPRISE
    return Verdict(tick=anchor, sure=False) if spike**2 * (new - usual_new) >= least else None


def cut_by_grey(anchor: int, fresh: dict[int, float]) -> Verdict | None:
    """Whether there is a cut at this anchor or at a B-frame shown before it, from the share of each that is not grey.

    Frames of the old scene are nearly all grey, those of the new one are as fresh as the anchor; where nothing is cut,
    freshness grows bit by bit towards the anchor.

    Args:
        anchor: tick of the anchor.
        fresh: share 0–1 of the anchor and its B-frames by tick.
    """
    own = fresh.get(anchor, 0.0)
    if own < _LEAST_FRESH:
        return None
    series = [(tick, fresh[tick]) for tick in sorted(fresh) if tick <= anchor]
    if len(series) == 1:
        return Verdict(tick=anchor, sure=True) if own >= _NEW_PICTURE else None
    if series[0][1] >= _LEVEL * own:
        return Verdict(tick=series[0][0], sure=own >= _MOSTLY_FRESH)
    for (_, before), (tick, after) in pairwise(series):
        if after - before >= _STEP * own and after >= _LEVEL * own:
            return Verdict(tick=tick, sure=own >= _MOSTLY_FRESH)
    return None
