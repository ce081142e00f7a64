"""What a caption's keywords are worth: the effects fitted on real posts, and the `keywords` signal made of them.

Where no feature has an effect in the caption's language, the signal is skipped and says so. The findings themselves
come from `keywords.read_keywords` and are shown either way.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from virality_core.config import signals
from virality_core.errors import WeightsError
from virality_core.models import weights
from virality_core.scorers.base import Answer, PostScorer, rated
from virality_core.scorers.caption.keywords import FEATURES, has_prose, languages, not_read_reason, read_keywords
from virality_core.types import Post, Skipped

_LARGEST = 5.0  # ln units, a factor of 150: far beyond what captions differ by

#: The caption's language as ISO 639-1, or None where it can't be told.
Identify = Callable[[str], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureEffect:
    """What one more unit of a feature goes with, in ln units of likes + comments + shares: exp(effect) is a factor.

    `counts` where its 95 % interval excludes zero even when widened for all features at once (Bonferroni). `mean` and
    `range` (1 % to 99 %) are of the captions fitted; beyond that range nothing is known.
    """

    effect: float
    counts: bool
    mean: float
    range: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeywordFit:
    """The effects fitted on the captions of one language in one collection, and which posts those were.

    `last` is the date of the newest post.
    """

    collection: str
    language: str
    posts: int
    last: str | None
    beside_account_size: bool
    features: Mapping[str, FeatureEffect]

    @property
    def counting(self) -> tuple[str, ...]:
        """The keyword features that have an effect."""
        return tuple(name for name in FEATURES if name in self.features and self.features[name].counts)

    def strength(self, features: Mapping[str, float]) -> float:
        """The ln engagement that a caption's features go with, against the mean caption of the fit."""
        total = 0.0
        for name in self.counting:
            fitted = self.features[name]
            value = min(fitted.range[1], max(fitted.range[0], features[name]))
            total += fitted.effect * (value - fitted.mean)
        return total


def load_fits(path: Path | None = None) -> tuple[KeywordFit, ...]:
    """The fits that ship, or those at `path`. Raises WeightsError where the file is missing or another one."""
    return _read(path or weights.folder() / "keywords" / "effects.json")


def fit_for(language: str, fits: Sequence[KeywordFit] | None = None) -> KeywordFit | None:
    """The best fit for a language: one that accounts for account size, then the newest; None where there is none."""
    found = [fit for fit in (load_fits() if fits is None else fits) if fit.language == language]
    return max(found, key=lambda fit: (fit.beside_account_size, fit.last or "", fit.collection), default=None)


class KeywordScorer(PostScorer):
    """Answers `keywords`: how much engagement the caption's keyword features go with, in ln units."""

    stage = "keyword"
    names = ("keywords",)

    def __init__(self, identify: Identify, fits: Sequence[KeywordFit] | None = None) -> None:
        """`identify` gives the language; `fits` are those that ship by default. Raises WeightsError without them."""
        self._identify = identify
        self._fits = load_fits() if fits is None else tuple(fits)

    def read(self, post: Post) -> Answer:
        """One Signal, or Skipped with the reason."""
        if not post.caption.strip():
            return Skipped(name="keywords", reason="There is no caption.")
        if not has_prose(post.caption):
            return Skipped(name="keywords", reason="The caption has only hashtags, mentions, links or emoji.")
        language = self._identify(post.caption)
        if language not in languages():
            return Skipped(name="keywords", reason=not_read_reason(language))
        fit = fit_for(language, self._fits)
        if fit is None or not fit.counting:
            return Skipped(name="keywords", reason=_no_effect_reason(languages()[language], fit))
        reading = read_keywords(post.caption, language, post.platform)
        return rated(
            "keywords",
            min(_LARGEST, max(-_LARGEST, fit.strength(reading.features))),
            unit="ln engagement against the mean caption",
            native_range=(-_LARGEST, _LARGEST),
            details=reading,
        )


def _no_effect_reason(language: str, fit: KeywordFit | None) -> str:
    if fit is None:
        return f"Keywords carry no points in {language}: what they go with was not measured."
    sizes = "once account size is accounted for" if fit.beside_account_size else "(account sizes are not known there)"
    return (
        f"Keywords carry no points: in {fit.posts:,} {language} captions of "
        f"{signals.collections_named(fit.collection)}, none of them went with more or less engagement {sizes}."
    )


@lru_cache
def _read(path: Path) -> tuple[KeywordFit, ...]:
    try:
        return tuple(_fit(entry) for entry in json.loads(path.read_text(encoding="utf-8"))["fits"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"The keyword effects {path} can't be read ({error}); recipes.keywords.fit makes them."
        ) from error


def _fit(entry: Mapping[str, Any]) -> KeywordFit:
    features = {}
    for name, values in entry["features"].items():
        effect, (low, high), observed = float(values["effect"]), values["interval"], values["range"]
        if not (math.isfinite(effect) and low <= effect <= high):
            raise ValueError(f"effect {effect} outside its interval {low} to {high}")
        features[name] = FeatureEffect(
            effect=effect, counts=bool(values["counts"]), mean=float(values["mean"]), range=(observed[0], observed[1])
        )
    plain = ("collection", "language", "posts", "last", "beside_account_size")
    return KeywordFit(**{name: entry[name] for name in plain}, features=features)
