"""The manifest of `virality fit-fusion`: which reels, their signals and what they got."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from virality_core.config import signals as reference
from virality_core.errors import InputError
from virality_core.files import read_regular
from virality_core.pipeline import Scorers, load_scorers, score_reel
from virality_core.training.score.fit import MIN_REELS, ReelOutcome
from virality_core.types import MAX_FOLLOWERS, Post, Profile

MAX_BYTES = 50_000_000
MAX_REELS = 10_000


def read_manifest(path: Path, *, profile: Profile = "auto") -> tuple[ReelOutcome, ...]:
    """The reels of a manifest, those given as videos scored now.

    Raises:
        InputError: the manifest can't be read, a row breaks its schema, or a reel can't be scored; the row is named.
    """
    rows = read_rows(path)
    if len(rows) < MIN_REELS:
        raise InputError(f"{path.name} has {len(rows)} reels; at least {MIN_REELS} are needed for a fit.")
    outcomes = [_outcome(row, f"row {number} of {path.name}") for number, row in enumerate(rows, start=1)]
    sizes = [_followers(row, f"row {number} of {path.name}") for number, row in enumerate(rows, start=1)]
    if all(size is not None for size in sizes):
        outcomes = _beside_size(outcomes, [size or 0.0 for size in sizes])
    scorers: Scorers | None = None
    reels = []
    for number, (row, outcome) in enumerate(zip(rows, outcomes, strict=True), start=1):
        where = f"row {number} of {path.name}"
        if row.get("report"):
            worth = _from_report(path.parent / str(row["report"]), where)
        elif row.get("reel"):
            scorers = scorers or load_scorers(profile)
            post = Post(caption=str(row.get("caption") or ""))
            try:
                report = score_reel(path.parent / str(row["reel"]), post, scorers=scorers)
            except InputError as error:
                raise InputError(f"The reel in {where} can't be scored: {error}") from error
            worth = {signal.name: signal.desirability for signal in report.signals}
        else:
            raise InputError(f"There is neither `reel` nor `report` in {where}; one of them is needed.")
        reels.append(ReelOutcome(author=str(row.get("author") or number), desirabilities=worth, outcome=outcome))
    return tuple(reels)


def read_rows(path: Path) -> list[Mapping[str, Any]]:
    """The rows of a CSV with a header, or of a JSON-lines file. Raises InputError."""
    try:
        text = read_regular(path, MAX_BYTES).decode("utf-8-sig")
        if path.suffix.lower() == ".csv":
            rows: list[Mapping[str, Any]] = list(csv.DictReader(io.StringIO(text, newline="")))
        else:
            rows = [json.loads(line) for line in text.split("\n") if line.strip()]
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}.") from error
    except OSError as error:
        raise InputError(f"{path.name} can't be read ({error.strerror or error}).") from error
    except (ValueError, RecursionError, csv.Error) as error:
        raise InputError(f"{path.name} can't be read as a UTF-8 CSV or as JSON lines ({error}).") from error
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path.name} holds no rows; a header and a row a reel, or one JSON object a line, works.")
    if len(rows) > MAX_REELS:
        raise InputError(f"{path.name} has {len(rows):,} rows; at most {MAX_REELS:,} are read.")
    return rows


def _outcome(row: Mapping[str, Any], where: str) -> float:
    value = row.get("outcome")
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if not 0.0 <= number < 1e15:
        raise InputError(f"`outcome` in {where} is {value!r}; a count of 0 or more is needed.")
    return math.log1p(number)


def _followers(row: Mapping[str, Any], where: str) -> float | None:
    value = row.get("followers")
    if value in (None, ""):
        return None
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if not 0.0 <= number <= MAX_FOLLOWERS:
        raise InputError(f"`followers` in {where} is {value!r}; a whole number of 0 or more is needed.")
    return math.log1p(number)


def _beside_size(outcomes: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """What a line on ln(1 + followers) leaves over."""
    target, size = np.array(outcomes), np.array(sizes)
    if not np.ptp(size) > 0.0:
        return list(outcomes)
    slope, start = np.polyfit(size, target, 1)
    return [float(value) for value in target - slope * size - start]


def _from_report(path: Path, where: str) -> dict[str, float]:
    known = reference.table()["signals"]
    try:
        signals = json.loads(read_regular(path, MAX_BYTES))["signals"]
        worth = {str(signal["name"]): float(signal["desirability"]) for signal in signals}
    except OSError as error:
        why = error.strerror or error
        raise InputError(f"The report {path.name} in {where} can't be read ({why}).") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"The report {path.name} in {where} is no JSON of `virality score`.") from error
    if not worth or not all(0.0 <= value <= 100.0 for value in worth.values()):
        raise InputError(f"The report {path.name} in {where} has no signals with a desirability from 0 to 100.")
    return {name: value for name, value in worth.items() if name in known}
