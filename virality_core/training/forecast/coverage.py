"""How often intervals hold on unseen authors where the test part is a draw of few: the draw is repeated.

Of a collection with few authors one test part says little: an author whose every post is far from the others' moves the
coverage by points. Here other authors are left out each time, among those the model is fitted on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from virality_core.forecast.model import EngagementModel
from virality_core.training.datasets.engagement_posts import PostOutcome
from virality_core.training.evaluation.engagement import predictions
from virality_core.training.forecast.fit import FEW_AUTHORS, Recipe
from virality_core.training.forecast.train import TEST_SHARE, fit_all
from virality_core.training.statistics import folds


def coverage(
    posts: Sequence[PostOutcome], recipe: Recipe, draws: int, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Rows: collection, target, draws, and the mean, least and greatest share of left-out posts inside 80 % intervals.

    Args:
        posts: Of the fitting authors. draws: How often an eighth of a collection's authors is left out.
    """
    made = []
    for collection in sorted({post.collection for post in posts}):
        chosen = [post for post in posts if post.collection == collection]
        if len({post.author for post in chosen}) >= FEW_AUTHORS:
            continue
        held: dict[str, list[float]] = {}
        for draw in range(draws):
            out = folds([f"coverage {draw} {post.author}" for post in chosen], TEST_SHARE) == 0
            kept = [post for post, left in zip(chosen, out, strict=True) if not left]
            judged = [post for post, left in zip(chosen, out, strict=True) if left]
            found = predictions(EngagementModel(*fit_all(kept, recipe)), judged)
            for (_, target), predicted in found.items():
                ranges, truth = predicted.by[""], predicted.truth
                held.setdefault(target, []).append(float(((truth >= ranges.low) & (truth <= ranges.high)).mean()))
        for target, shares in held.items():
            figures = {"mean": np.mean(shares), "least": np.min(shares), "greatest": np.max(shares)}
            rounded = {name: round(float(value), 4) for name, value in figures.items()}
            made.append({"collection": collection, "target": target, "draws": draws, **rounded})
            say(str(made[-1]))
    return made
