"""From a native value to a desirability 0–100: a percentile in a named population, or a position in a cited range.

The table is signals.toml; populations/ has JSON files with the 1 % to 99 % quantiles of a measure.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from virality_core import config
from virality_core.config.toml_table import naming, read_table
from virality_core.types import Signal

_PERCENTS = np.arange(1.0, 100.0)  # 1 … 99: a population says nothing beyond its ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What a value is worth: `desirability` 0–100, `percentile` 0–100 or None, and what it was compared with."""

    desirability: float
    percentile: float | None
    reference: str


def rate(signal: str, value: float, *, variant: str | None = None) -> Rating:
    """The rating of `value`, in the signal's native unit, by the signal's entry in signals.toml.

    Args:
        signal, value: what was measured.
        variant: a model with its own native unit and an entry under `[signals.….variants.….desirability]`.

    Raises:
        KeyError: signals.toml has no such signal, or no such variant of it.
    """
    stated = table()["signals"][signal]
    entry = (stated if variant is None else stated["variants"][variant])["desirability"]
    if entry["kind"] == "population":
        quantiles, name = _read_population(config.folder() / "populations" / entry["file"])
        percentile = float(np.interp(value, quantiles, _PERCENTS))
        return Rating(desirability=percentile, percentile=percentile, reference=name)
    points = np.asarray(entry["points"], dtype=np.float64)  # (P, 2): value, desirability; linear between, flat outside
    desirability = float(np.interp(value, points[:, 0], points[:, 1]))
    return Rating(desirability=desirability, percentile=None, reference=str(entry["source"]))


def own_variant(signal: Signal) -> str | None:
    """The variant of the model that answered, if signals.toml has an entry for its own native unit; else None."""
    variants = table()["signals"].get(signal.name, {}).get("variants", {})
    return signal.model.variant if signal.model is not None and signal.model.variant in variants else None


def table() -> dict[str, Any]:
    """signals.toml, read once: each signal's title, share, reason and reference; the bands."""
    return _read_table(config.folder() / "signals.toml")


def band_meaning(band: str) -> str:
    """What signals.toml says a band means. Raises KeyError for a band that is not in it."""
    return {str(entry["name"]): str(entry["meaning"]) for entry in table()["bands"]}[band]


def collections_named(text: str) -> str:
    """`text` with the title of each collection of posts instead of its name (`tiktok-vn-2025`)."""
    for name, known in table().get("collections", {}).items():
        text = text.replace(str(name), str(known["title"]))
    return text


def collection_language(name: str) -> str | None:
    """The language of a collection's captions as ISO 639-1; None where it is not known."""
    found = table().get("collections", {}).get(name, {}).get("language")
    return None if found is None else str(found)


@lru_cache
def _read_table(path: Path) -> dict[str, Any]:
    table = read_table(path)
    with naming(path):  # access everything that is used, so that a wrong entry is an error when the table is read
        for entry in table["bands"]:
            str(entry["name"]), float(entry["from"])
        for entry in table["signals"].values():
            float(entry["weight"])
            for stated in (one["desirability"] for one in (entry, *entry.get("variants", {}).values())):
                if stated["kind"] == "population":
                    str(stated["file"])
                else:
                    np.asarray(stated["points"], dtype=np.float64)[:, 1]
    return table


@lru_cache
def _read_population(path: Path) -> tuple[np.ndarray[Any, np.dtype[np.float64]], str]:
    data = read_table(path)
    with naming(path):
        quantiles = np.asarray(data["quantiles"], dtype=np.float64)
        if quantiles.shape != _PERCENTS.shape:
            raise ValueError(f"{path.name}: expected 99 quantiles, got {quantiles.shape}")
        return quantiles, str(data["name"])
