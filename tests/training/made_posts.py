"""Made-up posts with known effects: what a fit must find, and what it must not."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta

from virality_core.training.datasets.posts import PostRecord

_DAY = datetime(2025, 5, 1)
_FILLER = ("the", "dog", "and", "a", "boat", "in", "water", "by", "their", "house", "on", "sunny", "mornings", "old")


def made_posts(
    count: int = 3000,
    *,
    question: float = 0.0,
    tags: dict[str, float] | None = None,
    authors: int | None = None,
    author_noise: float = 0.5,
    seed: int = 0,
    collection: str = "made-up",
) -> tuple[PostRecord, ...]:
    """Posts whose ln engagement is 3 + 0.4 ln(1 + followers) + the planted effects + author and post noise.

    Accounts that ask questions are made larger, so that a fit which forgot account size would be wrong.
    """
    random_of = random.Random(seed)
    people = [(random_of.uniform(2.0, 14.0), random_of.gauss(0.0, author_noise)) for _ in range(authors or count // 2)]
    posts = []
    for number in range(count):
        who = random_of.randrange(len(people))
        size, habit = people[who]
        asks = random_of.random() < (0.5 if size > 8.0 else 0.1)
        words = " ".join(random_of.choices(_FILLER, k=random_of.randint(4, 14)))
        caption = words + ("?" if asks else "") + (" 😀" if random_of.random() < 0.3 else "")
        used = tuple(name for name in tags or {} if random_of.random() < 0.2)
        log = 3.0 + 0.4 * size + question * asks + habit + random_of.gauss(0.0, 0.8)
        log += sum((tags or {})[name] for name in used)
        posted = _DAY + timedelta(hours=number % 700)
        posts.append(
            PostRecord(
                collection=collection,
                author=f"author {who}",
                caption=caption,
                hashtags=used,
                hashtag_count=len(used),
                followers=math.expm1(size),
                likes=max(0.0, math.expm1(log)),
                comments=0.0,
                shares=0.0,
                posted_at=posted,
                observed_at=_DAY + timedelta(days=40),
            )
        )
    return tuple(posts)
