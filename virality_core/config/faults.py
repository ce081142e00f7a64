"""The technical faults of config/faults.toml: thresholds, reasons and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from virality_core import config
from virality_core.config.toml_table import naming, read_table
from virality_core.types import Finding, FindingKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One entry of the table. `threshold` and `reason` are left out where the platform or the reel sets them."""

    kind: FindingKind
    unit: str
    sentence: str
    threshold: float = float("nan")
    below: bool = False
    stills: int = 1
    reason: str = ""

    def finding(self, value: float, start: float, end: float, worst: float | None = None, **fields: object) -> Finding:
        """A finding from `start` to `end` seconds, worst at `worst`; `fields` fill in the sentence."""
        return Finding(
            kind=self.kind,
            start_seconds=start,
            end_seconds=end,
            worst_seconds=worst,
            value=value,
            unit=self.unit,
            threshold=self.threshold,
            sentence=self.sentence.format(value=value, percent=100 * value, threshold=self.threshold, **fields),
            reason=self.reason,
        )


def fault(name: str) -> Fault:
    """One fault by its name in the table. Raises WeightsError where the table is damaged."""
    return _read(config.folder() / "faults.toml")[name]


@lru_cache
def _read(path: Path) -> Mapping[str, Fault]:
    table = read_table(path)
    with naming(path):
        return {name: Fault(**entry) for name, entry in table["faults"].items()}
