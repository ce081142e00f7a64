"""Posts made up for the tests: what they got follows from followers, one hashtag, and chance."""

from __future__ import annotations

import math

import numpy as np

from virality_core.forecast.features import facts_from
from virality_core.training.datasets.posts import PostOutcome


def made_posts(count: int, *, seed: int = 0, per_author: int = 2, tag_worth: float = 1.5) -> list[PostOutcome]:
    """Posts of one collection with likes and plays: ln likes = 0.5 ln followers + tag_worth · #gold + noise of 0.7."""
    chance = np.random.default_rng(seed)
    posts = []
    for place in range(count):
        author = place // per_author
        followers = float(np.round(np.exp(np.random.default_rng(author).normal(9.0, 2.0))))
        gold = bool(chance.random() < 0.5)
        level = 0.5 * math.log1p(followers) + tag_worth * gold + float(chance.normal(0.0, 0.7))
        columns = {
            "caption": "made #gold" if gold else "made #grey",
            "hashtags": ["gold" if gold else "grey"],
            "followers": followers,
            "duration_s": float(chance.integers(5, 60)),
        }
        posts.append(
            PostOutcome(
                collection="made",
                author=f"author {author}",
                facts=facts_from(columns),
                targets={"likes": math.expm1(level), "plays": math.expm1(level + 2.0)},
            )
        )
    return posts
