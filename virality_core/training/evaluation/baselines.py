"""What a model must beat, fitted on the same split: the constant, the account's size alone, the metadata alone."""

from __future__ import annotations

from typing import Literal

import numpy as np

from virality_core.training.evaluation.metrics import Values

Task = Literal["classification", "regression"]


def constant(task: Task, truth: Values, count: int) -> Values:
    """The same answer for all: the training part's share of viral posts, or its mean score. (count,)."""
    _ = task  # both are the mean
    return np.full(count, float(truth.mean()))


def linear(task: Task, features: Values, truth: Values, test_features: Values) -> Values:
    """Probabilities, or scores, of a logistic or ridge regression on standardised features.

    Args:
        task: what is predicted.
        features, truth: of the training part, (N, F) and (N,); NaN where a feature is not known, which becomes the
            feature's median beside a feature of its own that says so.
        test_features: (M, F).

    Returns:
        (M,). A training part of one class gives that class's share for all.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    known = ~np.isnan(features).all(0)
    if not known.any() or (task == "classification" and len(np.unique(truth)) < 2):
        return constant(task, truth, len(test_features))
    prepare = (SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    if task == "classification":
        fitted = make_pipeline(*prepare, LogisticRegression(max_iter=1000)).fit(features[:, known], truth > 0.5)
        return np.asarray(fitted.predict_proba(test_features[:, known])[:, 1], np.float64)
    fitted = make_pipeline(*prepare, Ridge(alpha=1.0)).fit(features[:, known], truth)
    return np.asarray(fitted.predict(test_features[:, known]), np.float64)
