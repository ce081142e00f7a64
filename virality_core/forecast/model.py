"""The bundled forecast model: what a post of a collection gets, as a median and an 80 % interval.

`weights/engagement/model.safetensors` holds the arrays, `model.json` the collections and their targets. Each target has
three fits: `full`, `unsized` (without the account's counts, for when followers are not known) and the baseline
`followers` (followers alone). All are in the target's units: ln(1 + count), or the popularity as it is. How they are
fitted: `virality_core.training.forecast.fit`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from virality_core.errors import WeightsError
from virality_core.forecast.boosted_trees import Trees
from virality_core.forecast.features import EMBEDDING_COLUMN, GROUPS, NAMES, TEXT_COLUMN, Facts, ReadPosts, matrix
from virality_core.forecast.hashed_words import text_scores
from virality_core.models import weights

Array = NDArray[np.float64]

TENSORS, METADATA = "engagement", "engagement-stated"  # ids in the manifest of weights
PARTS = ("centre", "low", "median", "high")
_TREE_FIELDS = {
    "feature": np.int16,
    "threshold": np.float64,
    "left": np.int16,
    "right": np.int16,
    "nan_left": np.bool_,
    "leaf": np.float64,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranges:
    """A median and an 80 % interval for each of N posts, (N,) each, low ≤ median ≤ high, in the target's units."""

    median: Array
    low: Array
    high: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """One fitted target: boosted trees for the center, and for three quantiles of its residuals.

    `widen` (2,): what conformal calibration adds below and above; may be negative. `columns` (F,): False for features
    that are not read. `bounds` (2,): the range of the fitting data, beyond which no prediction goes.
    """

    trees: Mapping[str, Trees]
    widen: Array
    columns: NDArray[np.bool_]
    bounds: Array

    def predict(self, features: Array) -> Ranges:
        """Ranges for features (N, F), `text` and `embedding` filled in."""
        read = np.where(self.columns, features, np.nan)
        center = self.trees["centre"].predict(read)
        with_center = np.concatenate([read, center[:, None]], axis=1)
        low, median, high = (center + self.trees[part].predict(with_center) for part in PARTS[1:])
        low, high = low - self.widen[0], high + self.widen[1]
        low, high = np.minimum(low, high), np.maximum(low, high)
        low, high = (np.clip(edge, *self.bounds) for edge in (low, high))
        return Ranges(median=np.clip(median, low, high), low=low, high=high)


class EngagementModel:
    """All collections' fits. Read once and shared; fits are unpacked when first needed."""

    def __init__(self, tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]) -> None:
        self.collections: Mapping[str, Any] = metadata["collections"]
        self._tensors = tensors
        self._fits: dict[tuple[str, str, str], Fit] = {}

    def targets(self, collection: str) -> tuple[str, ...]:
        """What the collection counted."""
        return tuple(self.collections[collection]["targets"])

    def predict(self, collection: str, target: str, read: ReadPosts) -> Ranges:
        """Ranges for N posts as they would do in that collection; posts without followers get wider ones.

        Args:
            collection, target: one of `targets(collection)`. read: from `as_read`.
        """
        features = self.features(collection, target, read)
        sized = np.isfinite(features[:, NAMES.index("followers")]) & bool(self.collections[collection]["sized"])
        out = np.zeros((3, len(features)))
        for kind, rows in (("full", np.flatnonzero(sized)), ("unsized", np.flatnonzero(~sized))):
            if len(rows):
                part = self.fit(collection, target, kind).predict(features[rows])
                out[:, rows] = part.low, part.median, part.high
        return Ranges(low=out[0], median=out[1], high=out[2])

    def constant(self, collection: str, target: str, count: int) -> Ranges:
        """The baseline that knows nothing of the post: the collection's median, 10 % and 90 % quantile."""
        low, median, high = self.collections[collection]["targets"][target]["quantiles"]
        return Ranges(low=np.full(count, low), median=np.full(count, median), high=np.full(count, high))

    def followers_alone(
        self, collection: str, target: str, posts: Sequence[Facts], features: Array | None = None
    ) -> Ranges:
        """The baseline that knows the followers; the constant for a post, or a collection, without them."""
        out = self.constant(collection, target, len(posts))
        known = [row for row, post in enumerate(posts) if post.followers is not None]
        if known and self.collections[collection]["sized"]:
            features = matrix(posts) if features is None else features
            part = self.fit(collection, target, "followers").predict(features[known])
            out.low[known], out.median[known], out.high[known] = part.low, part.median, part.high
        return out

    def features(self, collection: str, target: str, read: ReadPosts) -> Array:
        """The features (N, F) with the predictions from words and from caption vectors filled in."""
        features = read.features.copy()
        idf, weight = self._array(f"{collection}/idf"), self._array(f"{collection}/{target}/words")
        features[:, TEXT_COLUMN] = text_scores(read.words, idf, weight)
        embedding = self._array(f"{collection}/{target}/embedding")
        features[:, EMBEDDING_COLUMN] = read.vectors @ embedding[:-1] + embedding[-1]
        return features

    def fit(self, collection: str, target: str, kind: str) -> Fit:
        """One fit. Raises WeightsError where the file lacks it."""
        key = (collection, target, kind)
        if key not in self._fits:
            path = "/".join(key)
            self._fits[key] = Fit(
                trees={part: self._trees(f"{path}/{part}") for part in PARTS},
                widen=self._array(f"{path}/widen"),
                columns=columns_of(kind),
                bounds=self._array(f"{path}/bounds"),
            )
        return self._fits[key]

    def _trees(self, path: str) -> Trees:
        fields: dict[str, Any] = {
            name: self._tensor(f"{path}/{name}").astype(kind) for name, kind in _TREE_FIELDS.items()
        }
        return Trees(**fields)

    def _array(self, path: str) -> Array:
        return self._tensor(path).astype(np.float64)

    def _tensor(self, path: str) -> NDArray[Any]:
        if path not in self._tensors:
            raise WeightsError(f"The engagement model has no tensor {path!r}; install the project again.")
        return self._tensors[path]


def columns_of(kind: str) -> NDArray[np.bool_]:
    """Which features a kind of fit reads: all, all but the account's, or the followers alone."""
    if kind == "followers":
        return np.array([name == "followers" for name in NAMES])
    return np.array([kind == "full" or name not in GROUPS["account"] for name in NAMES])


def tensors_of(fit: Fit, path: str) -> dict[str, NDArray[Any]]:
    """A fit as the tensors that `EngagementModel` reads."""
    tensors: dict[str, NDArray[Any]] = {f"{path}/widen": fit.widen, f"{path}/bounds": fit.bounds}
    for part, trees in fit.trees.items():
        tensors |= {f"{path}/{part}/{name}": np.ascontiguousarray(getattr(trees, name)) for name in _TREE_FIELDS}
        tensors[f"{path}/{part}/leaf"] = trees.leaf.astype(np.float32)
    return tensors


def bundled_model() -> EngagementModel:
    """The bundled model. Raises WeightsError where its files are missing or not what the manifest states."""
    return read_model(weights.resolve(TENSORS), weights.resolve(METADATA))


@lru_cache(maxsize=2)
def read_model(tensors: Path, metadata: Path) -> EngagementModel:
    """A model from its two files. Raises WeightsError for files of another format."""
    try:
        return EngagementModel(load(tensors.read_bytes()), json.loads(metadata.read_text(encoding="utf-8")))
    except (OSError, ValueError, SafetensorError) as error:
        raise WeightsError(f"The engagement model {tensors.name} can't be read ({error}).") from error
