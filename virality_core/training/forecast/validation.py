"""Out-of-fold checks of the forecast: what features add, whether intervals hold, whether own posts help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from virality_core.errors import InputError
from virality_core.forecast.features import EMBEDDING_COLUMN, GROUPS, NAMES, TEXT_COLUMN, as_read
from virality_core.forecast.model import EngagementModel
from virality_core.forecast.own_posts_fit import fit_count
from virality_core.models.language.minilm import embed_captions
from virality_core.training.datasets.posts import POPULARITY, PostOutcome, target_units
from virality_core.training.evaluation.forecast import predictions, rounded_interval
from virality_core.training.forecast.fit import (
    FEW_AUTHORS,
    Recipe,
    boost,
    center_out_of_fold,
    controls_of,
    splits_of,
    text_features,
    with_text_features,
)
from virality_core.training.forecast.train import TEST_SHARE, author_folds, fit_all
from virality_core.training.statistics import Array, Index, author_bootstrap, folds, numbers, spearman

ABLATED = (("smp_video", POPULARITY), ("tiktok-vn-2025", "likes"), ("tiktok-us-2025", "likes"))
ABLATION_DRAWS = 200
MIN_HISTORY_POSTS = 40
HISTORY_DRAWS = 2_000

Say = Callable[[str], None]


def ablation(posts: Sequence[PostOutcome], recipe: Recipe, say: Say) -> list[dict[str, Any]]:
    """What each group of features adds, out of fold by author.

    Returns:
        Rows: collection, target, features read, n, Spearman, mean error and MAPE of the center, and `gain`: its
        Spearman less that of the row `account`, with a 95 % author-bootstrap interval.
    """
    found = []
    for collection, target in ABLATED:
        chosen = [post for post in posts if post.collection == collection and target in post.targets]
        if chosen:
            found += _ablation_rows(collection, target, chosen, recipe, say)
    return found


def _ablation_rows(
    collection: str, target: str, posts: Sequence[PostOutcome], recipe: Recipe, say: Say
) -> list[dict[str, Any]]:
    truth = np.array([target_units(target, post.targets[target]) for post in posts])
    authors = [post.author for post in posts]
    read = as_read([post.facts for post in posts], embed_captions)
    controls, outer = controls_of(read.features), folds([f"ablation {name}" for name in authors], 5)
    inner = folds([f"ablation words {name}" for name in authors], 5)
    sized = bool(np.isfinite(read.features[:, 0]).any())
    sets = _feature_sets(sized)
    points = {name: np.zeros(len(posts)) for name in sets}
    for train, test in splits_of(outer):
        train_read, test_read = read.rows(train), read.rows(test)
        train_features = with_text_features(train_read, controls[train], truth[train], inner[train], recipe)
        test_features = test_read.features
        test_features[:, TEXT_COLUMN], test_features[:, EMBEDDING_COLUMN] = text_features(
            train_read, controls[train], truth[train], test_read, recipe
        )
        for name, names in sets.items():
            columns = [NAMES.index(feature) for feature in names]
            trees = boost(train_features[:, columns], truth[train], recipe)
            points[name][test] = trees.predict(test_features[:, columns])
    reference = points["account" if sized else "caption"]
    samples = list(author_bootstrap(numbers(authors), ABLATION_DRAWS))
    found = []
    for name, point in points.items():
        gains = [_rank(point[rows], truth[rows]) - _rank(reference[rows], truth[rows]) for rows in samples]
        found.append(
            {
                "collection": collection,
                "target": target,
                "reads": name,
                "n": len(truth),
                "spearman": round(_rank(point, truth), 4),
                "mae_ln": round(float(np.abs(point - truth).mean()), 4),
                "mape": round(float((np.abs(point - truth) / truth).mean()), 4) if target == POPULARITY else None,
                "gain": round(_rank(point, truth) - _rank(reference, truth), 4),
                "gain_interval": rounded_interval(gains),
            }
        )
        say(str(found[-1]))
    return found


def _feature_sets(sized: bool) -> dict[str, tuple[str, ...]]:
    without = {
        "all but words": tuple(name for name in NAMES if name not in ("text", "embedding")),
        "all but the embedding": tuple(name for name in NAMES if name != "embedding"),
        "everything": NAMES,
    }
    if not sized:
        return {"caption": GROUPS["caption"], **without}
    account = GROUPS["account"]
    return {
        "account": account,
        "followers": ("followers",),
        "followers, following, videos": ("followers", "following", "videos"),
        "no account": tuple(name for name in NAMES if name not in account),
        **{f"account + {group}": (*account, *names) for group, names in GROUPS.items() if group != "account"},
        "account + words alone": (*account, "text", "embedding"),
        **without,
    }


def _rank(one: Array, other: Array) -> float:
    return spearman(one, other) or 0.0


def coverage(posts: Sequence[PostOutcome], recipe: Recipe, draws: int, say: Say) -> list[dict[str, Any]]:
    """How often intervals hold on unseen authors in collections of few authors.

    One test part of few authors says little: a single author far from the others moves the coverage by points. So other
    authors, an eighth of the collection's, are left out `draws` times.

    Returns:
        Rows: collection, target, draws, and the mean, least and greatest share of left-out posts inside 80 % intervals.
    """
    found = []
    for collection in sorted({post.collection for post in posts}):
        chosen = [post for post in posts if post.collection == collection]
        if len({post.author for post in chosen}) >= FEW_AUTHORS:
            continue
        inside: dict[str, list[float]] = {}
        for draw in range(draws):
            is_out = folds([f"coverage {draw} {post.author}" for post in chosen], TEST_SHARE) == 0
            kept = [post for post, out in zip(chosen, is_out, strict=True) if not out]
            left_out = [post for post, out in zip(chosen, is_out, strict=True) if out]
            for (_, target), predicted in predictions(EngagementModel(*fit_all(kept, recipe)), left_out).items():
                ranges, truth = predicted.by[""], predicted.truth
                inside.setdefault(target, []).append(float(((truth >= ranges.low) & (truth <= ranges.high)).mean()))
        for target, shares in inside.items():
            figures = {"mean": np.mean(shares), "least": np.min(shares), "greatest": np.max(shares)}
            rounded = {name: round(float(value), 4) for name, value in figures.items()}
            found.append({"collection": collection, "target": target, "draws": draws, **rounded})
            say(str(found[-1]))
    return found


def own_posts(
    posts: Sequence[PostOutcome], target: str, first: Sequence[int] = (MIN_HISTORY_POSTS,)
) -> list[dict[str, Any]]:
    """Do a creator's own posts help? Leave-one-out errors against the general model's, author by author.

    The general model is fitted out of fold by author, so it has never seen the author it is compared on; nothing of
    `virality fit-history` is tuned here.

    Args:
        posts, target: what is predicted of which posts.
        first: how many of each author's first posts in the file are used; rows for each number.

    Returns:
        Rows for each collection with authors of MIN_HISTORY_POSTS posts. `general`, `own`, `level`: median over these
        authors of the mean absolute error in ln(1 + count) of the general model, of the history's leave-one-out fit,
        and of the author's mean of the other posts. `difference`: the median of own − general with its 95 % bootstrap
        interval over authors.

    Raises:
        InputError: no author has enough posts, or there are too few posts of others.
    """
    rows, alone = [], False
    for collection in sorted({post.collection for post in posts}):
        chosen = [post for post in posts if post.collection == collection and target in post.targets]
        authors = numbers([post.author for post in chosen])
        if not chosen or not (np.bincount(authors) >= MIN_HISTORY_POSTS).any():
            continue
        if len(chosen) - np.bincount(author_folds(chosen)).max() < MIN_HISTORY_POSTS:
            alone = True
            continue
        fitted = _general_out_of_fold(chosen, target)
        rows += [{"collection": collection, "target": target, **_own_row(*fitted, authors, count)} for count in first]
    if not rows:
        raise InputError(
            f"The general model is fitted on other authors' posts, {MIN_HISTORY_POSTS} at least; add some."
            if alone
            else f"No author has {MIN_HISTORY_POSTS} posts with {target}."
        )
    return rows


def _own_row(features: Array, truth: Array, general: Array, authors: Index, count: int) -> dict[str, Any]:
    errors = []
    for author in range(int(authors.max()) + 1):
        rows = np.flatnonzero(authors == author)
        if len(rows) >= MIN_HISTORY_POSTS:
            rows = rows[:count]
            fit = fit_count(features[rows], general[rows], truth[rows])
            others = (truth[rows].sum() - truth[rows]) / (len(rows) - 1)
            errors.append((fit.general_error, fit.loo_error, float(np.abs(truth[rows] - others).mean())))
    found = np.array(errors)
    difference = found[:, 1] - found[:, 0]
    samples = author_bootstrap(np.arange(len(difference)), HISTORY_DRAWS)
    general_error, own_error, level_error = (round(float(value), 4) for value in np.median(found, axis=0))
    return {
        "authors": len(found),
        "posts_each": count,
        "general": general_error,
        "own": own_error,
        "level": level_error,
        "difference": round(float(np.median(difference)), 4),
        "difference_interval": rounded_interval([float(np.median(difference[rows])) for rows in samples]),
        "own_is_better_for": round(float((difference < 0.0).mean()), 4),
    }


def _general_out_of_fold(posts: Sequence[PostOutcome], target: str) -> tuple[Array, Array, Array]:
    """Features, outcomes in ln units, and the general center fitted without the post's author: (N, F), (N,), (N,)."""
    recipe = Recipe().for_authors(len({post.author for post in posts}))
    read, parts = as_read([post.facts for post in posts], embed_captions), author_folds(posts)
    truth = np.array([target_units(target, post.targets[target]) for post in posts])
    features = with_text_features(read, controls_of(read.features), truth, parts, recipe)
    return features, truth, center_out_of_fold(features, truth, parts, recipe)
