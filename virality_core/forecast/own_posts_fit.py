"""One creator's own posts: their level next to the general model's, and which of their choices went with more.

For a count, with g the general model's median in ln(1 + count) and z the creator's standardized features (g among
them),

    ln(1 + count) − g = shift + Σ βᵢ zᵢ,

a ridge regression whose strength leave-one-out error chooses, "no effect at all" among the choices; the shift is shrunk
to 0 as if by PRIOR_POSTS posts. With few posts or no pattern it is thus the general model at the creator's level. The
80 % interval comes from the leave-one-out errors (split conformal).
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
MIN_EFFECT = 0.01  # ln units per standard deviation of the feature: smaller effects are not mentioned

#: Weaker ones made `virality evaluate history` worse for authors with ten posts: an error of 0.67 instead of 0.64.
_STRENGTHS = (30.0, 100.0, 300.0, 1000.0, math.inf)
_MAX_BYTES = 1_000_000
_MAX_FIGURE = 1e9  # in a history
_MAX_LN = 40.0  # of a predicted count: 10^17


@dataclass(frozen=True, slots=True, kw_only=True)
class CountFit:
    """The fit of one count. `effects` by name: ln units per standard deviation of the feature.

    `loo_error`, `general_error`: mean absolute errors in ln(1 + count), each post predicted from the others, and by the
    general model. `below`, `above`: from the median to the interval's edges, in ln units.
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
    """A creator's fits by count, and the collection whose general model they correct.

    `followers`: the account's, as used in the fit; None where they were unknown. The general model must read the same
    for a new post: its medians with and without followers differ by powers of ten.
    """

    collection: str
    posts: int
    followers: float | None
    targets: Mapping[str, CountFit]


def fit_history(
    model: EngagementModel,
    collection: str,
    posts: Sequence[Facts],
    outcomes: Mapping[str, Sequence[float | None]],
    embed: Embed,
) -> History:
    """Fit to one creator's posts.

    Args:
        model: the general model. collection: which of its collections.
        posts: what was known of each before posting. outcomes: counts by name, in the posts' order; None: not known.
        embed: makes vectors of captions.

    Raises:
        InputError: no count is known for MIN_POSTS posts, or none differs between them.
    """
    known = [post.followers for post in posts if post.followers is not None]
    followers = float(np.median(known)) if len(known) > len(posts) / 2 else None
    if followers is None:
        posts = [replace(post, followers=None) for post in posts]
    else:
        posts = [post if post.followers is not None else replace(post, followers=followers) for post in posts]
    found, read = {}, as_read(posts, embed)
    for target, counts in outcomes.items():
        rows = [row for row, count in enumerate(counts) if count is not None]
        truth = np.log1p(np.array([counts[row] for row in rows], dtype=np.float64))
        if target in model.targets(collection) and len(rows) >= MIN_POSTS and np.ptp(truth) > 0.0:
            counted = read.rows(rows)
            general = model.predict(collection, target, counted).median
            found[target] = fit_count(counted.features, general, truth)
    if not found:
        raise InputError(
            f"There are {len(posts)} posts; at least {MIN_POSTS} with the same count (likes, say), not all equal, are "
            "needed."
        )
    return History(collection=collection, posts=len(posts), followers=followers, targets=found)


def fit_count(features: Array, general: Array, truth: Array) -> CountFit:
    """The fit of one count: features (N, len(NAMES)), the general model's medians and the outcomes (N,) in ln units."""
    names = (*FEATURES, GENERAL)
    raw = np.concatenate([features[:, [NAMES.index(name) for name in FEATURES]], general[:, None]], axis=1)
    residuals = truth - general
    errors = np.array([residuals[row] - _left_out(raw, residuals, row) for row in range(len(residuals))])
    means, spreads, z = _standardize(raw)
    shift, effects = _ridge(z, residuals, _best_strength(z, residuals))
    index = min(len(errors), math.ceil(0.9 * (len(errors) + 1))) - 1
    return CountFit(
        posts=len(truth),
        shift=shift,
        effects=dict(zip(names, effects.tolist(), strict=True)),
        means=dict(zip(names, means.tolist(), strict=True)),
        spreads=dict(zip(names, spreads.tolist(), strict=True)),
        below=max(0.0, float(np.sort(-errors)[index])),
        above=max(0.0, float(np.sort(errors)[index])),
        loo_error=float(np.abs(errors).mean()),
        general_error=float(np.abs(residuals).mean()),
    )


def predicted_range(fit: CountFit, post: Facts, general: float) -> Range:
    """What the creator's next post would get, as counts. general: the general model's median in ln(1 + count)."""
    row = matrix([post])[0]
    median = general + fit.shift
    for name, effect in fit.effects.items():
        value = general if name == GENERAL else float(row[NAMES.index(name)])
        if math.isfinite(value) and fit.spreads[name] > 0.0:
            median += effect * float(np.clip((value - fit.means[name]) / fit.spreads[name], -3.0, 3.0))
    low, middle, high = (
        max(0.0, math.expm1(min(at, _MAX_LN))) for at in (median - fit.below, median, median + fit.above)
    )
    return Range(low=low, median=middle, high=high)


def strongest_effects(fit: CountFit) -> list[tuple[str, float]]:
    """At most five of the creator's own choices that the count went with, the strongest first: (feature, effect)."""
    effects = [item for item in fit.effects.items() if item[0] != GENERAL and abs(item[1]) >= MIN_EFFECT]
    return sorted(effects, key=lambda item: -abs(item[1]))[:5]


def history_text(history: History) -> str:
    """The history as JSON text: figures alone, nothing of any post."""
    return json.dumps({"schema": SCHEMA, **asdict(history)}, indent=1) + "\n"


def read_history(path: Path) -> History:
    """A file of `virality fit-history`. Raises UsageError where it can't be read or is something else."""
    try:
        return _history(json.loads(read_regular(path, _MAX_BYTES)))
    except OSError as error:
        raise UsageError(f"The history {path} can't be read ({error.strerror or error}).") from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise UsageError(f"{path.name} is not a file of `virality fit-history`; fit it again.") from error


def _history(data: Any) -> History:
    targets = {str(name): CountFit(**fields) for name, fields in data["targets"].items()}
    for fit in targets.values():
        figures = [fit.shift, fit.below, fit.above, fit.loo_error, fit.general_error, fit.posts]
        for by_name in (fit.effects, fit.means, fit.spreads):
            if set(by_name) != {*FEATURES, GENERAL}:
                raise ValueError("features")
            figures += by_name.values()
        if not all(abs(float(figure)) <= _MAX_FIGURE for figure in figures) or min(fit.below, fit.above) < 0.0:
            raise ValueError("figures")
    followers = data["followers"]
    if data["schema"] != SCHEMA or not targets or not (followers is None or 0.0 <= float(followers) <= _MAX_FIGURE):
        raise ValueError("schema")
    return History(
        collection=str(data["collection"]),
        posts=int(data["posts"]),
        followers=None if followers is None else float(followers),
        targets=targets,
    )


def _standardize(raw: Array) -> tuple[Array, Array, Array]:
    """Means, standard deviations, standardized features; a missing value is at the mean, a constant feature is 0."""
    known = np.isfinite(raw)
    count = np.maximum(known.sum(axis=0), 1)
    means = np.where(known, raw, 0.0).sum(axis=0) / count
    centered = np.where(known, raw - means, 0.0)
    spreads = np.sqrt(np.square(centered).sum(axis=0) / count)
    return means, spreads, centered / np.where(spreads > 1e-9, spreads, np.inf)


def _ridge(z: Array, residuals: Array, strength: float) -> tuple[float, Array]:
    """The shrunk shift and the effects (F,)."""
    mean = float(residuals.mean())
    shift = mean * len(residuals) / (len(residuals) + PRIOR_POSTS)
    if math.isinf(strength):
        return shift, np.zeros(z.shape[1])
    effects = np.linalg.solve(z.T @ z + strength * np.eye(z.shape[1]), z.T @ (residuals - mean))
    return shift, np.asarray(effects, dtype=np.float64)


def _best_strength(z: Array, residuals: Array) -> float:
    """The strength of the least leave-one-out squared error, from the posts' leverages (PRESS, Allen 1974)."""
    centered = residuals - residuals.mean()
    left, values, _ = np.linalg.svd(z, full_matrices=False)

    def press(strength: float) -> float:
        shrink = np.zeros(len(values)) if math.isinf(strength) else values**2 / (values**2 + strength)
        leverage = (left**2 * shrink).sum(axis=1) + 1.0 / len(residuals)
        errors = (centered - left @ (shrink * (left.T @ centered))) / np.maximum(1e-9, 1 - leverage)
        return float(np.square(errors).mean())

    return min(reversed(_STRENGTHS), key=press)


def _left_out(raw: Array, residuals: Array, row: int) -> float:
    """What the fit on all other posts predicts for this one's residual."""
    others = np.delete(np.arange(len(residuals)), row)
    means, spreads, z = _standardize(raw[others])
    shift, effects = _ridge(z, residuals[others], _best_strength(z, residuals[others]))
    scaled = np.where(np.isfinite(raw[row]) & (spreads > 1e-9), (raw[row] - means) / np.maximum(spreads, 1e-9), 0.0)
    return shift + float(np.clip(scaled, -3.0, 3.0) @ effects)
