"""The manifest of `virality fit-fusion`: reels, their signals and their outcomes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from virality_core.config import signals as reference
from virality_core.errors import InputError
from virality_core.files import read_regular
from virality_core.forecast.counts import parse_count
from virality_core.pipeline import Scorers, load_scorers, score_reel
from virality_core.training.datasets.posts import read_rows
from virality_core.training.score.fit import MIN_REELS, ReelOutcome
from virality_core.types import MAX_FOLLOWERS, Post, Profile

MAX_REPORT_BYTES = 50_000_000
MAX_REELS = 10_000


def read_manifest(path: Path, *, profile: Profile = "auto") -> tuple[ReelOutcome, ...]:
    """The reels of a manifest, a CSV or JSON lines; those given as videos are scored now.

    Raises:
        InputError: the manifest can't be read, a row breaks its schema, or a reel can't be scored; the row is named.
    """
    rows = [row for _, row in read_rows(path, max_rows=MAX_REELS + 1)]
    if len(rows) < MIN_REELS:
        raise InputError(f"{path.name} has {len(rows)} reels; at least {MIN_REELS} are needed for a fit.")
    wheres = [f"row {number} of {path.name}" for number in range(1, len(rows) + 1)]
    outcomes = np.array([_outcome(row, where) for row, where in zip(rows, wheres, strict=True)])
    followers = [_followers(row, where) for row, where in zip(rows, wheres, strict=True)]
    sizes = np.array([math.log1p(count) for count in followers if count is not None])
    if len(sizes) == len(rows) and np.ptp(sizes) > 0.0:  # take out what a line on account size explains
        slope, start = np.polyfit(sizes, outcomes, 1)
        outcomes = outcomes - slope * sizes - start
    scorers: Scorers | None = None
    reels = []
    for number, (row, where, outcome) in enumerate(zip(rows, wheres, outcomes.tolist(), strict=True), start=1):
        if row.get("report"):
            desirabilities = _from_report(path.parent / str(row["report"]), where)
        elif row.get("reel"):
            scorers = scorers or load_scorers(profile)
            post = Post(caption=str(row.get("caption") or ""))
            try:
                report = score_reel(path.parent / str(row["reel"]), post, scorers=scorers)
            except InputError as error:
                raise InputError(f"The reel in {where} can't be scored: {error}") from error
            desirabilities = {signal.name: signal.desirability for signal in report.signals}
        else:
            raise InputError(f"There is neither `reel` nor `report` in {where}; one of them is needed.")
        author = str(row.get("author") or number)
        reels.append(ReelOutcome(author=author, desirabilities=desirabilities, outcome=outcome))
    return tuple(reels)


def _outcome(row: Mapping[str, Any], where: str) -> float:
    count = parse_count(row.get("outcome"), "outcome", where)
    if count is None:
        raise InputError(f"There is no `outcome` in {where}; a count of 0 or more is needed.")
    return math.log1p(count)


def _followers(row: Mapping[str, Any], where: str) -> float | None:
    count = parse_count(row.get("followers"), "followers", where)
    if count is not None and count > MAX_FOLLOWERS:
        raise InputError(f"`followers` in {where} is {count:.0f}; at most {MAX_FOLLOWERS:,} are possible.")
    return count


def _from_report(path: Path, where: str) -> dict[str, float]:
    known = reference.table()["signals"]
    try:
        signals = json.loads(read_regular(path, MAX_REPORT_BYTES))["signals"]
        found = {str(signal["name"]): float(signal["desirability"]) for signal in signals}
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"The report {path.name} in {where} can't be read ({reason}).") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"The report {path.name} in {where} is not JSON of `virality score`.") from error
    if not found or not all(0.0 <= value <= 100.0 for value in found.values()):
        raise InputError(f"The report {path.name} in {where} has no signals with a desirability from 0 to 100.")
    return {name: value for name, value in found.items() if name in known}
