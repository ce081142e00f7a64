"""A report as text for the terminal and as JSON text for files and downloads."""

from __future__ import annotations

import json

from virality_core.config import signals
from virality_core.report import wording
from virality_core.report.platform_check import NAMES, not_checked
from virality_core.types import Report

_BAR_CELLS = 10
_TITLE_CELLS = 16


def report_json(report: Report, *, indent: int | None = None) -> str:
    """`report.to_dict()` as ASCII JSON, so that a caption's lone surrogates can't break a terminal or file."""
    return json.dumps(report.to_dict(), indent=indent, allow_nan=False)


def report_text(report: Report, name: str, *, details: bool = False) -> str:
    """The report for a terminal: the score, each signal's points, what was skipped, which models ran.

    With `details`, also each signal's exact value, what it was compared with, and why it counts.
    """
    lines = [
        _printable(name),
        f"Score {report.score:.1f} of 100: {report.band}. {signals.band_meaning(report.band)}",
        *(f"Note: {note}" for note in report.notes),
        f"{100 * report.coverage:.0f} % of the score could be measured.",
        *_uncertainty(report),
        "",
        *_points(report),
        *_costs(report),
        *_faults(report),
        *_advice(report),
        *_without_points(report),
        *_not_measured(report),
        *_engagement(report),
        *_platforms(report),
    ]
    if details:
        lines += _details(report)
    ran = report.provenance
    lines += [
        "",
        f"Ran the {ran.ran} models on {ran.device} in {report.timings['total']:.1f} s (virality {ran.version}).",
    ]
    return "\n".join(lines)


def _uncertainty(report: Report) -> list[str]:
    found = report.uncertainty
    if found is None:
        return []
    return [f"With other shares and other frames: {found.low:.0f} to {found.high:.0f} in four of five cases."]


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", title, *lines] if lines else []


def _points(report: Report) -> list[str]:
    lines = [f"{'':{_TITLE_CELLS}}{'points':>7} {'of':>5}"]
    for contribution in report.contributions:
        signal = report.signal(contribution.signal)
        if signal is None:
            continue
        cells = round(_BAR_CELLS * signal.desirability / 100.0)
        bar = "█" * cells + "░" * (_BAR_CELLS - cells)
        title = f"{wording.title(signal.name):{_TITLE_CELLS}}"
        lines.append(
            f"{title}{contribution.points:7.1f} {100.0 * contribution.weight:5.1f}  {bar}  {wording.sentence(signal)}"
        )
    total = sum(contribution.points for contribution in report.contributions)
    return [*lines, f"{'Sum':{_TITLE_CELLS}}{total:7.1f} {100:5.1f}"]


def _costs(report: Report) -> list[str]:
    lines = []
    for contribution, signal in wording.costs(report):
        clause = wording.tip(signal) or wording.describe(signal)
        lines.append(f"  {f'−{wording.cost(contribution):.1f}':>5}  {wording.title(signal.name)}: {clause}")
    return _section("What costs you most:", lines)


def _faults(report: Report) -> list[str]:
    lines = [
        f"  {wording.clock(finding.start_seconds)}–{wording.clock(finding.end_seconds)}  {finding.sentence}"
        for finding in report.findings
    ]
    return _section("Technical faults (no points of their own; the signals above include what they cost):", lines)


def _advice(report: Report) -> list[str]:
    """Changes that were tried on the reel, with the score before and after."""
    lines = [
        f"  {advice.points:+5.1f}  {advice.text} ({advice.before:.1f} to {advice.after:.1f})"
        if advice.points
        else f"{'':7}  {advice.text}"
        for advice in report.advice
    ]
    return _section("What would help (each was tried on this reel):", lines)


def _without_points(report: Report) -> list[str]:
    """Signals without a share: their value, or why there is none."""
    counted = {contribution.signal for contribution in report.contributions}  # by fitted shares too
    lines = [
        f"  {wording.title(signal.name)}: {wording.describe(signal)}"
        for signal in report.signals
        if signal.name not in counted
    ]
    lines += [
        f"  {wording.title(skip.name)}: {skip.reason}" for skip in report.skipped if not wording.has_share(skip.name)
    ]
    return _section("Measured, without points:", lines)


def _not_measured(report: Report) -> list[str]:
    lines = [f"  {wording.title(skip.name)}: {skip.reason}" for skip in report.skipped if wording.has_share(skip.name)]
    return _section("Not measured (the other signals share its points):", lines)


def _engagement(report: Report) -> list[str]:
    found = report.engagement
    if found is None:
        return []
    ranges = {name: getattr(found, name) for name in ("likes", "comments", "shares", "saves", "plays")}
    lines = [
        f"  {name:9} {wording.count(of.median):>10}   80 % between {wording.count(of.low)} and {wording.count(of.high)}"
        for name, of in ranges.items()
        if of is not None
    ]
    return ["", f"What posts like this got ({found.population}):", *lines, *(f"  {note}" for note in found.notes)]


def _platforms(report: Report) -> list[str]:
    """What a platform doesn't accept or recommend; one line if all is fine. Sources are with the details."""
    lines = []
    for platform in dict.fromkeys(check.platform for check in report.platform_check):
        checks = [check for check in report.platform_check if check.platform == platform]
        wrong = [f"  {check.status.upper()}  {check.sentence}" for check in checks if check.status != "pass"]
        lines += wrong or [f"  PASS  {NAMES[platform]}: everything that was checked is fine."]
    missing = not_checked(report.signals, report.skipped)
    lines += [f"  {missing}"] if lines and missing else []
    return _section("Platform check (no points):", lines)


def _details(report: Report) -> list[str]:
    lines = ["", "Exact values:"]
    for signal in report.signals:
        place = "" if signal.percentile is None else f", above {signal.percentile:.0f} %"
        lines.append(f"  {wording.title(signal.name)}: {wording.exact(signal)}{place}")
        lines.append(f"    compared with {wording.compared_with(signal)}")
        if reason := str(wording.entry(signal.name).get("reason", "")):
            lines.append(f"    {reason}")
    sources = [
        f"  {NAMES[check.platform]}, {check.measure.replace('_', ' ')} ({check.date}): {check.source}"
        for check in report.platform_check
    ]
    return [*lines, *_section("Sources of the platforms' numbers:", sources)]


def _printable(name: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)
