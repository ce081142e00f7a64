"""Words for the page: what a stranger typed made harmless, numbers and times made readable."""

from __future__ import annotations

import html
from typing import Any
from unicodedata import category

from virality_core import reference
from virality_core.types import Signal

_UNSHOWABLE = {"Cc", "Cs", "Co", "Cn"}  # controls, surrogates, private, unassigned
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def safe(text: str) -> str:
    """`text` for use inside HTML: nothing in it is markup, and what can't be shown (controls, lone surrogates) is �.

    Marks that turn the writing direction stay, as Arabic and Hebrew need them: put strangers' text into an element of
    its own with `dir="auto"`, which ends their reach.
    """
    shown = (char if char in "\n\t" or category(char) not in _UNSHOWABLE else _REPLACEMENT for char in text)
    return html.escape("".join(shown), quote=True)


def clock(seconds: float) -> str:
    """Minutes and seconds to a tenth: 0:03.2."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def number(value: float) -> str:
    """Three significant digits, without an exponent: 0.0236, 5.52, 76.9, 120."""
    if value == 0:
        return "0"
    text = f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}"
    return text if "e" not in text else f"{value:.6f}".rstrip("0").rstrip(".")


def value(signal: Signal) -> str:
    """The signal's native value with its unit."""
    unit = f"({signal.unit})" if "," in signal.unit else signal.unit
    return f"{number(signal.value)} {unit}"


def title(name: str) -> str:
    """A signal's title; its name where the table has none."""
    return str(entry(name).get("title", name.replace("_", " ").capitalize()))


def entry(name: str) -> dict[str, Any]:
    """The signal's entry in fusion.toml; empty where it has none."""
    found: dict[str, Any] = reference.table()["signals"].get(name, {})
    return found


def standing(signal: Signal) -> str:
    """Where the value stands against its reference, in words."""
    if signal.percentile is not None:
        return f"above {signal.percentile:.0f} % of {signal.reference.partition(' (')[0]}"
    points = entry(signal.name).get("desirability", {}).get("points", [])
    best = [float(at) for at, worth in points if worth >= 100]
    if not best:
        return f"worth {signal.desirability:.0f} of 100"
    low, high = best[0], best[-1]
    if points[0][1] >= 100:
        return f"full points up to {high:.3g}"
    if points[-1][1] >= 100:
        return f"full points from {low:.3g}"
    return f"full points from {low:.3g} to {high:.3g}"


def megabytes(size_bytes: int) -> str:
    """A file's size in MB of 2^20 bytes, as the uploader counts."""
    return f"{size_bytes / 2**20:.1f} MB" if size_bytes < 10 * 2**20 else f"{size_bytes / 2**20:.0f} MB"
