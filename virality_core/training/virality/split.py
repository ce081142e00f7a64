"""Splits posts into training, validation and test: by author or by time, all copies of a video in one part."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

import numpy as np

from virality_core.errors import InputError

Part = Literal["train", "val", "test"]
By = Literal["author", "time"]
PARTS: tuple[Part, ...] = ("train", "val", "test")
SHARES = (0.7, 0.15, 0.15)


def groups(count: int, ties: Iterable[tuple[int, int]]) -> list[int]:
    """The group of each of `count` items, named by its first member, where each tie joins two."""
    from scipy.sparse import coo_array, csgraph

    joined = np.array([*ties], dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(joined)), (joined[:, 0], joined[:, 1])), (count, count))
    first: dict[int, int] = {}
    components = csgraph.connected_components(graph, directed=False)[1].tolist()
    return [first.setdefault(component, item) for item, component in enumerate(components)]


def ties_of(keys: Sequence[str]) -> list[tuple[int, int]]:
    """Ties between all items of one key; an empty key ties nothing."""
    first: dict[str, int] = {}
    return [(first.setdefault(key, index), index) for index, key in enumerate(keys) if key]


def by_group(group: Sequence[int], names: Sequence[str], seed: int, shares: Sequence[float] = SHARES) -> list[Part]:
    """Put whole groups into parts, in an order that depends on their names and the seed alone.

    The largest groups go first, each to the part that lacks most of its share, and no part stays empty: a huge account
    does not fill a small part by chance.

    Raises:
        InputError: there are fewer groups than parts.
    """
    sizes = Counter(group)
    if len(sizes) < len(PARTS):
        raise InputError(
            f"All posts are from {len(sizes)} account(s), so they can't be split by author; use --split time."
        )

    def digest(one: int) -> bytes:
        return hashlib.sha256(f"{seed}:{names[one]}".encode("utf-8", "surrogatepass")).digest()

    order = sorted(sizes, key=lambda one: (-sizes[one], digest(one)))
    filled = dict.fromkeys(PARTS, 0)
    part_of: dict[int, Part] = {}
    for rank, one in enumerate(order):
        lacking = {part: share * len(group) - filled[part] for part, share in zip(PARTS, shares, strict=True)}
        empty = [part for part in PARTS if not filled[part]]
        candidates = empty if len(order) - rank <= len(empty) else PARTS  # the last groups fill what is empty
        part = max(candidates, key=lambda name: lacking[name])
        part_of[one] = part
        filled[part] += sizes[one]
    return [part_of[one] for one in group]


def by_time(
    times: Sequence[datetime | None], group: Sequence[int], where: Sequence[str], shares: Sequence[float] = SHARES
) -> list[Part]:
    """The oldest posts train, the newest test. Copies of a video, tied by `group`, go with the oldest of them.

    Raises:
        InputError: a post has no time, or there are too few posts.
    """
    missing = [where[index] for index, at in enumerate(times) if at is None]
    if missing:
        raise InputError(
            f"{len(missing)} posts have no time ({missing[0]} is the first), so they can't be split by it."
        )
    earliest: dict[int, datetime] = {}
    for at, one in zip(times, group, strict=True):
        if at is not None:
            earliest[one] = min(at, earliest.get(one, at))
    order = sorted(range(len(group)), key=lambda index: (earliest[group[index]], group[index], index))
    bounds = (round(shares[0] * len(order)), round((shares[0] + shares[1]) * len(order)))
    part_of: dict[int, Part] = {}
    parts: list[Part] = ["train"] * len(order)
    for rank, index in enumerate(order):
        part: Part = "train" if rank < bounds[0] else "val" if rank < bounds[1] else "test"
        parts[index] = part_of.setdefault(group[index], part)
    empty = [part for part in PARTS if part not in parts]
    if empty:
        raise InputError(f"{len(order)} posts split by time leave no {empty[0]} videos; more are needed.")
    return parts
