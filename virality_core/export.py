"""A report as text for the terminal and as JSON text for files and downloads."""

from __future__ import annotations

import json

from virality_core import reference
from virality_core.types import Report, Signal

_BAR_CELLS = 20


def report_json(report: Report, *, indent: int | None = None) -> str:
    """`report.to_dict()` as JSON text in ASCII, so that lone surrogates of a caption can't break a terminal or file."""
    return json.dumps(report.to_dict(), indent=indent, allow_nan=False)


def report_text(report: Report, name: str) -> str:
    """The report for a terminal: the score, what each signal added and cost, what was skipped, what ran."""
    signals = reference.table()["signals"]
    lines = [
        _printable(name),
        f"Score {report.score:.1f} of 100: {report.band}. {reference.band_meaning(report.band)}",
        f"Covers {report.coverage:.0%} of what this score weighs.",
        "",
        f"{'':22}{'points':>8} {'of':>5}",
    ]
    for contribution in report.contributions:
        signal = report.signal(contribution.signal)
        if signal is None:
            continue
        full = 100.0 * contribution.weight
        cells = round(_BAR_CELLS * signal.desirability / 100.0)
        bar = "█" * cells + "░" * (_BAR_CELLS - cells)
        title = str(signals[contribution.signal]["title"])
        lines.append(f"{title:22}{contribution.points:8.1f} {full:5.1f}  {bar}  {value_text(signal)}")
    lines.append(f"{'Sum':22}{sum(c.points for c in report.contributions):8.1f} {100:5.1f}")
    if report.skipped:
        lines += ["", "Skipped:"]
        lines += [f"  {signals.get(s.name, {}).get('title', s.name)}: {s.reason}" for s in report.skipped]
    if report.notes:
        lines += ["", "Notes:"] + [f"  {note}" for note in report.notes]
    ran = report.provenance
    lines += ["", f"Ran {ran.ran} weights on {ran.device} in {report.timings['total']:.1f} s (virality {ran.version})."]
    return "\n".join(lines)


def value_text(signal: Signal) -> str:
    """The native value with its unit, and the share of its reference population that lies below."""
    text = f"{signal.value:.3g} {signal.unit}"
    if signal.percentile is not None:
        text += f", above {signal.percentile:.0f} %"
    return text


def _printable(name: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)
