"""What the models read of posts, made once for all targets: features, words and the captions' vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virality_core.engagement.facts import Facts, matrix, words
from virality_core.models.caption_embedding import bundled_embedder

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadPosts:
    """N posts as numbers.

    `features` (N, len(NAMES)), with `text` and `embedding` left NaN; `words` of each; `vectors` (N, 384) of captions.
    """

    features: Array
    words: tuple[tuple[str, ...], ...]
    vectors: Array

    def rows(self, places: Sequence[int] | NDArray[np.int64]) -> ReadPosts:
        """Some of them, in that order."""
        chosen = np.asarray(places, dtype=np.int64)
        return ReadPosts(
            features=self.features[chosen],
            words=tuple(self.words[place] for place in chosen.tolist()),
            vectors=self.vectors[chosen],
        )


def read_posts(posts: Sequence[Facts]) -> ReadPosts:
    """Posts as numbers. Raises WeightsError where the model that reads captions is missing."""
    return ReadPosts(
        features=matrix(posts),
        words=tuple(words(post) for post in posts),
        vectors=bundled_embedder().embed([post.caption for post in posts]).astype(np.float64),
    )
