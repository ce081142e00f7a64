"""Signals in plain words, for the page and the terminal; most of the texts are in config/signals.toml.

The exact value in its native unit (`exact`) is shown as well wherever there is room for details.
"""

from __future__ import annotations

import math
from typing import Any

from virality_core.config import safe_zones, signals
from virality_core.types import Contribution, Report, Signal

COSTS_SHOWN = 3
COST_WORTH_SAYING = 0.5  # points: anything less is no reason to change a reel
_TARGET_REACHED = 99.5  # desirability that shows as full points
_MIDDLE = 50.0  # percent of a population
_NOTHING = 0.01  # in the unit that is shown


def entry(name: str) -> dict[str, Any]:
    """The signal's entry in signals.toml; empty where it has none."""
    found: dict[str, Any] = signals.table()["signals"].get(name, {})
    return found


def title(name: str) -> str:
    """A signal's title; its name where the table has none."""
    return str(entry(name).get("title", name.replace("_", " ").capitalize()))


def has_share(name: str) -> bool:
    """Whether the signal has a share of the score."""
    return float(entry(name).get("weight", 0.0)) > 0.0


def number(value: float) -> str:
    """Three significant digits, without an exponent: 0.0236, 5.52, 76.9, 120, 86,400."""
    if value == 0:
        return "0"
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}"
    return text if "e" not in text else f"{value:.6f}".rstrip("0").rstrip(".")


def trimmed(value: float) -> str:
    """A number without needless zeros or exponents: 0.06, 2, 377, 86,400."""
    return number(value).rstrip("0").rstrip(".") if "." in number(value) else number(value)


def count(value: float) -> str:
    """A predicted count to two significant digits: 0, 7, 48, 1,300, 2.1 million."""
    if value >= 999_500:
        return f"{trimmed(float(f'{value / 1e6:.2g}'))} million"
    return f"{float(f'{value:.2g}'):,.0f}"


def exact(signal: Signal) -> str:
    """The native value with its unit."""
    unit = f"({signal.unit})" if "," in signal.unit else signal.unit
    return f"{number(signal.value)} {unit}"


def short(name: str, value: float) -> str:
    """A native value as it is shown: scaled, two significant digits, with its unit."""
    texts = _texts(name)
    scaled = float(texts.get("scale", 1.0)) * value
    text = f"{scaled:.0f}" if abs(scaled) >= 10 else trimmed(float(f"{scaled:.2g}"))
    return f"{text.replace('-', '−')}{texts.get('mark', '')}"


def describe(signal: Signal) -> str:
    """The signal's value in plain words; the exact value and its percentile for a signal without a text of its own."""
    texts = _texts_of(signal)
    form = str(texts.get("says", ""))
    if not form:
        above = "" if signal.percentile is None else ", above {percentile} % of {reference}"
        form = exact(signal).replace("{", "(").replace("}", ")") + above
    if "low" in texts and signal.percentile is not None and signal.percentile < _MIDDLE:
        form = str(texts["low"])
    if "zero" in texts and scale(signal.name) * signal.value < _NOTHING:
        form = str(texts["zero"])
    if "uncut" in texts and getattr(signal.details, "shots", None) == 1:
        form = str(texts["uncut"])
    try:
        return form.format_map(_fields(signal))
    except KeyError:  # a signal without its details
        return exact(signal)


def target(signal: Signal) -> str:
    """The range of full points, in the unit that is shown; empty for a signal compared with a population."""
    return _target(signal.name)


def sentence(signal: Signal) -> str:
    """What the signal says and, where it missed its target, what the target is."""
    missed = signal.percentile is None and signal.desirability < _TARGET_REACHED
    aim = target(signal) if missed else ""
    return f"{describe(signal)}; {aim}" if aim else describe(signal)


def tip(signal: Signal) -> str:
    """What the creator can do about it, where the measure itself says so; else empty. Promises no points."""
    if signal.desirability >= _TARGET_REACHED:
        return ""
    texts = _texts_of(signal)
    edges = _full_points(signal.name)
    wants_less = edges is not None and edges[1] is not None and signal.value > edges[1]
    return str(texts.get("less" if wants_less else "more", "")) or _weakest_moment(signal)


def better(name: str) -> str:
    """Which way is better, for a chart: “higher is better”, “lower is better, full points up to 0.06 %”, …"""
    if "desirability" not in entry(name):
        return ""
    edges = _full_points(name)
    if edges is None:
        return "higher is better"
    if None not in edges:
        return _target(name).replace("full points", "best")
    return f"{'lower' if edges[0] is None else 'higher'} is better, {_target(name)}"


def axis(signal: Signal) -> str:
    """The unit of the signal's values on a chart, after `scale`."""
    return str(_texts_of(signal).get("axis", signal.unit))


def scale(name: str) -> float:
    """A chart's value for one native unit."""
    return float(_texts(name).get("scale", 1.0))


def compared_with(signal: Signal) -> str:
    """The signal's reference, with collections of posts by their titles."""
    return signals.collections_named(signal.reference)


def costs(report: Report) -> list[tuple[Contribution, Signal]]:
    """The contributions that miss most points, largest first; at most three, none under half a point."""
    largest = sorted(report.contributions, key=lambda contribution: -cost(contribution))[:COSTS_SHOWN]
    found = [(c, report.signal(c.signal)) for c in largest if cost(c) >= COST_WORTH_SAYING]
    return [(contribution, signal) for contribution, signal in found if signal is not None]


def cost(contribution: Contribution) -> float:
    """The points a signal missed."""
    return 100.0 * contribution.weight - contribution.points


def clock(seconds: float) -> str:
    """Minutes and seconds to a tenth: 0:03.2."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def _texts(name: str) -> dict[str, Any]:
    found: dict[str, Any] = entry(name).get("words", {})
    return found


def _texts_of(signal: Signal) -> dict[str, Any]:
    """The texts of the variant that answered, where it has a unit of its own."""
    variant = signals.own_variant(signal)
    return _texts(signal.name) if variant is None else dict(entry(signal.name)["variants"][variant]["words"])


def _fields(signal: Signal) -> dict[str, str]:
    fields = {
        "value": short(signal.name, signal.value),
        "percentile": "" if signal.percentile is None else f"{signal.percentile:.0f}",
        "rest": "" if signal.percentile is None else f"{100.0 - signal.percentile:.0f}",
        "reference": signal.reference.partition(" (")[0],
        "factor": _more_or_fewer(signal.value),
        "dated": "",
    }
    return fields if signal.details is None else fields | _details(signal.name, signal.details)


def _details(name: str, details: Any) -> dict[str, str]:
    """What a signal's text takes from its details."""
    if name == "faces":
        first = {True: "also in the first second", False: "none in the first second", None: "first second not read"}
        return {"first_second": first[details.first_second]}
    if name == "shot_scale":
        return {"scale": details.scale}
    if name == "onscreen_text":
        first = {True: "also in the first second", False: "not in the first second", None: "first second not read"}
        covering = {platform for box in details.boxes for platform in box.covered_by}
        names = [str(zone["name"]) for platform, zone in safe_zones.zones().items() if platform in covering]
        under = f"; {' and '.join(names)} may cover some of it" if names else ""
        return {"first": first[details.first_second], "under": under}
    if name == "speech":
        return {"dominant": details.dominant}
    if name == "cut_to_beat":
        by_chance = f"{details.by_chance:.0f}"
        return {"cuts": str(details.cuts), "on_beat": str(details.on_beat), "by_chance": by_chance}
    if name == "sentiment":
        classes = ("positive", "neutral", "negative")
        return {key: f"{100 * getattr(details.probabilities, key):.0f}" for key in classes}
    if name == "hashtags":
        return {"dated": f"; {details.dated}" if details.dated else ""}
    if name == "music":
        row, uses = (
            details.rows[0],
            f"{details.uses:,} videos used it by {details.uses_on}; " if details.uses is not None else "",
        )
        dated = f"; {details.dated}" if details.dated else ""
        return {"dated": dated, "uses": uses, "posts": f"{row.posts} posts of {row.authors} authors"}
    return {}


def _more_or_fewer(log_ratio: float) -> str:
    """A difference of logarithms as a percentage: 0.145 is 16 % more, −0.0923 is 9 % fewer."""
    percent = 100.0 * (math.exp(min(log_ratio, 50.0)) - 1.0)
    if abs(percent) < 0.5:
        return "no more"
    return f"{percent:.0f} % more" if percent > 0 else f"{-percent:.0f} % fewer"


def _full_points(name: str) -> tuple[float | None, float | None] | None:
    """The native values between which the signal gets all its points; None for an open end."""
    points = entry(name).get("desirability", {}).get("points", [])
    best = [float(at) for at, desirability in points if desirability >= 100]
    if not best:
        return None
    return (None if points[0][1] >= 100 else best[0]), (None if points[-1][1] >= 100 else best[-1])


def _weakest_moment(signal: Signal) -> str:
    """Where to look, for ratings of frames, which say how good and not why."""
    line = signal.timeline
    if signal.name not in ("aesthetics", "hook") or line is None or len(line.values) < 2:
        return ""
    return f"look at its weakest frame, at {clock(float(line.seconds[line.values.argmin()]))}"


def _target(name: str) -> str:
    edges = _full_points(name)
    if edges is None:
        return ""
    low, high = (None if edge is None else short(name, edge) for edge in edges)
    if low is None:
        return f"full points up to {high}"
    if high is None:
        return f"full points from {low}"
    return f"full points from {low.removesuffix(str(_texts(name).get('mark', '')))} to {high}"
