"""The fits behind the forecast: words by ridge, boosting, everything out of fold by author, calibrated intervals.

A target's model has three steps:

1. Ridge regressions on hashed words and on the caption's vector, next to account size, give one number each.
2. Boosted trees with squared loss give the center from all features.
3. Boosted trees with quantile loss give the 10 %, 50 % and 90 % quantiles of the center's out-of-fold residuals, which
   CQR widens or narrows by how they do on authors that they were not fitted on (Romano, Patterson and Candès,
   Conformalized Quantile Regression, NeurIPS 2019).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from virality_core.errors import UsageError
from virality_core.forecast.boosted_trees import Trees
from virality_core.forecast.features import EMBEDDING_COLUMN, NAMES, TEXT_COLUMN, ReadPosts
from virality_core.forecast.hashed_words import BUCKETS, buckets, text_scores
from virality_core.forecast.model import PARTS, Fit
from virality_core.training.statistics import Array, Index

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
        """The recipe where few authors have many posts each: fewer leaves, too large for a few authors to fill."""
        if authors >= FEW_AUTHORS:
            return self
        return replace(self, trees=80, leaves=4, smallest_leaf=300, spread_trees=40)


def boost(
    features: Array, target: Array, recipe: Recipe, *, quantile: float | None = None, weights: Array | None = None
) -> Trees:
    """One boosted ensemble; squared loss, or the pinball loss of `quantile`. Deterministic, one thread."""
    try:
        lightgbm = importlib.import_module("lightgbm")
    except ImportError as error:
        raise UsageError("Training needs lightgbm; install it with pip install 'virality-core[train]'.") from error
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
    booster = lightgbm.train(settings, data, recipe.trees if quantile is None else recipe.spread_trees)
    return to_arrays(booster.dump_model())


def to_arrays(dump: Mapping[str, Any]) -> Trees:
    """LightGBM's `dump_model()` as arrays. Where a feature was never missing in the fit, missing ones go with the many.

    Raises:
        ValueError: a split is not of the kind "number ≤ threshold".
    """
    roots = [tree["tree_structure"] for tree in dump["tree_info"]]
    splits = max(1, *(tree["num_leaves"] - 1 for tree in dump["tree_info"]))
    shape = (len(roots), splits)
    trees = Trees(
        feature=np.zeros(shape, np.int16),
        threshold=np.zeros(shape),
        left=np.full(shape, -1, np.int16),
        right=np.full(shape, -1, np.int16),
        nan_left=np.ones(shape, np.bool_),
        leaf=np.zeros((len(roots), splits + 1)),
    )
    for tree, root in enumerate(roots):
        if "split_index" not in root:
            trees.leaf[tree, 0] = root["leaf_value"]
            continue
        pending = [root]
        while pending:
            node = pending.pop()
            if node["decision_type"] != "<=":
                raise ValueError(f"a split {node['decision_type']!r} can't be kept as an array")
            at, sides = int(node["split_index"]), (node["left_child"], node["right_child"])
            trees.feature[tree, at], trees.threshold[tree, at] = node["split_feature"], node["threshold"]
            left, right = (side.get("internal_count", side.get("leaf_count")) for side in sides)
            trees.nan_left[tree, at] = node["default_left"] if node["missing_type"] == "NaN" else left >= right
            for children, side in zip((trees.left, trees.right), sides, strict=True):
                if "split_index" in side:
                    children[tree, at] = side["split_index"]
                    pending.append(side)
                else:
                    leaf = int(side["leaf_index"])
                    children[tree, at], trees.leaf[tree, leaf] = -1 - leaf, side["leaf_value"]
    return trees


def idf_of(posts: Sequence[Sequence[str]], recipe: Recipe) -> Array:
    """ln(posts / posts with the word) of each bucket, 0 where fewer than `recipe.rare` posts have one: (BUCKETS,)."""
    found = np.concatenate([np.zeros(0, np.int64), *(buckets(words) for words in posts)])
    counts = np.bincount(found, minlength=BUCKETS)
    return np.where(counts >= recipe.rare, np.log(len(posts) / np.maximum(counts, 1)), 0.0)


def fit_words(posts: Sequence[Sequence[str]], idf: Array, controls: Array, target: Array, recipe: Recipe) -> Array:
    """Ridge of idf-weighted word vectors of length one, on what the controls (N, B) leave: weights (BUCKETS,)."""
    from scipy import sparse
    from scipy.sparse import linalg

    found = [buckets(words) for words in posts]
    rows = np.repeat(np.arange(len(posts)), [len(some) for some in found])
    columns = np.concatenate([np.zeros(0, np.int64), *found])
    values = idf[columns]
    lengths = np.sqrt(np.bincount(rows, weights=values**2, minlength=len(posts)))
    text = sparse.csr_matrix((values / np.maximum(lengths[rows], 1e-12), (rows, columns)), (len(posts), BUCKETS))
    weights = linalg.lsqr(text, _residuals(controls, target), damp=np.sqrt(recipe.ridge), iter_lim=300)[0]
    return np.asarray(weights, dtype=np.float64)


def fit_embedding(vectors: Array, controls: Array, target: Array, recipe: Recipe) -> Array:
    """Ridge of standardized caption vectors (N, D), on what the controls (N, B) leave: weights and shift (D + 1,)."""
    means, spreads = vectors.mean(axis=0), np.maximum(vectors.std(axis=0), 1e-9)
    z = (vectors - means) / spreads
    pulled = z.T @ z + recipe.embedding_ridge * np.eye(z.shape[1])
    weights = np.linalg.solve(pulled, z.T @ _residuals(controls, target)) / spreads
    return np.append(weights, -means @ weights)


def controls_of(features: Array) -> Array:
    """What the text models control for: an intercept and cubics of account counts and duration, (N, B)."""
    columns = [np.ones(len(features))]
    for name in ("followers", "following", "videos", "duration"):
        values = features[:, NAMES.index(name)]
        if np.isfinite(values).any():
            values = np.where(np.isfinite(values), values, np.nanmean(values))
            values = (values - values.mean()) / max(float(values.std()), 1e-9)
            columns += [values, values**2, values**3]
    return np.stack(columns, axis=1)


def text_features(
    train: ReadPosts, controls: Array, target: Array, test: ReadPosts, recipe: Recipe
) -> tuple[Array, Array]:
    """The features `text` and `embedding` of the posts `test` (M,) each, by fits on the posts `train`."""
    idf = idf_of(train.words, recipe)
    words = fit_words(train.words, idf, controls, target, recipe)
    embedding = fit_embedding(train.vectors, controls, target, recipe)
    return text_scores(test.words, idf, words), np.asarray(test.vectors @ embedding[:-1] + embedding[-1])


def with_text_features(read: ReadPosts, controls: Array, target: Array, folds: Index, recipe: Recipe) -> Array:
    """The posts' features (N, F) with `text` and `embedding`, each post's from fits on the other folds."""
    features = read.features.copy()
    for inside, outside in splits_of(folds):
        features[outside, TEXT_COLUMN], features[outside, EMBEDDING_COLUMN] = text_features(
            read.rows(inside), controls[inside], target[inside], read.rows(outside), recipe
        )
    return features


def center_out_of_fold(features: Array, target: Array, folds: Index, recipe: Recipe) -> Array:
    """Each post's center from trees fitted on the other folds: (N,)."""
    center = np.zeros(len(target))
    for inside, outside in splits_of(folds):
        center[outside] = boost(features[inside], target[inside], recipe).predict(features[outside])
    return center


def fit_target(
    features: Array, target: Array, folds: Index, columns: NDArray[np.bool_], recipe: Recipe, *, relative: bool = False
) -> Fit:
    """The whole model of one target on features (N, F) whose `text` and `embedding` were filled in out of fold.

    It reads only `columns` (F,). With `relative`, the median is weighted by 1 / target, for the least relative error.
    """
    read = np.where(columns, features, np.nan)
    center = center_out_of_fold(read, target, folds, recipe)
    with_center, residuals = np.concatenate([read, center[:, None]], axis=1), target - center
    weights = 1.0 / np.maximum(target, 1e-6) if relative else None
    edges = {quantile: np.zeros(len(target)) for quantile in (0.1, 0.9)}
    for inside, outside in splits_of(folds):
        for quantile, edge in edges.items():
            trees = boost(with_center[inside], residuals[inside], recipe, quantile=quantile)
            edge[outside] = trees.predict(with_center[outside])
    quantiles = [
        boost(with_center, residuals, recipe, quantile=quantile, weights=weights if quantile == 0.5 else None)
        for quantile in QUANTILES
    ]
    return Fit(
        trees=dict(zip(PARTS, [boost(read, target, recipe), *quantiles], strict=True)),
        widen=np.array([_conformal(edges[0.1] - residuals), _conformal(residuals - edges[0.9])]),
        columns=columns,
        bounds=np.array([target.min(), target.max()]),
    )


def splits_of(folds: Index) -> Iterator[tuple[Index, Index]]:
    """For each fold, the rows outside of it, to fit on, and its own."""
    for fold in np.unique(folds):
        yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)


def _residuals(controls: Array, target: Array) -> Array:
    return np.asarray(target - controls @ np.linalg.lstsq(controls, target, rcond=None)[0])


def _conformal(excess: Array) -> float:
    """How far an edge must move for a tenth of the posts to be beyond it: the ⌈0.9 (n + 1)⌉-th smallest excess."""
    index = min(len(excess), int(np.ceil(0.9 * (len(excess) + 1)))) - 1
    return float(np.sort(excess)[index])
