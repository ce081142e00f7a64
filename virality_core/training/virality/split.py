"""Which post trains, which validates, which tests: by author or by time, with every copy of a video in one part."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from virality_core.errors import InputError

Part = Literal["train", "val", "test"]
By = Literal["author", "time"]
PARTS: tuple[Part, ...] = ("train", "val", "test")
SHARES = (0.7, 0.15, 0.15)


def groups(count: int, ties: Iterable[tuple[int, int]]) -> list[int]:
    """The group of each of `count` things, named by its first member, where each tie joins two (union-find)."""
    above = list(range(count))

    def top(one: int) -> int:
        while above[one] != one:
            above[one] = above[above[one]]
            one = above[one]
        return one

    for a, b in ties:
        first, second = sorted((top(a), top(b)))
        above[second] = first
    return [top(one) for one in range(count)]


def ties_of(keys: Sequence[str]) -> list[tuple[int, int]]:
    """Ties between all things of one key; an empty key ties nothing."""
    first: dict[str, int] = {}
    return [(first.setdefault(key, place), place) for place, key in enumerate(keys) if key]


def by_group(group: Sequence[int], names: Sequence[str], seed: int, shares: Sequence[float] = SHARES) -> list[Part]:
    """Whole groups into parts, in an order that only their name and the seed decide.

    The largest groups go first, each where most of the share is missing, and no part stays empty: one huge account does
    not fill a small part by chance.

    Raises:
        InputError: fewer groups than parts.
    """
    sizes: dict[int, int] = {}
    for one in group:
        sizes[one] = sizes.get(one, 0) + 1
    if len(sizes) < len(PARTS):
        raise InputError(
            f"All posts are of {len(sizes)} account(s), so they can't be parted by author; part them by time "
            "(--split time)."
        )
    order = sorted(
        sizes, key=lambda one: hashlib.sha256(f"{seed}:{names[one]}".encode("utf-8", "surrogatepass")).digest()
    )
    order.sort(key=lambda one: -sizes[one])
    given = dict.fromkeys(PARTS, 0)
    part_of: dict[int, Part] = {}
    for rank, one in enumerate(order):
        lacks = {part: share * len(group) - given[part] for part, share in zip(PARTS, shares, strict=True)}
        empty = [part for part in PARTS if not given[part]]
        open_parts = empty if len(order) - rank <= len(empty) else PARTS  # the last groups fill what is empty
        part = max(open_parts, key=lambda name: lacks[name])
        part_of[one] = part
        given[part] += sizes[one]
    return [part_of[one] for one in group]


def by_time(
    times: Sequence[datetime | None], group: Sequence[int], where: Sequence[str], shares: Sequence[float] = SHARES
) -> list[Part]:
    """The oldest train, the newest test. `group` ties copies of a video, which go with the oldest of them.

    Raises:
        InputError: a post without a time, or too few posts.
    """
    missing = [where[place] for place, at in enumerate(times) if at is None]
    if missing:
        raise InputError(
            f"{len(missing)} posts have no time ({missing[0]} is the first), so they can't be parted by it."
        )
    earliest: dict[int, datetime] = {}
    for at, one in zip(times, group, strict=True):
        if at is not None and (one not in earliest or at < earliest[one]):
            earliest[one] = at
    order = sorted(range(len(group)), key=lambda place: (earliest[group[place]], group[place], place))
    bounds = (round(shares[0] * len(order)), round((shares[0] + shares[1]) * len(order)))
    part_of: dict[int, Part] = {}
    parts: list[Part] = ["train"] * len(order)
    for rank, place in enumerate(order):
        own: Part = "train" if rank < bounds[0] else "val" if rank < bounds[1] else "test"
        parts[place] = part_of.setdefault(group[place], own)
    empty = [part for part in PARTS if part not in parts]
    if empty:
        raise InputError(f"{len(order)} posts parted by time leave no {empty[0]} videos; more are needed.")
    return parts
