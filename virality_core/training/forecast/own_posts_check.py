"""Does a creator's own history help? Leave-one-out error against the general model's, author by author.

The general model is fitted out of fold by author, so that it has never seen the author it is compared on; nothing of
`virality fit-history` is tuned here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from virality_core.errors import InputError
from virality_core.forecast.features import EMBEDDING_COLUMN, TEXT_COLUMN, as_read
from virality_core.forecast.own_posts_fit import fit_own
from virality_core.models.language.minilm_embedding import embed_captions
from virality_core.training.datasets.engagement_posts import PostOutcome, target_units
from virality_core.training.forecast.fit import (
    Array,
    Index,
    Recipe,
    beside_words,
    boost,
    embedding_out_of_fold,
    words_out_of_fold,
)
from virality_core.training.forecast.train import author_folds
from virality_core.training.statistics import numbers

MIN_POSTS = 40
DRAWS = 2_000


def check(posts: Sequence[PostOutcome], target: str, each: Sequence[int] = (MIN_POSTS,)) -> list[dict[str, Any]]:
    """Rows for each collection that has authors with MIN_POSTS posts: the errors' medians over these authors.

    For each number in `each`, as many of an author's first posts in the file are taken. `general`, `own`, `level`:
    median over authors of the mean absolute error in ln(1 + count): of the general model, of the history's
    leave-one-out fit, and of the author's mean of the other posts, without any model. `difference` is the median of
    own − general with its 95 % bootstrap interval over authors.

    Raises:
        InputError: no author has enough posts, or there are too few posts of others.
    """
    rows, alone = [], False
    for collection in sorted({post.collection for post in posts}):
        chosen = [post for post in posts if post.collection == collection and target in post.targets]
        authors = numbers([post.author for post in chosen])
        if not chosen or not (np.bincount(authors) >= MIN_POSTS).any():
            continue
        if len(chosen) - np.bincount(author_folds(chosen)).max() < MIN_POSTS:
            alone = True
        else:
            fitted = general_out_of_fold(chosen, target)
            rows += [{"collection": collection, "target": target, **_row(*fitted, authors, of)} for of in each]
    if not rows and alone:
        raise InputError(f"The general model is fitted on other authors' posts, {MIN_POSTS} at least; add some.")
    if not rows:
        raise InputError(f"No author has {MIN_POSTS} posts with {target}.")
    return rows


def _row(features: Array, truth: Array, general: Array, authors: Index, each: int) -> dict[str, Any]:
    errors = []
    for author in range(int(authors.max()) + 1):
        rows = np.flatnonzero(authors == author)
        if len(rows) >= MIN_POSTS:
            rows = rows[:each]
            fit = fit_own(features[rows], general[rows], truth[rows])
            others = (truth[rows].sum() - truth[rows]) / (len(rows) - 1)
            errors.append((fit.general_error, fit.loo_error, float(np.abs(truth[rows] - others).mean())))
    found = np.array(errors)
    generator = np.random.default_rng(0)
    gain = found[:, 1] - found[:, 0]
    drawn = [float(np.median(generator.choice(gain, len(gain)))) for _ in range(DRAWS)]
    general_median, own, level = (round(float(value), 4) for value in np.median(found, axis=0))
    return {
        "authors": len(found),
        "posts_each": each,
        "general": general_median,
        "own": own,
        "level": level,
        "difference": round(float(np.median(gain)), 4),
        "difference_interval": [round(float(edge), 4) for edge in np.quantile(drawn, [0.025, 0.975])],
        "own_is_better_for": round(float((gain < 0.0).mean()), 4),
    }


def general_out_of_fold(posts: Sequence[PostOutcome], target: str) -> tuple[Array, Array, Array]:
    """Features, outcomes in ln units, and the general centre fitted without the post's author: (N, F), (N,), (N,)."""
    recipe = Recipe().for_authors(len({post.author for post in posts}))
    read, folds = as_read([post.facts for post in posts], embed_captions), author_folds(posts)
    truth = np.array([target_units(target, post.targets[target]) for post in posts])
    features, beside = read.features, beside_words(read.features)
    features[:, TEXT_COLUMN] = words_out_of_fold(read.words, beside, truth, folds, recipe)
    features[:, EMBEDDING_COLUMN] = embedding_out_of_fold(read.vectors, beside, truth, folds, recipe)
    general = np.zeros(len(posts))
    for fold in np.unique(folds):
        inside, outside = folds != fold, folds == fold
        general[outside] = boost(features[inside], truth[inside], recipe).predict(features[outside])
    return features, truth, general
