"""How posts with a hashtag did against what their author's size predicts: the table behind the hashtag signal.

For each collection whose posts state followers:

1. residual = ln(1 + likes + comments + shares) − what followers alone predict (a restricted cubic spline, fitted on the
   other authors' posts: ten folds by author);
2. per tag the mean residual m over its posts, with the author-clustered variance v = σ² Σ n_a² / n²: n_a posts of
   author a, and σ² pooled over all tags, since five authors can't state their own;
3. normal–normal empirical Bayes around zero: τ² = max(0, (Σ m²/v − K) / Σ 1/v), the moment estimator of DerSimonian
   and Laird (1986) for a known mean of zero; lift = m τ²/(τ² + v), its standard deviation √(v τ²/(τ² + v)).

Tags used by fewer than `min_authors` authors of a collection are left out. A collection without followers gives counts
only. In a file with a single author his posts stand for authors.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from virality_core.errors import InputError
from virality_core.training.datasets.post_table import PostRecord
from virality_core.training.statistics import Array, Index, folds, numbers, size_basis, size_knots

FOLDS = 10
MIN_AUTHORS = 5
GENERIC_SHARE = 0.02  # of a collection's authors: a tag so common says nothing about the video
GENERIC_AUTHORS = 50  # and at least this many, so that a small collection makes no tag generic
STEM_SHARE = 0.04  # of the authors: so common that what begins with it (#fypage, #viralvideo) is generic too


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """A tag in one collection: posts, authors, raw mean residual, shrunken `lift` and its `deviation`, in ln units."""

    posts: int
    authors: int
    mean: float
    lift: float
    deviation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifts:
    """All tags of one collection, with the between-tag variance τ² and the between-author variance σ²."""

    tags: Mapping[str, Lift]
    tau_squared: float
    sigma_squared: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Collection:
    """The posts of one collection with what is needed of each: `residuals` (N,) in ln units, `units` (N,) authors.

    `sized` is False where followers are not known: residuals are then from the collection's mean.
    """

    name: str
    posts: tuple[PostRecord, ...]
    units: Index
    residuals: Array
    folds: Index
    sized: bool


def engagement(post: PostRecord) -> float:
    """ln(1 + likes + comments + shares): what is explained."""
    return math.log1p(post.likes + (post.comments or 0.0) + (post.shares or 0.0))


def collections_of(posts: Iterable[PostRecord]) -> tuple[Collection, ...]:
    """Split posts by collection and take what the author's size predicts out of their engagement."""
    groups: dict[str, list[PostRecord]] = {}
    for post in posts:
        groups.setdefault(post.collection, []).append(post)
    return tuple(_collection(name, groups[name]) for name in sorted(groups))


def _collection(name: str, members: Sequence[PostRecord]) -> Collection:
    known = [post for post in members if post.followers is not None]
    sized = len(known) >= len(members) / 2
    kept = known if sized else list(members)
    names = [post.author for post in kept]
    if len(set(names)) == 1:
        names = [str(place) for place in range(len(kept))]
    places = folds(names, FOLDS)
    target = np.asarray([engagement(post) for post in kept])
    followers = np.asarray([post.followers or 0.0 for post in kept])
    predicted = np.zeros_like(target)
    for fold in range(FOLDS):
        test = places == fold
        if test.all() or not test.any():
            predicted[test] = target.mean()
            continue
        knots = size_knots(followers[~test]) if sized else np.empty(0)
        design = size_basis(followers, knots) if sized else np.ones((len(kept), 1))
        predicted[test] = design[test] @ np.linalg.lstsq(design[~test], target[~test], rcond=None)[0]
    return Collection(
        name=name,
        posts=tuple(kept),
        units=numbers(names),
        residuals=target - predicted,
        folds=places,
        sized=sized,
    )


def lifts_of(tags: Sequence[Sequence[str]], residuals: Array, units: Index, *, min_authors: int) -> Lifts:
    """Shrunken lifts of every tag used by at least `min_authors` authors.

    Args:
        tags: (N,) each post's unique tags.
        residuals: (N,) in ln units.
        units: (N,) author numbers.
    """
    names = sorted({tag for post in tags for tag in post})
    number_of = {name: number for number, name in enumerate(names)}
    tag = np.asarray([number_of[name] for post in tags for name in post], dtype=np.int64)
    post = np.asarray([place for place, post in enumerate(tags) for _ in post], dtype=np.int64)
    if not names:
        return Lifts(tags={}, tau_squared=0.0, sigma_squared=0.0)
    pairs, pair_of, pair_posts = np.unique(
        np.stack([tag, units[post]]), axis=1, return_inverse=True, return_counts=True
    )  # a pair is a tag with one of its authors
    pair_sums = np.bincount(pair_of.ravel(), weights=residuals[post], minlength=len(pair_posts))
    owner = pairs[0]
    posts = np.bincount(owner, weights=pair_posts)  # (K,)
    authors = np.bincount(owner)
    means = np.bincount(owner, weights=pair_sums) / posts
    crowding = np.bincount(owner, weights=pair_posts.astype(np.float64) ** 2) / posts**2
    kept = authors >= min_authors
    scatter = np.bincount(owner, weights=(pair_sums - means[owner] * pair_posts) ** 2) / posts**2
    stated = kept & (authors >= 2)
    if not stated.any():
        return Lifts(tags={}, tau_squared=0.0, sigma_squared=0.0)
    own = scatter[stated] * authors[stated] / (authors[stated] - 1.0) / crowding[stated]
    sigma_squared = float(np.average(own, weights=authors[stated]))
    variance = np.maximum(sigma_squared * crowding[kept], 1e-12)
    precision = 1.0 / variance
    excess = float((means[kept] ** 2 * precision).sum()) - int(kept.sum())
    tau_squared = max(0.0, excess / float(precision.sum()))
    shrink = tau_squared / (tau_squared + variance)
    return Lifts(
        tags={
            names[number]: Lift(
                posts=int(posts[number]),
                authors=int(authors[number]),
                mean=float(means[number]),
                lift=float(means[number] * share),
                deviation=math.sqrt(float(noise * share)),
            )
            for number, share, noise in zip(np.flatnonzero(kept), shrink, variance, strict=True)
        },
        tau_squared=tau_squared,
        sigma_squared=sigma_squared,
    )


def collection_lifts(collection: Collection, *, min_authors: int = MIN_AUTHORS, only: Index | None = None) -> Lifts:
    """The lifts of a collection, or of the posts of it that `only` numbers."""
    places = np.arange(len(collection.posts)) if only is None else only
    return lifts_of(
        [collection.posts[place].hashtags for place in places],
        collection.residuals[places],
        collection.units[places],
        min_authors=min_authors,
    )


def mean_lift(tags: Sequence[str], lifts: Mapping[str, Lift]) -> float | None:
    """A post's value: the mean lift of those of its tags that are in the table; None where none is."""
    known = [lifts[tag].lift for tag in tags if tag in lifts]
    return math.fsum(known) / len(known) if known else None


def table_of(
    collections: Sequence[Collection],
    *,
    min_authors: int = MIN_AUTHORS,
    generic_share: float = GENERIC_SHARE,
    answering: Iterable[str] | None = None,
) -> dict[str, Any]:
    """The table that ships: plain JSON, rounded, in a fixed order.

    Args:
        collections: From `collections_of`.
        min_authors: A tag with fewer authors in a collection is left out of it.
        generic_share: A tag used by this share of a collection's authors, and by GENERIC_AUTHORS, is generic.
        answering: The collections whose lifts count in the signal; all that state followers by default.

    Raises:
        InputError: no tag is used by `min_authors` authors.
    """
    counted = [c.name for c in collections if c.sized] if answering is None else list(answering)
    about: dict[str, object] = {}
    rows: dict[str, dict[str, list[float | None]]] = {}
    for collection in collections:
        lifts = collection_lifts(collection, min_authors=min_authors)
        authors = len({post.author for post in collection.posts})
        dates = sorted(post.posted_at.date().isoformat() for post in collection.posts if post.posted_at)
        about[collection.name] = {
            "posts": len(collection.posts),
            "authors": authors,
            "first": dates[0] if dates else None,
            "last": dates[-1] if dates else None,
            "followers_known": collection.sized,
            "answers": collection.name in counted,
            "between_tag_deviation": round(math.sqrt(lifts.tau_squared), 4) if collection.sized else None,
            "between_author_deviation": round(math.sqrt(lifts.sigma_squared), 4) if collection.sized else None,
            "tags": len(lifts.tags),
        }
        for name, tag in lifts.tags.items():
            generic = tag.authors >= max(GENERIC_AUTHORS, generic_share * authors)
            effect = [round(tag.lift, 4), round(tag.deviation, 4)] if collection.sized else [None, None]
            rows.setdefault(name, {})[collection.name] = [tag.posts, tag.authors, *effect, int(generic)]
    if not rows:
        raise InputError(
            f"No hashtag is used by {min_authors} authors or more; more posts, or a smaller --min-authors, would work."
        )
    return {
        "schema": 1,
        "measure": "ln(1 + likes + comments + shares) against what followers alone predict, shrunk towards zero",
        "columns": ["posts", "authors", "lift", "deviation", "generic"],
        "min_authors": min_authors,
        "generic": {"share_of_authors": generic_share, "authors": GENERIC_AUTHORS, "stem_share": STEM_SHARE},
        "collections": about,
        "tags": {name: rows[name] for name in sorted(rows)},
    }
