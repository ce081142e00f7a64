"""What a signal says in plain words, for the page's headlines and the terminal; the texts are in config/signals.toml.

The exact value in its native unit (`exact`) stays beside it wherever there is room for details.
"""

from __future__ import annotations

import math
from typing import Any

from virality_core.config import signals
from virality_core.types import Contribution, Report, Signal

COSTS_SHOWN = 3
COST_WORTH_SAYING = 0.5  # points: less is no reason to change a reel
_TARGET_REACHED = 99.5  # desirability that shows as full points
_MIDDLE = 50.0  # percent of a population
_NOTHING = 0.01  # in the said unit: less is said as nothing


def entry(name: str) -> dict[str, Any]:
    """The signal's entry in signals.toml; empty where it has none."""
    found: dict[str, Any] = signals.table()["signals"].get(name, {})
    return found


def title(name: str) -> str:
    """A signal's title; its name where the table has none."""
    return str(entry(name).get("title", name.replace("_", " ").capitalize()))


def weighs(name: str) -> bool:
    """Whether the signal has a weight in the score."""
    return float(entry(name).get("weight", 0.0)) > 0.0


def number(value: float) -> str:
    """Three significant digits, without an exponent: 0.0236, 5.52, 76.9, 120, 86,400."""
    if value == 0:
        return "0"
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}"
    return text if "e" not in text else f"{value:.6f}".rstrip("0").rstrip(".")


def bare(value: float) -> str:
    """A stated figure without needless zeros or exponents: 0.06, 2, 377, 86,400."""
    return number(value).rstrip("0").rstrip(".") if "." in number(value) else number(value)


def count(value: float) -> str:
    """A predicted count to two significant digits: 0, 7, 48, 1,300, 2.1 million."""
    if value >= 999_500:
        return f"{bare(float(f'{value / 1e6:.2g}'))} million"
    return f"{float(f'{value:.2g}'):,.0f}"


def exact(signal: Signal) -> str:
    """The native value with its unit."""
    unit = f"({signal.unit})" if "," in signal.unit else signal.unit
    return f"{number(signal.value)} {unit}"


def plain(name: str, value: float) -> str:
    """A native value as it is said: scaled, two significant digits, with its mark."""
    said = _words(name)
    scaled = float(said.get("scale", 1.0)) * value
    text = f"{scaled:.0f}" if abs(scaled) >= 10 else bare(float(f"{scaled:.2g}"))
    return f"{text.replace('-', '−')}{said.get('mark', '')}"


def says(signal: Signal) -> str:
    """The signal's value in plain words; the exact value and its percentile for a signal without words of its own."""
    said = _words_of(signal)
    form = str(said.get("says", ""))
    if not form:
        above = "" if signal.percentile is None else ", above {percentile} % of {reference}"
        form = exact(signal).replace("{", "(").replace("}", ")") + above
    if "low" in said and signal.percentile is not None and signal.percentile < _MIDDLE:
        form = str(said["low"])
    if "zero" in said and scale(signal.name) * signal.value < _NOTHING:
        form = str(said["zero"])
    if "uncut" in said and getattr(signal.details, "shots", None) == 1:
        form = str(said["uncut"])
    try:
        return form.format_map(_fields(signal))
    except KeyError:  # a sentiment without its three probabilities
        return exact(signal)


def target(signal: Signal) -> str:
    """Where full points begin and end, in the words' unit; empty for a signal that is compared with a population."""
    edges = _full_points(signal.name)
    if edges is None:
        return ""
    low, high = (None if edge is None else plain(signal.name, edge) for edge in edges)
    if low is None:
        return f"full points up to {high}"
    return (
        f"full points from {low}" if high is None else f"full points from {_without_mark(signal.name, low)} to {high}"
    )


def sentence(signal: Signal) -> str:
    """What the signal says and, where it missed a target, what the target was."""
    missed = signal.percentile is None and signal.desirability < _TARGET_REACHED
    aim = target(signal) if missed else ""
    return f"{says(signal)}; {aim}" if aim else says(signal)


def to_do(signal: Signal) -> str:
    """What the creator can do about it, where the measure itself says so; else empty. Promises no points."""
    if signal.desirability >= _TARGET_REACHED:
        return ""
    said = _words_of(signal)
    edges = _full_points(signal.name)
    wants_less = edges is not None and edges[1] is not None and signal.value > edges[1]
    return str(said.get("less" if wants_less else "more", "")) or _weakest_moment(signal)


def better(name: str) -> str:
    """Which way is better, for a chart: “higher is better”, “lower is better, full points up to 0.06 %”, …"""
    if "desirability" not in entry(name):
        return ""
    edges = _full_points(name)
    if edges is None:
        return "higher is better"
    low, high = (None if edge is None else plain(name, edge) for edge in edges)
    if low is None:
        return f"lower is better, full points up to {high}"
    if high is None:
        return f"higher is better, full points from {low}"
    return f"best from {_without_mark(name, low)} to {high}"


def axis(signal: Signal) -> str:
    """The unit of the signal's values on a chart, after `scale`."""
    return str(_words_of(signal).get("axis", signal.unit))


def scale(name: str) -> float:
    """A chart's value for one native unit."""
    return float(_words(name).get("scale", 1.0))


def compared_with(signal: Signal) -> str:
    """The signal's reference, with collections of posts named in words."""
    return signals.collections_named(signal.reference)


def costs(report: Report) -> list[tuple[Contribution, Signal]]:
    """The contributions that leave most points unwon, largest first; at most three, none under half a point."""
    largest = sorted(report.contributions, key=lambda contribution: -cost(contribution))[:COSTS_SHOWN]
    found = [(c, report.signal(c.signal)) for c in largest if cost(c) >= COST_WORTH_SAYING]
    return [(contribution, signal) for contribution, signal in found if signal is not None]


def cost(contribution: Contribution) -> float:
    """The points a signal left unwon."""
    return 100.0 * contribution.weight - contribution.points


def clock(seconds: float) -> str:
    """Minutes and seconds to a tenth: 0:03.2."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def _words(name: str) -> dict[str, Any]:
    found: dict[str, Any] = entry(name).get("words", {})
    return found


def _words_of(signal: Signal) -> dict[str, Any]:
    """The words of the variant that answered, where its unit is its own."""
    variant = signals.own_variant(signal)
    return _words(signal.name) if variant is None else dict(entry(signal.name)["variants"][variant]["words"])


def _fields(signal: Signal) -> dict[str, str]:
    fields = {
        "value": plain(signal.name, signal.value),
        "percentile": "" if signal.percentile is None else f"{signal.percentile:.0f}",
        "rest": "" if signal.percentile is None else f"{100.0 - signal.percentile:.0f}",
        "reference": signal.reference.partition(" (")[0],
        "factor": _more_or_fewer(signal.value),
        "dated": "",
    }
    fields |= getattr(signal.details, "said", {})
    shares = getattr(signal.details, "probabilities", None)
    if shares is not None:
        fields |= {name: f"{100 * getattr(shares, name):.0f}" for name in ("positive", "neutral", "negative")}
    return fields


def _more_or_fewer(log_ratio: float) -> str:
    """A difference of logarithms as what it means: 0.145 is 16 % more, −0.0923 is 9 % fewer."""
    share = 100.0 * (math.exp(min(log_ratio, 50.0)) - 1.0)
    if abs(share) < 0.5:
        return "no more"
    return f"{share:.0f} % more" if share > 0 else f"{-share:.0f} % fewer"


def _full_points(name: str) -> tuple[float | None, float | None] | None:
    """The native values between which the signal wins all its points; None beside a value: no end on that side."""
    points = entry(name).get("desirability", {}).get("points", [])
    best = [float(at) for at, worth in points if worth >= 100]
    if not best:
        return None
    return (None if points[0][1] >= 100 else best[0]), (None if points[-1][1] >= 100 else best[-1])


def _weakest_moment(signal: Signal) -> str:
    """For marks of frames, which say how good and not why: where to look."""
    line = signal.timeline
    if signal.name not in ("aesthetics", "hook") or line is None or len(line.values) < 2:
        return ""
    return f"look at its weakest frame, at {clock(float(line.seconds[line.values.argmin()]))}"


def _without_mark(name: str, text: str) -> str:
    return text.removesuffix(str(_words(name).get("mark", "")))
