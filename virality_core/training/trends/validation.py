"""Do a hashtag's lifts hold for other posts? Spearman with 95 % author-bootstrap intervals.

Three questions, from easiest to hardest: other authors of the same collection; other authors' later posts; the posts of
another collection (another country or year), which is what a user's own post is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from virality_core.errors import InputError
from virality_core.training.statistics import Array, spearman, spearman_interval
from virality_core.training.trends.lifts import FOLDS, Collection, Lift, collection_lifts, mean_lift

Flags = NDArray[np.bool_]


def check(collections: Sequence[Collection], *, min_authors: int) -> dict[str, object]:
    """Every out-of-sample figure, as plain JSON.

    Returns:
        `same_collection`, `later_posts` (by collection with followers) and `other_collection` (from → to); each with
        `posts`, `covered` (share of posts with a known tag), `spearman`, its `interval`, and `squared_error_saved`: the
        share of the residuals' mean square that the lifts explain.
    """
    sized = [collection for collection in collections if collection.sized]
    return {
        "same_collection": {c.name: _figures(c, _out_of_fold(c, min_authors)) for c in sized},
        "later_posts": {c.name: _later(c, min_authors) for c in sized},
        "other_collection": {
            f"{source.name} → {target.name}": _figures(
                target, _values(target, np.ones(len(target.posts), bool), _lifts(source, min_authors))
            )
            for source in sized
            for target in collections
            if source is not target
        },
    }


def population(collections: Sequence[Collection], answering: Sequence[str], *, min_authors: int) -> dict[str, object]:
    """What a mean lift is compared with: the 1 % to 99 % quantiles over posts, by lifts from other authors' posts.

    Raises:
        InputError: no collection answers.
    """
    values = [_out_of_fold(c, min_authors) for c in collections if c.name in answering]
    known = np.concatenate([np.empty(0), *values])
    known = known[np.isfinite(known)]
    if not len(known):
        raise InputError("No collection's lifts hold out of sample, so there is no population to compare with.")
    names = ", ".join(c.name for c in collections if c.name in answering)
    name = f"{len(known):,} TikTok posts with a known hashtag ({names})"
    return {
        "name": name,
        "measure": "mean lift of the post's known hashtags, ln units, from other authors' posts",
        "n": len(known),
        "source": f"quantiles 1..99 % of the measure over {name}",
        "command": "virality trends build --data FILE --out FILE --population FILE",
        "quantiles": [round(float(q), 4) for q in np.quantile(known, np.arange(1, 100) / 100.0)],
    }


def answering(figures: dict[str, object]) -> list[str]:
    """The collections whose lifts rank other authors' posts better than chance: their interval is above zero."""
    same = figures["same_collection"]
    assert isinstance(same, dict)
    return sorted(name for name, entry in same.items() if entry["interval"] and entry["interval"][0] > 0.0)


def _out_of_fold(collection: Collection, min_authors: int) -> Array:
    values = np.full(len(collection.posts), np.nan)
    for fold in range(FOLDS):
        test = collection.folds == fold
        values[test] = _values(collection, test, _lifts(collection, min_authors, ~test))
    return values


def _later(collection: Collection, min_authors: int) -> dict[str, object]:
    """Lifts from the earlier half of the posts, on other authors' posts of the later half."""
    times = np.asarray([post.posted_at.timestamp() if post.posted_at else np.nan for post in collection.posts])
    middle = float(np.nanmedian(times)) if np.isfinite(times).any() else 0.0
    values = np.full(len(collection.posts), np.nan)
    for fold in range(FOLDS):
        held_out = collection.folds == fold
        test = held_out & (times >= middle)
        values[test] = _values(collection, test, _lifts(collection, min_authors, ~held_out & (times < middle)))
    return _figures(collection, values, among=times >= middle)


def _lifts(collection: Collection, min_authors: int, only: Flags | None = None) -> dict[str, Lift]:
    rows = None if only is None else np.flatnonzero(only)
    return dict(collection_lifts(collection, min_authors=min_authors, only=rows).tags)


def _values(collection: Collection, rows: Flags, lifts: dict[str, Lift]) -> Array:
    values = [mean_lift(collection.posts[row].hashtags, lifts) for row in np.flatnonzero(rows)]
    return np.asarray([np.nan if value is None else value for value in values], dtype=np.float64)


def _figures(collection: Collection, values: Array, among: Flags | None = None) -> dict[str, object]:
    among = np.ones(len(values), dtype=bool) if among is None else among
    known = np.flatnonzero(among & np.isfinite(values))
    value, residual = values[known], collection.residuals[known]
    if len(known) < 30 or not residual.any():  # where all posts got the same, there is nothing to explain
        return {"posts": len(known), "covered": None, "spearman": None, "interval": None, "squared_error_saved": None}
    saved = 1.0 - float(((residual - value) ** 2).sum() / (residual**2).sum())
    interval = spearman_interval(value, residual, collection.authors[known])
    return {
        "posts": len(known),
        "covered": round(len(known) / int(among.sum()), 3),
        "spearman": round(spearman(value, residual) or 0.0, 3),
        "interval": [round(edge, 3) for edge in interval],
        "squared_error_saved": round(saved, 4),
    }
