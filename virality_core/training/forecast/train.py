"""`virality train engagement`: fits every collection's targets and evaluates them on authors it was not fitted on.

A hash of the author's name decides for good who is in the test part: an eighth of the authors, looked at once by the
finished model. Settings are chosen and intervals calibrated out of fold among the others.
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
from virality_core.forecast.features import NAMES, as_read
from virality_core.forecast.model import EngagementModel, columns_of, tensors_of
from virality_core.models.language.minilm import embed_captions
from virality_core.training.datasets.posts import POPULARITY, PostOutcome, read_outcomes, target_units
from virality_core.training.evaluation.forecast import TARGETS, gain_interval, predictions, rows
from virality_core.training.forecast.fit import (
    FOLDS,
    QUANTILES,
    Recipe,
    controls_of,
    fit_embedding,
    fit_target,
    fit_words,
    idf_of,
    with_text_features,
)
from virality_core.training.statistics import Array, Index, folds, spearman

TEST_SHARE = 8  # one author in eight is in the test part
MIN_POSTS = 200
DRAWS = 400

Say = Callable[[str], None]


def read_all(paths: Sequence[Path]) -> tuple[PostOutcome, ...]:
    """The posts of all files. Raises InputError as `read_outcomes`."""
    return tuple(post for path in paths for post in read_outcomes(path))


def is_test(post: PostOutcome) -> bool:
    """Whether the post's author is in the test part."""
    return bool(folds([f"engagement test {post.author}"], TEST_SHARE)[0] == 0)


def author_folds(posts: Sequence[PostOutcome]) -> Index:
    """The fold of each post's author, 0 … FOLDS − 1."""
    return folds([f"engagement fold {post.author}" for post in posts], FOLDS)


def fit_all(
    posts: Sequence[PostOutcome], recipe: Recipe, say: Say | None = None
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The tensors and the metadata of a model fitted on all of `posts`; collections under MIN_POSTS are left out."""
    tensors: dict[str, NDArray[Any]] = {}
    collections: dict[str, Any] = {}
    for collection in sorted({post.collection for post in posts}):
        chosen = [post for post in posts if post.collection == collection]
        if len(chosen) >= MIN_POSTS:
            collections[collection] = _fit_collection(collection, chosen, recipe, tensors, say)
    if not collections:
        raise InputError(f"Each collection has fewer than {MIN_POSTS} posts; more are needed for a fit.")
    return tensors, {"schema": 1, "features": list(NAMES), "collections": collections}


def _fit_collection(
    collection: str, posts: Sequence[PostOutcome], recipe: Recipe, tensors: dict[str, NDArray[Any]], say: Say | None
) -> dict[str, Any]:
    """Put the collection's fits into `tensors`; returns its metadata."""
    facts = [post.facts for post in posts]
    authors = len({post.author for post in posts})
    recipe = recipe.for_authors(authors)
    followers = np.array([fact.followers for fact in facts if fact.followers is not None])
    sized = len(followers) >= len(posts) / 2
    all_read = as_read(facts, embed_captions)
    idf, all_folds = idf_of(all_read.words, recipe), author_folds(posts)
    tensors[f"{collection}/idf"] = idf.astype(np.float32)
    targets: dict[str, Any] = {}
    for target in TARGETS:
        counted = np.array([row for row, post in enumerate(posts) if target in post.targets], dtype=np.int64)
        if len(counted) < MIN_POSTS:
            continue
        truth = np.array([target_units(target, posts[row].targets[target]) for row in counted])
        read, parts = all_read.rows(counted), all_folds[counted]
        controls = controls_of(read.features)
        features = with_text_features(read, controls, truth, parts, recipe)
        words = fit_words(read.words, idf, controls, truth, recipe)
        tensors[f"{collection}/{target}/words"] = words.astype(np.float32)
        embedding = fit_embedding(read.vectors, controls, truth, recipe)
        tensors[f"{collection}/{target}/embedding"] = embedding.astype(np.float32)
        for kind in ("full", "unsized", "followers") if sized else ("unsized",):
            kept = np.isfinite(features[:, 0]) if kind != "unsized" else np.ones(len(features), np.bool_)
            relative = target == POPULARITY
            fit = fit_target(features[kept], truth[kept], parts[kept], columns_of(kind), recipe, relative=relative)
            tensors |= tensors_of(fit, f"{collection}/{target}/{kind}")
        targets[target] = {"posts": len(truth), "quantiles": _rounded(np.quantile(truth, QUANTILES))}
        if say is not None:
            say(f"{collection} {target}: {len(truth)} posts")
    return {
        "posts": len(posts),
        "authors": authors,
        "sized": bool(sized),
        "followers": _rounded(np.quantile(followers, [0.05, 0.5, 0.95])) if sized else None,
        "targets": targets,
    }


def evaluate(model: EngagementModel, posts: Sequence[PostOutcome]) -> dict[str, Any]:
    """The figures on posts of authors the model was not fitted on, with author-bootstrap intervals."""
    found = predictions(model, posts)
    gains = [
        {
            "collection": collection,
            "target": target,
            "spearman_over_followers": gain_interval(predicted, "followers", spearman, DRAWS),
            "mae_under_followers": gain_interval(predicted, "followers", _mean_error, DRAWS),
        }
        for (collection, target), predicted in found.items()
        if "followers" in predicted.by
    ]
    return {"rows": rows(found, draws=DRAWS), "against_followers": gains}


def model_bytes(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """The tensors as a safetensors file."""
    return save(dict(tensors))


def write(path: Path, data: bytes) -> None:
    """Write a file as a whole: an older one stays until the new one is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    os.replace(part, path)


def as_json(plain: Any) -> bytes:
    """Indented JSON text."""
    return (json.dumps(plain, indent=1, ensure_ascii=False) + "\n").encode()


def _mean_error(predicted: Array, truth: Array) -> float:
    return float(np.abs(predicted - truth).mean())


def _rounded(values: Array) -> list[float]:
    return [round(float(value), 4) for value in values]
