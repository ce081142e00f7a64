"""What a virality network must beat, fitted on the same split: a constant, the followers alone, the metadata alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from virality_core.models.vision.r2plus1d_checkpoint import Task
from virality_core.training.statistics import Array
from virality_core.training.virality.manifest import Row


def predictions(task: Task, training: Sequence[Row], rows: Sequence[Row]) -> dict[str, Array]:
    """Each baseline's probabilities, or scores, for `rows`, by name: (N,) each, 0–1."""
    truth = targets(task, training)
    found = {"constant": constant(truth, len(rows))}
    for name, features in (("followers only", _followers), ("metadata only", _metadata)):
        given, wanted = np.array([features(row) for row in training]), np.array([features(row) for row in rows])
        if not np.isnan(given).all():
            found[name] = np.clip(linear(task, given, truth, wanted), 0.0, 1.0)
    return found


def targets(task: Task, rows: Sequence[Row]) -> Array:
    """What is to be predicted: scores 0–1, or 1 for viral and 0 for not. (N,)."""
    return np.array([row.score if task == "regression" else float(row.is_viral) for row in rows])


def constant(truth: Array, count: int) -> Array:
    """The same answer for all: the training part's share of viral posts, or its mean score. (count,)."""
    return np.full(count, float(truth.mean()))


def linear(task: Task, features: Array, truth: Array, test_features: Array) -> Array:
    """Probabilities, or scores, (M,) of a logistic or ridge regression on standardized features (N, F).

    An unknown feature (NaN) becomes its median, with an indicator feature. Where the training part has one class, its
    share is the answer for all.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    known = ~np.isnan(features).all(0)
    if not known.any() or (task == "classification" and len(np.unique(truth)) < 2):
        return constant(truth, len(test_features))
    prepare = (SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    if task == "classification":
        fitted = make_pipeline(*prepare, LogisticRegression(max_iter=1000)).fit(features[:, known], truth > 0.5)
        return np.asarray(fitted.predict_proba(test_features[:, known])[:, 1], np.float64)
    fitted = make_pipeline(*prepare, Ridge(alpha=1.0)).fit(features[:, known], truth)
    return np.asarray(fitted.predict(test_features[:, known]), np.float64)


def _followers(row: Row) -> list[float]:
    return [np.nan if row.followers is None else float(np.log1p(row.followers))]


def _metadata(row: Row) -> list[float]:
    """What is known before posting, without the account and without the pictures."""
    hour = np.nan if row.posted_at is None else (row.posted_at.hour + row.posted_at.minute / 60) * np.pi / 12
    weekend = np.nan if row.posted_at is None else float(row.posted_at.weekday() >= 5)
    shape = [np.log1p(row.seconds), row.width / max(1, row.height), np.log1p(row.width * row.height), row.frame_rate]
    text = [np.log1p(len(row.caption)), float(row.caption.count("#"))]
    return [*(float(one) for one in shape), *text, float(np.sin(hour)), float(np.cos(hour)), weekend]
