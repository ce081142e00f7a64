"""`virality train engagement`: fits every collection's targets, judges them on unseen authors, writes the model.

An author belongs to one part for good, by a digest of the name: an eighth of the authors is the test part, looked at
once by the finished model. Settings are chosen and intervals are calibrated out of fold among the others.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from virality_core.errors import InputError
from virality_core.forecast.features import EMBEDDING_COLUMN, NAMES, TEXT_COLUMN, as_read
from virality_core.forecast.model import EngagementModel, columns_of, tensors_of
from virality_core.models.language.minilm_embedding import embed_captions
from virality_core.training.datasets.engagement_posts import (
    COUNTS,
    POPULARITY,
    PostOutcome,
    read_outcomes,
    target_units,
)
from virality_core.training.evaluation.engagement import better, predictions, rank_correlation, rows
from virality_core.training.forecast.fit import (
    FOLDS,
    QUANTILES,
    Recipe,
    beside_words,
    embedding_out_of_fold,
    fit_embedding,
    fit_target,
    fit_words,
    idf_of,
    words_out_of_fold,
)
from virality_core.training.statistics import folds

TEST_SHARE = 8  # one author in eight is kept for the test
MIN_POSTS = 200
DRAWS = 400

Say = Callable[[str], None]


def read_all(paths: Sequence[Path]) -> tuple[PostOutcome, ...]:
    """The posts of all files. Raises InputError for a file of another shape."""
    return tuple(post for path in paths for post in read_outcomes(path))


def is_test(post: PostOutcome) -> bool:
    """Whether the post's author is in the test part."""
    return bool(folds([f"engagement test {post.author}"], TEST_SHARE)[0] == 0)


def fit_all(
    posts: Sequence[PostOutcome], recipe: Recipe, say: Say = lambda _: None
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The tensors and the statement of a model fitted on all of `posts`; collections under MIN_POSTS are left out."""
    tensors: dict[str, NDArray[Any]] = {}
    collections: dict[str, Any] = {}
    for collection in sorted({post.collection for post in posts}):
        chosen = [post for post in posts if post.collection == collection]
        if len(chosen) >= MIN_POSTS:
            made, stated = _fit_collection(collection, chosen, recipe, say)
            tensors |= made
            collections[collection] = stated
    if not collections:
        raise InputError(f"Each collection has fewer than {MIN_POSTS} posts; more are needed for a fit.")
    return tensors, {"schema": 1, "features": list(NAMES), "collections": collections}


def author_folds(posts: Sequence[PostOutcome]) -> NDArray[np.int64]:
    """The fold of each post's author, 0 … FOLDS − 1."""
    return folds([f"engagement fold {post.author}" for post in posts], FOLDS)


def _fit_collection(
    collection: str, posts: Sequence[PostOutcome], recipe: Recipe, say: Say
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    facts = [post.facts for post in posts]
    recipe = recipe.for_authors(len({post.author for post in posts}))
    followers = np.array([fact.followers for fact in facts if fact.followers is not None])
    sized = len(followers) >= len(posts) / 2
    read = as_read(facts, embed_captions)
    idf, fold = idf_of(read.words, recipe), author_folds(posts)
    tensors: dict[str, NDArray[Any]] = {f"{collection}/idf": idf.astype(np.float32)}
    targets: dict[str, Any] = {}
    for target in (*COUNTS, POPULARITY):
        rows_of = np.array([row for row, post in enumerate(posts) if target in post.targets], dtype=np.int64)
        if len(rows_of) < MIN_POSTS:
            continue
        truth = np.array([target_units(target, posts[row].targets[target]) for row in rows_of])
        counted = read.rows(rows_of)
        own, texts, vectors, parts = counted.features, counted.words, counted.vectors, fold[rows_of]
        beside = beside_words(own)
        own[:, TEXT_COLUMN] = words_out_of_fold(texts, beside, truth, parts, recipe)
        own[:, EMBEDDING_COLUMN] = embedding_out_of_fold(vectors, beside, truth, parts, recipe)
        meaning = fit_embedding(vectors, beside, truth, recipe)
        tensors[f"{collection}/{target}/words"] = fit_words(texts, idf, beside, truth, recipe).astype(np.float32)
        tensors[f"{collection}/{target}/embedding"] = meaning.astype(np.float32)
        for kind in ("full", "unsized", "followers") if sized else ("unsized",):
            keep = np.isfinite(own[:, 0]) if kind != "unsized" else np.ones(len(own), np.bool_)
            fitted = fit_target(
                own[keep], truth[keep], parts[keep], columns_of(kind), recipe, relative=target == POPULARITY
            )
            tensors |= tensors_of(fitted, f"{collection}/{target}/{kind}")
        targets[target] = {"posts": len(truth), "quantiles": _figures(np.quantile(truth, QUANTILES))}
        say(f"{collection} {target}: {len(truth)} posts")
    stated = {
        "posts": len(posts),
        "authors": len({post.author for post in posts}),
        "sized": bool(sized),
        "followers": _figures(np.quantile(followers, [0.05, 0.5, 0.95])) if sized else None,
        "targets": targets,
    }
    return tensors, stated


def judge(model: EngagementModel, posts: Sequence[PostOutcome]) -> dict[str, Any]:
    """The figures on posts of authors the model was not fitted on, with author-bootstrap intervals."""
    found = predictions(model, posts)
    gains = [
        {"collection": collection, "target": target, "spearman_over_followers": gain, "mae_under_followers": less}
        for (collection, target), predicted in found.items()
        if "followers" in predicted.by
        for gain in [better(predicted, "followers", rank_correlation, DRAWS)]
        for less in [better(predicted, "followers", lambda point, truth: float(np.abs(point - truth).mean()), DRAWS)]
    ]
    return {"rows": rows(found, draws=DRAWS), "against_followers": gains}


def model_bytes(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """The tensors as a safetensors file."""
    return save(dict(tensors))


def write(path: Path, data: bytes) -> None:
    """Write a file beside its place and move it there, so that what stood there is whole until then."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(data)
    os.replace(beside, path)


def as_json(plain: Any) -> bytes:
    """JSON text, a line for each row of a list of rows."""
    return (json.dumps(plain, indent=1, ensure_ascii=False) + "\n").encode()


def _figures(values: Any) -> list[float]:
    return [round(float(value), 4) for value in values]
