"""The settings of weights/platforms.toml: what each platform takes and shows, with source and date."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import get_args

from virality_core import weights
from virality_core.types import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRules:
    """One platform's numbers; each `…_source` says where the number is from and when it was true."""

    name: str
    hashtag_limit: int
    hashtag_limit_source: str
    visible_characters: int  # of the caption before "more"
    visible_source: str
    caption_limit: int  # characters
    caption_limit_source: str


def rules_of(platform: Platform) -> PlatformRules:
    """The numbers of one platform."""
    return _read(weights.folder() / "platforms.toml")[platform]


def shown_on(platform: Platform | None) -> PlatformRules:
    """The platform whose first line counts: the one given, else the one that shows least of a caption."""
    if platform is not None:
        return rules_of(platform)
    return min((rules_of(known) for known in get_args(Platform)), key=lambda rules: rules.visible_characters)


def visible_characters(platform: Platform | None) -> int:
    """How many characters of a caption show before "more"; without a platform the shortest of the three."""
    return shown_on(platform).visible_characters


@lru_cache
def _read(path: Path) -> dict[str, PlatformRules]:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: PlatformRules(**table[name]) for name in get_args(Platform)}
