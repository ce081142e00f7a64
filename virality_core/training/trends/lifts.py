"""How posts with a hashtag did against what their author's size predicts: the table behind the hashtag signal.

For each collection whose posts state followers:

1. residual = ln(1 + likes + comments + shares) − what followers alone predict (a restricted cubic spline, fitted on the
   other authors' posts: ten folds by author);
2. per tag the mean residual m over its posts, with the author-clustered variance v = σ² Σ n_a² / n²: n_a posts of
   author a, and σ² pooled over all tags, since five authors can't state their own;
3. normal–normal empirical Bayes around zero: τ² = max(0, (Σ m²/v − K) / Σ 1/v), the moment estimator of DerSimonian
   and Laird (1986) for a known mean of zero; lift = m τ²/(τ² + v), its standard deviation √(v τ²/(τ² + v)).

Tags used by fewer than `min_authors` authors of a collection are left out. A collection without followers gives counts
only. In a file with a single author, each post counts as an author.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from virality_core.errors import InputError
from virality_core.training.datasets.posts import PostRecord
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
    """The posts of one collection: `residuals` (N,) in ln units, `authors` (N,) as numbers, `folds` (N,).

    `sized` is False where followers are not known: residuals are then from the collection's mean.
    """

    name: str
    posts: tuple[PostRecord, ...]
    authors: Index
    residuals: Array
    folds: Index
    sized: bool


def engagement(post: PostRecord) -> float:
    """ln(1 + likes + comments + shares): what is explained."""
    return math.log1p(post.likes + (post.comments or 0.0) + (post.shares or 0.0))


def collections_of(posts: Iterable[PostRecord]) -> tuple[Collection, ...]:
    """Split posts by collection and take what the author's size predicts out of their engagement."""
    members: dict[str, list[PostRecord]] = {}
    for post in posts:
        members.setdefault(post.collection, []).append(post)
    return tuple(_collection(name, members[name]) for name in sorted(members))


def _collection(name: str, members: Sequence[PostRecord]) -> Collection:
    known = [post for post in members if post.followers is not None]
    sized = len(known) >= len(members) / 2
    posts = known if sized else list(members)
    names = [post.author for post in posts]
    if len(set(names)) == 1:
        names = [str(number) for number in range(len(posts))]
    parts = folds(names, FOLDS)
    target = np.asarray([engagement(post) for post in posts])
    followers = np.asarray([post.followers or 0.0 for post in posts])
    predicted = np.zeros_like(target)
    for fold in range(FOLDS):
        test = parts == fold
        if test.all() or not test.any():
            predicted[test] = target.mean()
            continue
        design = size_basis(followers, size_knots(followers[~test])) if sized else np.ones((len(posts), 1))
        predicted[test] = design[test] @ np.linalg.lstsq(design[~test], target[~test], rcond=None)[0]
    return Collection(
        name=name, posts=tuple(posts), authors=numbers(names), residuals=target - predicted, folds=parts, sized=sized
    )


def lifts_of(tags: Sequence[Sequence[str]], residuals: Array, authors: Index, *, min_authors: int) -> Lifts:
    """Shrunken lifts of every tag used by at least `min_authors` authors, from each post's unique tags (N,)."""
    names = sorted({tag for post in tags for tag in post})
    if not names:
        return Lifts(tags={}, tau_squared=0.0, sigma_squared=0.0)
    number_of = {name: number for number, name in enumerate(names)}
    tag = np.asarray([number_of[name] for post in tags for name in post], dtype=np.int64)
    post = np.repeat(np.arange(len(tags)), [len(post) for post in tags])
    pairs, pair_of, pair_posts = np.unique(
        np.stack([tag, authors[post]]), axis=1, return_inverse=True, return_counts=True
    )  # a pair is a tag with one of its authors
    pair_sums = np.bincount(pair_of.ravel(), weights=residuals[post], minlength=len(pair_posts))
    owner = pairs[0]
    posts = np.bincount(owner, weights=pair_posts)  # (K,)
    tag_authors = np.bincount(owner)
    means = np.bincount(owner, weights=pair_sums) / posts
    crowding = np.bincount(owner, weights=pair_posts.astype(np.float64) ** 2) / posts**2
    kept = tag_authors >= min_authors
    several = kept & (tag_authors >= 2)
    if not several.any():
        return Lifts(tags={}, tau_squared=0.0, sigma_squared=0.0)
    scatter = np.bincount(owner, weights=(pair_sums - means[owner] * pair_posts) ** 2) / posts**2
    variances = scatter[several] * tag_authors[several] / (tag_authors[several] - 1.0) / crowding[several]
    sigma_squared = float(np.average(variances, weights=tag_authors[several]))
    variance = np.maximum(sigma_squared * crowding[kept], 1e-12)
    precision = 1.0 / variance
    excess = float((means[kept] ** 2 * precision).sum()) - int(kept.sum())
    tau_squared = max(0.0, excess / float(precision.sum()))
    shrink = tau_squared / (tau_squared + variance)
    return Lifts(
        tags={
            names[number]: Lift(
                posts=int(posts[number]),
                authors=int(tag_authors[number]),
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
    """The lifts of a collection, or of the rows `only` of it."""
    rows = np.arange(len(collection.posts)) if only is None else only
    return lifts_of(
        [collection.posts[row].hashtags for row in rows],
        collection.residuals[rows],
        collection.authors[rows],
        min_authors=min_authors,
    )


def mean_lift(tags: Sequence[str], lifts: Mapping[str, Lift]) -> float | None:
    """A post's value: the mean lift of its tags that are in the table; None where none is."""
    known = [lifts[tag].lift for tag in tags if tag in lifts]
    return math.fsum(known) / len(known) if known else None


def table_of(
    collections: Sequence[Collection],
    *,
    min_authors: int = MIN_AUTHORS,
    generic_share: float = GENERIC_SHARE,
    answering: Iterable[str] | None = None,
) -> dict[str, Any]:
    """The bundled table: plain JSON, rounded, in a fixed order.

    Args:
        collections, min_authors: a tag with fewer authors in a collection is left out of it.
        generic_share: a tag used by this share of a collection's authors, and by GENERIC_AUTHORS, is generic.
        answering: the collections whose lifts count in the signal; all that state followers by default.

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
        raise InputError(f"No tag is used by {min_authors} authors; use more posts, or a smaller --min-authors.")
    return {
        "schema": 1,
        "measure": "ln(1 + likes + comments + shares) against what followers alone predict, shrunk towards zero",
        "columns": ["posts", "authors", "lift", "deviation", "generic"],
        "min_authors": min_authors,
        "generic": {"share_of_authors": generic_share, "authors": GENERIC_AUTHORS, "stem_share": STEM_SHARE},
        "collections": about,
        "tags": {name: rows[name] for name in sorted(rows)},
    }
