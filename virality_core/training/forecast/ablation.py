"""What each group of features adds: out-of-fold figures among the authors that the model is fitted on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from virality_core.forecast.features import EMBEDDING_COLUMN, GROUPS, NAMES, TEXT_COLUMN, as_read
from virality_core.models.language.minilm_embedding import embed_captions
from virality_core.training.datasets.engagement_posts import COUNTS, POPULARITY, PostOutcome, target_units
from virality_core.training.evaluation.engagement import author_draws, interval, rank_correlation
from virality_core.training.forecast.fit import (
    Recipe,
    beside_words,
    boost,
    embedding_out_of_fold,
    words_out_of_fold,
)
from virality_core.training.statistics import folds, numbers

JUDGED = (("smp_video", POPULARITY), ("tiktok-vn-2025", "likes"), ("tiktok-us-2025", "likes"))
DRAWS = 200


def ablation(posts: Sequence[PostOutcome], recipe: Recipe, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Rows: collection, target, what was read, Spearman, mean error, MAPE, and the gain over the account alone.

    Judged is the centre (squared loss), out of fold by author; `gain` is the Spearman less the row `account`, with its
    95 % author-bootstrap interval.
    """
    made = []
    for collection, target in JUDGED:
        assert target in (*COUNTS, POPULARITY)
        chosen = [post for post in posts if post.collection == collection and target in post.targets]
        if chosen:
            made += _rows(collection, target, chosen, recipe, say)
    return made


def _rows(
    collection: str, target: str, posts: Sequence[PostOutcome], recipe: Recipe, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    truth = np.array([target_units(target, post.targets[target]) for post in posts])
    authors = [post.author for post in posts]
    read = as_read([post.facts for post in posts], embed_captions)
    features, texts, vectors = read.features, read.words, read.vectors
    beside, outer = beside_words(features), folds([f"ablation {name}" for name in authors], 5)
    inner = folds([f"ablation words {name}" for name in authors], 5)
    sized = bool(np.isfinite(features[:, 0]).any())
    points = {name: np.zeros(len(posts)) for name in _sets(sized)}
    for fold in range(5):
        fit, judged = np.flatnonzero(outer != fold), np.flatnonzero(outer == fold)
        own = features.copy()
        own[fit, TEXT_COLUMN] = words_out_of_fold([texts[i] for i in fit], beside[fit], truth[fit], inner[fit], recipe)
        own[fit, EMBEDDING_COLUMN] = embedding_out_of_fold(vectors[fit], beside[fit], truth[fit], inner[fit], recipe)
        # The judged posts' words are scored by fits that leave their authors out.
        both = np.concatenate([fit, judged])
        marked = np.concatenate([np.zeros(len(fit), np.int64), np.ones(len(judged), np.int64)])
        scored = words_out_of_fold([texts[i] for i in both], beside[both], truth[both], marked, recipe)
        own[judged, TEXT_COLUMN] = scored[len(fit) :]
        meant = embedding_out_of_fold(vectors[both], beside[both], truth[both], marked, recipe)
        own[judged, EMBEDDING_COLUMN] = meant[len(fit) :]
        for name, names in _sets(sized).items():
            columns = [NAMES.index(feature) for feature in names]
            points[name][judged] = boost(own[fit][:, columns], truth[fit], recipe).predict(own[judged][:, columns])
    reference = points["account" if sized else "caption"]
    drawn = author_draws(numbers(authors), DRAWS)
    made = []
    for name, point in points.items():
        gains = [_rank(point[d], truth[d]) - _rank(reference[d], truth[d]) for d in drawn]
        made.append(
            {
                "collection": collection,
                "target": target,
                "reads": name,
                "n": len(truth),
                "spearman": round(_rank(point, truth), 4),
                "mae_ln": round(float(np.abs(point - truth).mean()), 4),
                "mape": round(float((np.abs(point - truth) / truth).mean()), 4) if target == POPULARITY else None,
                "gain": round(_rank(point, truth) - _rank(reference, truth), 4),
                "gain_interval": interval(gains),
            }
        )
        say(str(made[-1]))
    return made


def _sets(sized: bool) -> dict[str, tuple[str, ...]]:
    everything = tuple(name for group in GROUPS.values() for name in group)
    without_words = tuple(name for name in everything if name not in ("text", "embedding"))
    without_vector = tuple(name for name in everything if name != "embedding")
    content = tuple(name for name in everything if name not in GROUPS["account"])
    if not sized:
        return {
            "caption": GROUPS["caption"],
            "all but words": without_words,
            "all but the embedding": without_vector,
            "everything": everything,
        }
    counts = ("followers", "following", "videos")
    account = GROUPS["account"]
    return {
        "account": account,
        "followers": ("followers",),
        "followers, following, videos": counts,
        "no account": content,
        **{f"account + {group}": (*account, *names) for group, names in GROUPS.items() if group != "account"},
        "account + words alone": (*account, "text", "embedding"),
        "all but words": without_words,
        "all but the embedding": without_vector,
        "everything": everything,
    }


def _rank(one: Any, other: Any) -> float:
    return rank_correlation(one, other) or 0.0
