"""Fits which keyword features go with engagement, checks it out of sample, writes weights/keywords/effects.json.

    python -m recipes.keywords.fit --data FILE [--out FILE] [--metrics FILE]

The model is `keyword_effects`; FILE is what `posts.read_posts` reads.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recipes.keywords.effects import (
    MIN_POSTS,
    PRIMARY,
    SECONDARY,
    Effect,
    Sample,
    fit_effects,
    samples_of,
    strength,
)
from virality_core.errors import InputError, ViralityError
from virality_core.scorers.caption.keywords import FEATURES
from virality_core.training.datasets.post_table import read_posts
from virality_core.training.statistics import folds, least_squares, numbers, spearman, spearman_interval

FOLDS = 10


def out_of_sample(sample: Sample) -> dict[str, object]:
    """Does the strength rank what account size leaves over, for authors it was not fitted on? Ten folds by author."""
    target = sample.outcomes[PRIMARY]
    places = folds(sample.authors, FOLDS)
    residual, value = np.zeros_like(target), np.zeros_like(target)
    chosen: dict[str, int] = {}
    for fold in range(FOLDS):
        test = places == fold
        train = np.flatnonzero(~test)
        base = np.linalg.lstsq(sample.controls[train], target[train], rcond=None)[0]
        residual[test] = target[test] - sample.controls[test] @ base
        effects = fit_effects(sample, only=train)
        value[test] = strength(sample, effects)[test]
        for name in sample.names:
            chosen[name] = chosen.get(name, 0) + int(name in FEATURES and effects[name].counts)
    low, high = spearman_interval(value, residual, numbers(sample.authors))
    return {
        "posts": len(target),
        "spearman": round(spearman(value, residual), 3),
        "interval": [round(low, 3), round(high, 3)],
        "squared_error_saved": round(1.0 - float(((residual - value) ** 2).sum() / (residual**2).sum()), 4),
        "folds_that_chose": {name: count for name, count in chosen.items() if count},
    }


def carried_over(source: Sample, target: Sample) -> dict[str, object]:
    """Does the strength fitted on one sample rank what account size leaves over in another?"""
    outcome = target.outcomes[PRIMARY]
    residual = outcome - target.controls @ np.linalg.lstsq(target.controls, outcome, rcond=None)[0]
    value = strength(target, fit_effects(source))
    low, high = spearman_interval(value, residual, numbers(target.authors))
    return {
        "posts": len(outcome),
        "spearman": round(spearman(value, residual), 3),
        "interval": [round(low, 3), round(high, 3)],
    }


def report(samples: Sequence[Sample]) -> tuple[dict[str, object], dict[str, object]]:
    """The shipped effects and the out-of-sample figures, as plain JSON."""
    fits = [_fit_entry(sample) for sample in samples]
    effects = {
        "schema": 1,
        "unit": "ln(1 + likes + comments + shares) for one more unit of a feature; exp(effect) is a factor",
        "rule": "a feature counts where its interval, widened for all features at once (Bonferroni), leaves zero out",
        "features": list(FEATURES),
        "fits": fits,
    }
    metrics: dict[str, object] = {
        "same_collection": {_name(sample): out_of_sample(sample) for sample in samples},
        "other_collection": {
            f"{_name(source)} → {_name(target)}": carried_over(source, target)
            for source in samples
            for target in samples
            if source is not target and any(e.counts for n, e in fit_effects(source).items() if n in FEATURES)
        },
    }
    return effects, metrics


def _name(sample: Sample) -> str:
    return f"{sample.collection}, {sample.language}"


def _fit_entry(sample: Sample) -> dict[str, object]:
    primary = fit_effects(sample)
    design = np.concatenate([sample.controls, sample.features], axis=1)
    clusters = numbers(sample.authors)
    return {
        "collection": sample.collection,
        "language": sample.language,
        "posts": len(sample.authors),
        "authors": len(set(sample.authors)),
        "first": sample.dates[0] if sample.dates else None,
        "last": sample.dates[1] if sample.dates else None,
        "beside_account_size": sample.sized,
        "beside_days_since_posting": sample.aged,
        "r_squared_controls": round(least_squares(sample.controls, sample.outcomes[PRIMARY], clusters).r_squared, 4),
        "r_squared_with_features": round(least_squares(design, sample.outcomes[PRIMARY], clusters).r_squared, 4),
        "features": {
            name: {
                "mean": round(float(sample.features[:, column].mean()), 4),
                "range": [round(float(q), 4) for q in np.quantile(sample.features[:, column], [0.01, 0.99])],
                **_plain(primary[name]),
                **{outcome: _plain(fit_effects(sample, outcome)[name]) for outcome in SECONDARY},
            }
            for column, name in enumerate(sample.names)
        },
    }


def _plain(effect: Effect) -> dict[str, object]:
    return {
        "effect": round(effect.effect, 4),
        "interval": [round(effect.low, 4), round(effect.high, 4)],
        "widened": [round(edge, 4) for edge in effect.widened],
        "carriers": effect.carriers,
        "counts": effect.counts,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, check and write; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m recipes.keywords.fit", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="posts, as CSV or JSON lines")
    parser.add_argument("--out", type=Path, default=Path("weights/keywords/effects.json"))
    parser.add_argument("--metrics", type=Path, default=Path("weights/keywords/metrics.json"))
    args = parser.parse_args(arguments)
    try:
        samples = samples_of(read_posts(args.data))
        if not samples:
            raise InputError(f"{args.data.name} holds fewer than {MIN_POSTS} captions of any language with rules.")
    except ViralityError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    for path, plain in zip((args.out, args.metrics), report(samples), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(plain, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
