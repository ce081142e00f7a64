"""What a platform's buttons, names and captions cover of an upright picture, from safe_zones.toml."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from virality_core import config
from virality_core.config.toml_table import naming, read_table
from virality_core.types import Platform

Box = tuple[float, float, float, float]  # left, top, right, bottom as shares 0–1 of the picture

UPRIGHT = 9.0 / 16.0  # the shape that the safe zones are for
_SHAPE_TOLERANCE = 0.05
_COVERED_FROM = 0.25  # of a box's area: a letter or two under a button; this project's choice
_SIDES = ("top", "bottom", "left", "right")


def has_zones(width: int, height: int) -> bool:
    """Whether a picture has the shape that the safe zones are for."""
    return abs(width / height / UPRIGHT - 1.0) <= _SHAPE_TOLERANCE


def covered_by(box: Box) -> tuple[Platform, ...]:
    """The platforms whose buttons and captions cover a quarter of the box or more."""
    return tuple(platform for platform in get_args(Platform) if _outside(box, platform) >= _COVERED_FROM)


def zones() -> Mapping[str, Mapping[str, Any]]:
    """For each platform `top`, `bottom`, `left`, `right` as shares, name, source, date."""
    return _read(config.folder() / "safe_zones.toml")


def visible_area(platform: Platform) -> Box:
    """What the platform doesn't cover of an upright picture."""
    zone = zones()[platform]
    return float(zone["left"]), float(zone["top"]), 1.0 - float(zone["right"]), 1.0 - float(zone["bottom"])


def covered_sides(platform: Platform) -> str:
    """What the platform may cover, as text: the top 14 %, the bottom 35 %, the left 6 % and the right 6 %."""
    zone = zones()[platform]
    sides = [f"the {side} {100.0 * float(zone[side]):.0f} %" for side in _SIDES if float(zone[side]) > 0.0]
    return f"{', '.join(sides[:-1])} and {sides[-1]}" if len(sides) > 1 else "".join(sides) or "nothing"


def _outside(box: Box, platform: Platform) -> float:
    """The share of a box outside the visible area."""
    left, top, right, bottom = box
    free_left, free_top, free_right, free_bottom = visible_area(platform)
    across = min(right, free_right) - max(left, free_left)
    down = min(bottom, free_bottom) - max(top, free_top)
    area = (right - left) * (bottom - top)
    return 1.0 - max(0.0, across) * max(0.0, down) / area if area > 0 else 0.0


@lru_cache
def _read(path: Path) -> Mapping[str, Mapping[str, Any]]:
    table = read_table(path)
    with naming(path):
        for platform in get_args(Platform):
            zone = table[platform]
            str(zone["name"]), str(zone["source"]), str(zone["date"])
            for side in _SIDES:
                if not 0.0 <= float(zone[side]) < 0.5:
                    raise ValueError(side)
    return table
