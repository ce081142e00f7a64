"""A prediction from a post's words: one number from a linear model over hashed words.

Words are hashed into BUCKETS (Weinberger et al., Feature Hashing for Large Scale Multitask Learning, ICML 2009), so
that only weights are kept and no word of anybody's post.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BUCKETS = 2**14


def buckets(words: Sequence[str]) -> NDArray[np.int64]:
    """The unique buckets of words, ascending (K,)."""
    return np.array(sorted({zlib.crc32(word.encode("utf-8", "replace")) % BUCKETS for word in words}), dtype=np.int64)


def text_scores(posts: Sequence[Sequence[str]], idf: Array, weights: Array) -> Array:
    """Σ weight · idf over a post's words, divided by the length of its idf vector: (N,); 0 without known words.

    Args:
        posts: the words of each post.
        idf, weights: (BUCKETS,); idf is 0 for a bucket that too few training posts have.
    """
    scores = np.zeros(len(posts))
    for row, words in enumerate(posts):
        found = buckets(words)
        length = float(np.sqrt(np.square(idf[found]).sum()))
        if length > 0.0:
            scores[row] = float(idf[found] @ weights[found]) / length
    return scores
