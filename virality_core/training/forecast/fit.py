"""The fits behind the engagement model: words by ridge, boosting, out-of-fold by author, and honest intervals.

A target's model has three parts. A ridge regression on hashed words beside account size gives one number, the words';
another on the caption's vector a second.
Boosted trees with squared loss give the centre from all features. On what the centre leaves over (out of fold), boosted
trees with quantile loss give the 10 %, 50 % and 90 % quantiles, which CQR then widens or narrows by what authors they
were not fitted on show (Romano, Patterson and Candès, Conformalized Quantile Regression, NeurIPS 2019).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from virality_core.errors import UsageError
from virality_core.forecast.boosted_trees import Trees
from virality_core.forecast.features import NAMES
from virality_core.forecast.hashed_words import BUCKETS, buckets, text_scores
from virality_core.forecast.model import PARTS, Fit

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]

FOLDS = 5
QUANTILES = (0.1, 0.5, 0.9)
FEW_AUTHORS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The settings of a fit; chosen out of fold among the fitting authors, see weights/engagement/README.md."""

    trees: int = 200
    rate: float = 0.04
    leaves: int = 8
    smallest_leaf: int = 40
    spread_trees: int = 60
    ridge: float = 8.0
    embedding_ridge: float = 10_000.0
    rare: int = 2  # training posts that must have a word for it to count

    def for_authors(self, authors: int) -> Recipe:
        """The recipe where few authors have many posts each: leaves that no few authors can fill, and fewer of them."""
        if authors >= FEW_AUTHORS:
            return self
        return replace(self, trees=80, leaves=4, smallest_leaf=300, spread_trees=40)


def boost(
    features: Array,
    target: Array,
    recipe: Recipe,
    *,
    quantile: float | None = None,
    weights: Array | None = None,
    trees: int | None = None,
) -> Trees:
    """One boosted ensemble; squared loss, or the pinball loss of `quantile`. Deterministic, one thread."""
    lightgbm = _lightgbm()
    settings: dict[str, Any] = {
        "objective": "l2" if quantile is None else "quantile",
        "alpha": 0.5 if quantile is None else quantile,
        "learning_rate": recipe.rate if quantile is None else 0.05,
        "num_leaves": recipe.leaves,
        "min_data_in_leaf": min(recipe.smallest_leaf, max(5, len(target) // 20)),
        "feature_fraction": 0.7,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "lambda_l2": 5.0 if quantile is None else 0.0,
        "verbose": -1,
        "num_threads": 1,
        "seed": 0,
        "deterministic": True,
        "force_row_wise": True,
    }
    data = lightgbm.Dataset(features, target, weight=weights)
    booster = lightgbm.train(settings, data, trees or (recipe.trees if quantile is None else recipe.spread_trees))
    return to_arrays(booster.dump_model())


def _lightgbm() -> Any:
    try:
        return importlib.import_module("lightgbm")
    except ImportError as error:
        raise UsageError("Training needs lightgbm; install requirements-dev.txt first.") from error


def to_arrays(dump: Mapping[str, Any]) -> Trees:
    """LightGBM's `dump_model()` as arrays. Where the fit never saw a feature missing, a missing one goes with the many.

    Raises:
        ValueError: a split is not of the kind "number ≤ threshold".
    """
    forest = [tree["tree_structure"] for tree in dump["tree_info"]]
    splits = max(1, *(tree["num_leaves"] - 1 for tree in dump["tree_info"]))
    shape = (len(forest), splits)
    made = Trees(
        feature=np.zeros(shape, np.int16),
        threshold=np.zeros(shape),
        left=np.full(shape, -1, np.int16),
        right=np.full(shape, -1, np.int16),
        nan_left=np.ones(shape, np.bool_),
        leaf=np.zeros((len(forest), splits + 1)),
    )
    for place, root in enumerate(forest):
        _fill(made, place, root)
    return made


def _fill(made: Trees, tree: int, root: Mapping[str, Any]) -> None:
    if "split_index" not in root:
        made.leaf[tree, 0] = root["leaf_value"]
        return
    open_nodes = [root]
    while open_nodes:
        node = open_nodes.pop()
        if node["decision_type"] != "<=":
            raise ValueError(f"a split {node['decision_type']!r} can't be kept as an array")
        at, sides = int(node["split_index"]), (node["left_child"], node["right_child"])
        made.feature[tree, at], made.threshold[tree, at] = node["split_feature"], node["threshold"]
        many_left = _count(sides[0]) >= _count(sides[1])
        made.nan_left[tree, at] = node["default_left"] if node["missing_type"] == "NaN" else many_left
        for children, side in zip((made.left, made.right), sides, strict=True):
            if "split_index" in side:
                children[tree, at] = side["split_index"]
                open_nodes.append(side)
            else:
                leaf = int(side["leaf_index"])
                children[tree, at], made.leaf[tree, leaf] = -1 - leaf, side["leaf_value"]


def _count(node: Mapping[str, Any]) -> int:
    return int(node["internal_count"] if "split_index" in node else node["leaf_count"])


def idf_of(posts: Sequence[Sequence[str]], recipe: Recipe) -> Array:
    """ln(posts / posts with the word) of each bucket, 0 where fewer than `recipe.rare` posts have one: (BUCKETS,)."""
    found = np.concatenate([np.zeros(0, np.int64), *(buckets(words) for words in posts)])
    counts = np.bincount(found, minlength=BUCKETS)
    return np.where(counts >= recipe.rare, np.log(len(posts) / np.maximum(counts, 1)), 0.0)


def fit_words(posts: Sequence[Sequence[str]], idf: Array, beside: Array, target: Array, recipe: Recipe) -> Array:
    """Ridge on idf-weighted, length-one word vectors, of what other columns leave over: weights (BUCKETS,).

    Args:
        posts: The words of each post. idf: From `idf_of`. beside: (N, B) with the intercept. target: (N,).
    """
    sparse, linalg = importlib.import_module("scipy.sparse"), importlib.import_module("scipy.sparse.linalg")
    found = [buckets(words) for words in posts]
    rows = np.repeat(np.arange(len(posts)), [len(places) for places in found])
    columns = np.concatenate([np.zeros(0, np.int64), *found])
    values = idf[columns]
    lengths = np.sqrt(np.bincount(rows, weights=values**2, minlength=len(posts)))
    text = sparse.csr_matrix((values / np.maximum(lengths[rows], 1e-12), (rows, columns)), (len(posts), BUCKETS))
    base = np.linalg.lstsq(beside, target, rcond=None)[0]
    weights = linalg.lsqr(text, target - beside @ base, damp=np.sqrt(recipe.ridge), iter_lim=300)[0]
    return np.asarray(weights, dtype=np.float64)


def words_out_of_fold(
    posts: Sequence[Sequence[str]], beside: Array, target: Array, folds: Index, recipe: Recipe
) -> Array:
    """Each post's word score from a fit on the other folds: (N,)."""
    scores = np.zeros(len(posts))
    for inside, outside in _parts(folds):
        kept = [posts[i] for i in inside]
        idf = idf_of(kept, recipe)
        weights = fit_words(kept, idf, beside[inside], target[inside], recipe)
        scores[outside] = text_scores([posts[i] for i in outside], idf, weights)
    return scores


def fit_embedding(vectors: Array, beside: Array, target: Array, recipe: Recipe) -> Array:
    """Ridge on captions' vectors, brought to one spread, of what other columns leave over: weights, shift (D + 1,).

    Args:
        vectors: (N, D). beside: (N, B) with the intercept. target: (N,).
    """
    left = target - beside @ np.linalg.lstsq(beside, target, rcond=None)[0]
    means, spreads = vectors.mean(axis=0), np.maximum(vectors.std(axis=0), 1e-9)
    z = (vectors - means) / spreads
    weights = np.linalg.solve(z.T @ z + recipe.embedding_ridge * np.eye(z.shape[1]), z.T @ left) / spreads
    return np.append(weights, -means @ weights)


def embedding_out_of_fold(vectors: Array, beside: Array, target: Array, folds: Index, recipe: Recipe) -> Array:
    """Each post's number from a fit on the other folds: (N,)."""
    scores = np.zeros(len(vectors))
    for inside, outside in _parts(folds):
        weights = fit_embedding(vectors[inside], beside[inside], target[inside], recipe)
        scores[outside] = vectors[outside] @ weights[:-1] + weights[-1]
    return scores


def beside_words(features: Array) -> Array:
    """What the word model stands beside: an intercept and cubics of the account's counts and the duration: (N, B)."""
    columns = [np.ones(len(features))]
    for name in ("followers", "following", "videos", "duration"):
        values = features[:, NAMES.index(name)]
        if np.isfinite(values).any():
            values = np.where(np.isfinite(values), values, np.nanmean(values))
            values = (values - values.mean()) / max(float(values.std()), 1e-9)
            columns += [values, values**2, values**3]
    return np.stack(columns, axis=1)


def fit_target(
    features: Array, target: Array, folds: Index, read: Flags, recipe: Recipe, *, relative: bool = False
) -> Fit:
    """The whole model of one target on features (N, F) whose `text` and `embedding` were filled in out of fold.

    Args:
        features, target: (N, F), (N,) in the target's units. folds: (N,), all posts of an author in one.
        read: (F,) which features it may read. recipe: the settings.
        relative: the point is to have the least relative error (MAPE): the median weighted by 1 / target.
    """
    seen = np.where(read, features, np.nan)
    centre = np.zeros(len(target))
    for inside, outside in _parts(folds):
        centre[outside] = boost(seen[inside], target[inside], recipe).predict(seen[outside])
    beside, left = np.concatenate([seen, centre[:, None]], axis=1), target - centre
    weights = 1.0 / np.maximum(target, 1e-6) if relative else None
    weighted = {0.1: None, 0.5: weights, 0.9: None}
    edges = {quantile: np.zeros(len(target)) for quantile in (0.1, 0.9)}
    for inside, outside in _parts(folds):
        for quantile, made in edges.items():
            made[outside] = boost(beside[inside], left[inside], recipe, quantile=quantile).predict(beside[outside])
    quantiles = [boost(beside, left, recipe, quantile=at, weights=weighted[at]) for at in QUANTILES]
    return Fit(
        trees=dict(zip(PARTS, [boost(seen, target, recipe), *quantiles], strict=True)),
        widen=np.array([_conformal(edges[0.1] - left), _conformal(left - edges[0.9])]),
        columns=read,
        bounds=np.array([target.min(), target.max()]),
    )


def _conformal(excess: Array) -> float:
    """How far an edge must move so that a tenth of the posts lies beyond it: the ⌈0.9 (n + 1)⌉-th smallest excess."""
    place = min(len(excess), int(np.ceil(0.9 * (len(excess) + 1))))
    return float(np.sort(excess)[place - 1])


def _parts(folds: Index) -> list[tuple[Index, Index]]:
    return [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in np.unique(folds)]
