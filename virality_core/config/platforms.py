"""What each platform accepts and shows, with source and date, from platforms.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import get_args

from virality_core import config
from virality_core.types import Platform

_USUAL_RATE = 31.0  # frames per second: phones' "30" is sometimes a little more


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRules:
    """One platform's numbers; each `…_source` says where the number is from and of when."""

    name: str
    hashtag_limit: int
    hashtag_limit_source: str
    visible_characters: int  # of the caption before "more"
    visible_source: str
    caption_limit: int  # characters
    caption_limit_source: str
    smallest_side: int  # pixels of the picture's short side
    smallest_side_source: str
    bit_rates: list[list[float]]  # (short side, Mbit/s up to 30 frames a second, Mbit/s above); empty: none stated
    bit_rates_source: str


def rules_of(platform: Platform) -> PlatformRules:
    """The numbers of one platform."""
    return _read(config.folder() / "platforms.toml")[platform]


def shown_on(platform: Platform | None) -> PlatformRules:
    """The platform given, else the one that shows least of a caption."""
    if platform is not None:
        return rules_of(platform)
    return min((rules_of(known) for known in get_args(Platform)), key=lambda rules: rules.visible_characters)


def visible_characters(platform: Platform | None) -> int:
    """How many characters of a caption show before "more"; without a platform, the fewest of the three."""
    return shown_on(platform).visible_characters


def smallest_side(platform: Platform | None) -> tuple[int, str]:
    """Pixels that a video's short side should have, and the source; without a platform, the fewest of the three."""
    names = get_args(Platform) if platform is None else (platform,)
    rules = min((rules_of(name) for name in names), key=lambda rules: rules.smallest_side)
    return rules.smallest_side, rules.smallest_side_source


def recommended_bit_rate(platform: Platform | None, short_side: int, frame_rate: float) -> tuple[float, str] | None:
    """Bits per second recommended for H.264 video, and the source; without a platform, the lowest that is stated.

    A size between two rows of the table counts as the smaller one. None where nothing is stated for such a video.
    """
    stated = []
    for name in get_args(Platform) if platform is None else (platform,):
        rules = rules_of(name)
        rows = [row for row in sorted(rules.bit_rates) if row[0] <= short_side]
        if rows:
            usual, fast = rows[-1][1:]
            stated.append((1e6 * (usual if frame_rate <= _USUAL_RATE else fast), rules.bit_rates_source))
    return min(stated) if stated else None


@lru_cache
def _read(path: Path) -> dict[str, PlatformRules]:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: PlatformRules(**table[name]) for name in get_args(Platform)}
