"""Which weights a score is made with: the stated ones, or fitted ones read from a file of `virality fit-fusion`."""

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
#: A stated weight might as well be half or twice as much: the spread of ln(weight) that puts 90 % of draws between.
PRIOR_SPREAD = math.log(2.0) / 1.645
SCHEMA = 1
_MAX_BYTES = 10_000_000
_MOST = 1e12  # weights are of any scale, but their sum must be a number


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weighing:
    """Weights by signal, all ≥ 0 and any scale, and `draws` (D, S): the same weights as they might as well be.

    `names` (S) is the order of the draws' columns. `verdict` says in words how far fitted weights are to be trusted.
    """

    way: Way
    names: tuple[str, ...]
    values: tuple[float, ...]
    draws: NDArray[np.float64] = field(repr=False)
    verdict: str = ""

    def __post_init__(self) -> None:
        require(len(self.names) == len(self.values), "each signal needs one weight")
        require(all(0.0 <= value <= _MOST for value in self.values), "weights must be 0 or more, and no more than 1e12")
        require(sum(self.values) > 0.0, "one weight at least must be over 0")
        require(self.draws.ndim == 2 and self.draws.shape[1] == len(self.names), "draws must be (D, S)")
        require(bool(((self.draws >= 0.0) & (self.draws <= _MOST)).all()), "drawn weights must be 0 to 1e12")

    @property
    def weights(self) -> Mapping[str, float]:
        """The weight of each signal."""
        return dict(zip(self.names, self.values, strict=True))


def prior() -> Weighing:
    """The stated weights of signals.toml; each drawn weight lies between half and twice of it nine times in ten."""
    stated = {name: float(entry["weight"]) for name, entry in signals.table()["signals"].items()}
    values = np.array(list(stated.values()))
    noise = np.random.default_rng(0).normal(0.0, PRIOR_SPREAD, (DRAWS, len(values)))
    return Weighing(way="prior", names=tuple(stated), values=tuple(stated.values()), draws=values * np.exp(noise))


def notes_on(weighing: Weighing | None) -> tuple[str, ...]:
    """What must be said beside a score that fitted weights made."""
    if weighing is None or not weighing.verdict:
        return ()
    return (f"This score is weighed by fitted ({weighing.way}) weights: on reels left out, {weighing.verdict}.",)


def fitted_file(way: Way) -> Path:
    """Where `virality fit-fusion` puts its weights and the page looks for them: among the user's own weights."""
    return weights.own_folder() / f"fusion-{way}.json"


def fitted_ways() -> tuple[Way, ...]:
    """The ways that there are fitted weights for in that place."""
    return tuple(way for way in get_args(Way)[1:] if os.path.isfile(fitted_file(way)))  # never raises


def read_weighing(path: Path) -> Weighing:
    """Fitted weights from a file of `virality fit-fusion`.

    Raises:
        UsageError: the file can't be read, is of another shape, or weighs a signal that no longer exists.
    """
    try:
        data = json.loads(read_regular(path, _MAX_BYTES))
    except OSError as error:
        raise UsageError(f"The fitted weights {path} can't be read ({error.strerror or error}).") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path.name} is not a file of `virality fit-fusion`; it is no JSON.") from error
    return _weighing(path.name, data)


def _weighing(file: str, data: Any) -> Weighing:
    known = signals.table()["signals"]
    try:
        way, stated, draws = data["way"], data["weights"], np.asarray(data["draws"], dtype=np.float64)
        names = tuple(str(name) for name in stated)
        values = tuple(float(entry["weight"]) for entry in stated.values())
        if data["schema"] != SCHEMA or way not in get_args(Way)[1:]:
            raise ValueError("schema or way")
        gone = [name for name in names if name not in known]
        if gone:
            raise UsageError(
                f"{file} weighs the signal {gone[0]!r}, which no longer exists; fit it anew with `virality fit-fusion`."
            )
        return Weighing(way=way, names=names, values=values, draws=draws, verdict=str(data.get("verdict", "")))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UsageError(f"{file} is not a file of `virality fit-fusion`; fit it anew.") from error
