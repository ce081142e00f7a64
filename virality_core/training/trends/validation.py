"""Does a hashtag's lift say anything about posts it was not computed from? Spearman with 95 % intervals, by author.

Three questions, from easiest to hardest: other authors of the same collection; other authors' later posts; the posts of
another collection (another country, or another year). The last is what a user's own post is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from virality_core.errors import InputError
from virality_core.training.statistics import Array, Index, spearman, spearman_interval
from virality_core.training.trends.lifts import FOLDS, Collection, collection_lifts, mean_lift


def check(collections: Sequence[Collection], *, min_authors: int) -> dict[str, object]:
    """Every out-of-sample figure, as plain JSON.

    Returns:
        `same_collection`, `later_posts` (by collection with followers) and `other_collection` (from → to); each with
        `posts`, `covered` (share of posts with a known tag), `spearman`, its `interval`, and `squared_error_saved`: the
        share of the residuals' mean square that the lifts take away, against predicting nothing.
    """
    sized = [collection for collection in collections if collection.sized]
    return {
        "same_collection": {c.name: _figures(c, _out_of_fold(c, min_authors=min_authors)) for c in sized},
        "later_posts": {c.name: _later(c, min_authors=min_authors) for c in sized},
        "other_collection": {
            f"{source.name} → {target.name}": _figures(target, _carried(source, target, min_authors=min_authors))
            for source in sized
            for target in collections
            if source is not target
        },
    }


def population(collections: Sequence[Collection], answering: Sequence[str], *, min_authors: int) -> dict[str, object]:
    """What a mean lift is compared with: the 1 % to 99 % quantiles over posts whose lifts other authors' posts gave.

    Raises:
        InputError: no collection answers.
    """
    counted = [collection for collection in collections if collection.name in answering]
    values = np.concatenate([_out_of_fold(c, min_authors=min_authors) for c in counted] or [np.empty(0)])
    known = values[np.isfinite(values)]
    if not len(known):
        raise InputError("No collection's lifts hold out of sample, so there is no population to compare with.")
    name = f"{len(known):,} TikTok posts with a known hashtag ({', '.join(c.name for c in counted)})"
    return {
        "name": name,
        "measure": "mean lift of the post's known hashtags, ln units, from other authors' posts",
        "n": len(known),
        "source": f"quantiles 1..99 % of the measure over {name}",
        "command": "virality trends build --data FILE --out FILE --population FILE",
        "quantiles": [round(float(q), 4) for q in np.quantile(known, np.arange(1, 100) / 100.0)],
    }


def answering(figures: dict[str, object]) -> list[str]:
    """The collections whose lifts rank other authors' posts better than nothing: their interval lies above zero."""
    same = figures["same_collection"]
    assert isinstance(same, dict)
    return sorted(name for name, entry in same.items() if entry["interval"] and entry["interval"][0] > 0.0)


def _out_of_fold(collection: Collection, *, min_authors: int) -> Array:
    values = np.full(len(collection.posts), np.nan)
    for fold in range(FOLDS):
        _predict(collection, values, collection.folds != fold, collection.folds == fold, min_authors=min_authors)
    return values


def _later(collection: Collection, *, min_authors: int) -> dict[str, object]:
    times = np.asarray([post.posted_at.timestamp() if post.posted_at else np.nan for post in collection.posts])
    middle = float(np.nanmedian(times)) if np.isfinite(times).any() else 0.0
    values = np.full(len(collection.posts), np.nan)
    for fold in range(FOLDS):
        held_out = collection.folds == fold
        _predict(
            collection, values, ~held_out & (times < middle), held_out & (times >= middle), min_authors=min_authors
        )
    return _figures(collection, values, among=times >= middle)


def _predict(collection: Collection, values: Array, train: np.ndarray, test: np.ndarray, *, min_authors: int) -> None:
    lifts = collection_lifts(collection, min_authors=min_authors, only=np.flatnonzero(train)).tags
    for place in np.flatnonzero(test):
        value = mean_lift(collection.posts[place].hashtags, lifts)
        values[place] = np.nan if value is None else value


def _carried(source: Collection, target: Collection, *, min_authors: int) -> Array:
    lifts = collection_lifts(source, min_authors=min_authors).tags
    values = [mean_lift(post.hashtags, lifts) for post in target.posts]
    return np.asarray([np.nan if value is None else value for value in values])


def _figures(collection: Collection, values: Array, among: np.ndarray | None = None) -> dict[str, object]:
    asked = np.ones(len(values), dtype=bool) if among is None else among
    known: Index = np.flatnonzero(asked & np.isfinite(values))
    value, residual = values[known], collection.residuals[known]
    if len(known) < 30 or not residual.any():  # where all posts got the same, there is nothing to explain
        return {"posts": len(known), "covered": None, "spearman": None, "interval": None, "squared_error_saved": None}
    low, high = spearman_interval(value, residual, collection.units[known])
    saved = 1.0 - float(((residual - value) ** 2).sum() / (residual**2).sum())
    return {
        "posts": len(known),
        "covered": round(len(known) / int(asked.sum()), 3),
        "spearman": round(spearman(value, residual), 3),
        "interval": [round(low, 3), round(high, 3)],
        "squared_error_saved": round(saved, 4),
    }
