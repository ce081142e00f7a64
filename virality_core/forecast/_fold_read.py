"""What the models read of posts, made once for all targets: features, words and the captions' vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virality_core.forecast.features import Facts, matrix, words

Array = NDArray[np.float64]
Embed = Callable[[Sequence[str]], NDArray[np.float32]]  # captions → vectors (N, 384), as the models were fitted with


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


def as_read(posts: Sequence[Facts], embed: Embed) -> ReadPosts:
    """Posts as numbers; `embed` is handed in, as no network is known here. Raises what it raises."""
    return ReadPosts(
        features=matrix(posts),
        words=tuple(words(post) for post in posts),
        vectors=embed([post.caption for post in posts]).astype(np.float64),
    )
