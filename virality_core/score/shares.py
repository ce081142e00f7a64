"""The share of the score that each signal has: the stated ones, or fitted ones from a file of `virality fit-fusion`."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from virality_core.config import signals
from virality_core.errors import UsageError
from virality_core.files import read_regular
from virality_core.models import weights
from virality_core.types import require

Way = Literal["prior", "learned", "personal"]

DRAWS = 400
#: A stated share could as well be half or twice as large: the spread of ln(share) that puts 90 % of draws in between.
PRIOR_SPREAD = math.log(2.0) / 1.645
SCHEMA = 1
_MAX_BYTES = 10_000_000
_MAX_SHARE = 1e12  # shares may have any scale, but their sum must stay finite


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weighting:
    """One share per signal, all ≥ 0 and on any scale, with `draws` (D, S) of shares that are just as plausible.

    `names` (S) is the order of `shares` and of the draws' columns. `verdict` says how far fitted shares can be trusted.
    """

    way: Way
    names: tuple[str, ...]
    shares: tuple[float, ...]
    draws: NDArray[np.float64] = field(repr=False)
    verdict: str = ""

    def __post_init__(self) -> None:
        require(len(self.names) == len(self.shares), "each signal needs one share")
        require(all(0.0 <= share <= _MAX_SHARE for share in self.shares), "shares must be between 0 and 1e12")
        require(sum(self.shares) > 0.0, "at least one share must be above 0")
        require(self.draws.ndim == 2 and self.draws.shape[1] == len(self.names), "draws must be (D, S)")
        require(bool(((self.draws >= 0.0) & (self.draws <= _MAX_SHARE)).all()), "drawn shares must be 0 to 1e12")

    @property
    def by_signal(self) -> Mapping[str, float]:
        """Signal name → share."""
        return dict(zip(self.names, self.shares, strict=True))


def prior() -> Weighting:
    """The stated shares of signals.toml. Nine in ten drawn shares are between half and twice the stated one."""
    stated = {name: float(entry["weight"]) for name, entry in signals.table()["signals"].items()}
    shares = np.array(list(stated.values()))
    noise = np.random.default_rng(0).normal(0.0, PRIOR_SPREAD, (DRAWS, len(shares)))
    return Weighting(way="prior", names=tuple(stated), shares=tuple(stated.values()), draws=shares * np.exp(noise))


def weighting_notes(weighting: Weighting | None) -> tuple[str, ...]:
    """The note that goes with a score made with fitted shares."""
    if weighting is None or not weighting.verdict:
        return ()
    return (f"This score uses fitted shares ({weighting.way}). On reels they were not fitted on: {weighting.verdict}.",)


def fitted_file(way: Way) -> Path:
    """Where `virality fit-fusion` writes its shares and the page looks for them: among the user's own weights."""
    return weights.user_folder() / f"fusion-{way}.json"


def fitted_ways() -> tuple[Way, ...]:
    """The weightings that have such a file."""
    return tuple(way for way in get_args(Way)[1:] if os.path.isfile(fitted_file(way)))  # never raises


def read_weighting(path: Path) -> Weighting:
    """Fitted shares from a file of `virality fit-fusion`.

    Raises:
        UsageError: the file can't be read, has another format, or names a signal that no longer exists.
    """
    try:
        data = json.loads(read_regular(path, _MAX_BYTES))
    except OSError as error:
        raise UsageError(f"The fitted shares {path} can't be read ({error.strerror or error}).") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path.name} is not a file of fitted shares: it is not JSON.") from error
    return _parse(path.name, data)


def _parse(file: str, data: Any) -> Weighting:
    known = signals.table()["signals"]
    try:
        way, stated, draws = data["way"], data["weights"], np.asarray(data["draws"], dtype=np.float64)
        shares = {str(name): float(entry["weight"]) for name, entry in stated.items()}
        if data["schema"] != SCHEMA or way not in get_args(Way)[1:]:
            raise ValueError("schema or way")
        gone = [name for name in shares if name not in known]
        if gone:
            raise UsageError(f"{file} has a share for {gone[0]!r}, which no longer exists. Fit the shares again.")
        return Weighting(
            way=way,
            names=tuple(shares),
            shares=tuple(shares.values()),
            draws=draws,
            verdict=str(data.get("verdict", "")),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UsageError(f"{file} is not a file of fitted shares. Fit the shares again.") from error
