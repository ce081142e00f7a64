"""One creator's own posts: what theirs get beside the general model, and which of their choices went with more.

For a count, with g the general model's median in ln(1 + count) and z the creator's own features (each less its mean,
by its spread, g among them),

    ln(1 + count) − g = shift + Σ βᵢ zᵢ,

a ridge regression whose strength leave-one-out error chooses, "no effect at all" among the choices; the shift is drawn
to 0 as if PRIOR_POSTS posts had said so. With few posts or no pattern it is thereby the general model, moved to the
creator's level. The 80 % interval is of the leave-one-out errors (split conformal).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from virality_core.errors import InputError, UsageError
from virality_core.files import read_regular
from virality_core.forecast.features import NAMES, Embed, Facts, as_read, matrix
from virality_core.forecast.model import EngagementModel
from virality_core.types import Range

Array = NDArray[np.float64]

MIN_POSTS = 10
PRIOR_POSTS = 1.0  # this project's choice: accounts of one size differ about as much as one account's posts do
GENERAL = "general model"
FEATURES = (
    *("duration", "hashtags", "characters", "question", "emoji", "tag_for_you", "music_original"),
    *("hour_sine", "hour_cosine"),
)
SCHEMA = 2
WORTH_SAYING = 0.01  # ln units a spread of the feature: less is nothing

#: Weaker ones made `virality evaluate history` worse for authors with ten posts: an error of 0.67 in place of 0.64.
_STRENGTHS = (30.0, 100.0, 300.0, 1000.0, math.inf)
_MAX_BYTES = 1_000_000
_MOST = 1e9  # no figure of a history is beyond
_BEYOND_COUNTING = 40.0  # in ln units: 10^17


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTarget:
    """The fit of one count. `effects` by name are of one spread more of the feature, in ln units; all (F + 1,).

    `loo_error`, `general_error`: mean absolute errors in ln(1 + count), each post predicted without itself, and by the
    general model. `below`, `above`: from the point to the interval's edges.
    """

    posts: int
    shift: float
    effects: Mapping[str, float]
    means: Mapping[str, float]
    spreads: Mapping[str, float]
    below: float
    above: float
    loo_error: float
    general_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A creator's fits by count, and the collection whose general model they stand beside.

    `followers`: the account's, as the fit read them; None where it did without. The general model must read the same
    for a post to come: between an account of a known and of any size lie powers of ten.
    """

    collection: str
    posts: int
    followers: float | None
    targets: Mapping[str, OwnTarget]


def fit_history(
    model: EngagementModel,
    collection: str,
    posts: Sequence[Facts],
    outcomes: Mapping[str, Sequence[float | None]],
    embed: Embed,
) -> History:
    """Fit to one creator's posts.

    Args:
        model: The general model. collection: Which of its collections.
        posts: What was known of each before it was out. outcomes: Counts by name, in the posts' order; None: not known.
        embed: What makes vectors of captions.

    Raises:
        InputError: no count is known for MIN_POSTS posts, or none differs between them.
    """
    followers = _followers(posts)
    posts = [
        replace(post, followers=followers if followers is None or post.followers is None else post.followers)
        for post in posts
    ]
    found, read = {}, as_read(posts, embed)
    for target, counts in outcomes.items():
        rows = [row for row, count in enumerate(counts) if count is not None]
        truth = np.log1p(np.array([counts[row] for row in rows], dtype=np.float64))
        if target not in model.targets(collection) or len(rows) < MIN_POSTS or not np.ptp(truth) > 0.0:
            continue
        known = read.rows(rows)
        general = model.predict(collection, target, known)
        found[target] = fit_own(known.features, general.median, truth)
    if not found:
        raise InputError(
            f"There are {len(posts)} posts; at least {MIN_POSTS} with the same count (likes, say), which must not be "
            "all alike, are needed."
        )
    return History(collection=collection, posts=len(posts), followers=followers, targets=found)


def _followers(posts: Sequence[Facts]) -> float | None:
    """The account's followers: the median of the posts', None where most of them don't say."""
    stated = [post.followers for post in posts if post.followers is not None]
    return float(np.median(stated)) if len(stated) > len(posts) / 2 else None


def fit_own(features: Array, general: Array, truth: Array) -> OwnTarget:
    """The fit of one count: features (N, len(NAMES)), the general model's medians and the outcomes (N,) in ln units."""
    names = (*FEATURES, GENERAL)
    raw = np.concatenate([features[:, [NAMES.index(name) for name in FEATURES]], general[:, None]], axis=1)
    rest = truth - general
    errors = np.array([rest[row] - _left_out(raw, rest, row) for row in range(len(rest))])
    means, spreads, z = _standard(raw)
    shift, effects = _ridge(z, rest, _choose(z, rest))
    place = min(len(errors), math.ceil(0.9 * (len(errors) + 1))) - 1
    return OwnTarget(
        posts=len(truth),
        shift=shift,
        effects=dict(zip(names, map(float, effects), strict=True)),
        means=dict(zip(names, map(float, means), strict=True)),
        spreads=dict(zip(names, map(float, spreads), strict=True)),
        below=max(0.0, float(np.sort(-errors)[place])),
        above=max(0.0, float(np.sort(errors)[place])),
        loo_error=float(np.abs(errors).mean()),
        general_error=float(np.abs(rest).mean()),
    )


def own_range(own: OwnTarget, post: Facts, general: float) -> Range:
    """What the creator's next post would get, as counts. general: the general model's median in ln(1 + count)."""
    row = matrix([post])[0]
    point = general + own.shift
    for name, effect in own.effects.items():
        value = general if name == GENERAL else float(row[NAMES.index(name)])
        if math.isfinite(value) and own.spreads[name] > 0.0:
            point += effect * float(np.clip((value - own.means[name]) / own.spreads[name], -3.0, 3.0))
    edges = (min(at, _BEYOND_COUNTING) for at in (point - own.below, point, point + own.above))
    low, median, high = (max(0.0, math.expm1(at)) for at in edges)
    return Range(low=low, median=median, high=high)


def moved(own: OwnTarget) -> list[tuple[str, float]]:
    """The creator's own choices that their counts went with, the strongest first: (feature, effect in ln units)."""
    told = [(name, effect) for name, effect in own.effects.items() if name != GENERAL and abs(effect) >= WORTH_SAYING]
    return sorted(told, key=lambda item: -abs(item[1]))[:5]


def history_text(history: History) -> str:
    """The history as JSON text: figures alone, nothing of any post."""
    return json.dumps({"schema": SCHEMA, **asdict(history)}, indent=1) + "\n"


def read_history(path: Path) -> History:
    """A file of `virality fit-history`. Raises UsageError for one that can't be read or is of another shape."""
    try:
        data = json.loads(read_regular(path, _MAX_BYTES))
        return _history(data)
    except OSError as error:
        raise UsageError(f"The history {path} can't be read ({error.strerror or error}).") from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise UsageError(f"{path.name} is not a file of `virality fit-history`; fit it anew.") from error


def _history(data: Any) -> History:
    targets = {str(name): OwnTarget(**stated) for name, stated in data["targets"].items()}
    for own in targets.values():
        figures = [own.shift, own.below, own.above, *own.effects.values(), *own.means.values(), *own.spreads.values()]
        same = set(own.effects) == set(own.means) == set(own.spreads) == {*FEATURES, GENERAL}
        figures += [own.loo_error, own.general_error, own.posts]
        if not same or not all(abs(float(figure)) <= _MOST for figure in figures) or min(own.below, own.above) < 0.0:
            raise ValueError("figures")
    if data["schema"] != SCHEMA or not targets:
        raise ValueError("schema")
    followers = data["followers"]
    if followers is not None and not 0.0 <= float(followers) <= _MOST:
        raise ValueError("followers")
    return History(
        collection=str(data["collection"]),
        posts=int(data["posts"]),
        followers=None if followers is None else float(followers),
        targets=targets,
    )


def _standard(raw: Array) -> tuple[Array, Array, Array]:
    """Means, spreads and standardised features; a missing value is at the mean, a feature that is constant is 0."""
    known = np.isfinite(raw)
    count = np.maximum(known.sum(axis=0), 1)
    means = np.where(known, raw, 0.0).sum(axis=0) / count
    centred = np.where(known, raw - means, 0.0)
    spreads = np.sqrt(np.square(centred).sum(axis=0) / count)
    return means, spreads, centred / np.where(spreads > 1e-9, spreads, np.inf)


def _ridge(z: Array, rest: Array, strength: float) -> tuple[float, Array]:
    """The shift, shrunk, and the effects (F,)."""
    mean = float(rest.mean())
    shift = mean * len(rest) / (len(rest) + PRIOR_POSTS)
    if math.isinf(strength):
        return shift, np.zeros(z.shape[1])
    effects = np.linalg.solve(z.T @ z + strength * np.eye(z.shape[1]), z.T @ (rest - mean))
    return shift, np.asarray(effects, dtype=np.float64)


def _choose(z: Array, rest: Array) -> float:
    """The strength of the least leave-one-out squared error, each post's by its leverage (PRESS, Allen 1974)."""
    centred = rest - rest.mean()
    left, values, _ = np.linalg.svd(z, full_matrices=False)

    def error(strength: float) -> float:
        shrink = np.zeros(len(values)) if math.isinf(strength) else values**2 / (values**2 + strength)
        leverage = (left**2 * shrink).sum(axis=1) + 1.0 / len(rest)
        return float(
            np.square((centred - left @ (shrink * (left.T @ centred))) / np.maximum(1e-9, 1 - leverage)).mean()
        )

    return min(reversed(_STRENGTHS), key=error)


def _left_out(raw: Array, rest: Array, row: int) -> float:
    """What the fit on all other posts says of this one's rest."""
    others = np.delete(np.arange(len(rest)), row)
    means, spreads, z = _standard(raw[others])
    shift, effects = _ridge(z, rest[others], _choose(z, rest[others]))
    own = np.where(np.isfinite(raw[row]) & (spreads > 1e-9), (raw[row] - means) / np.maximum(spreads, 1e-9), 0.0)
    return shift + float(np.clip(own, -3.0, 3.0) @ effects)
