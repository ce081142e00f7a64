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
    """`report.to_dict()` as JSON text in ASCII, so that lone surrogates of a caption can't break a terminal or file."""
    return json.dumps(report.to_dict(), indent=indent, allow_nan=False)


def report_text(report: Report, name: str, *, details: bool = False) -> str:
    """The report for a terminal: the score, what each signal added and cost, what was skipped, what ran.

    With `details`, each signal's exact value, what it was compared with, and why it counts.
    """
    lines = [
        _printable(name),
        f"Score {report.score:.1f} of 100: {report.band}. {signals.band_meaning(report.band)}",
        *(f"Note: {note}" for note in report.notes),
        f"Covers {100 * report.coverage:.0f} % of what this score weighs.",
        *_doubt(report),
        "",
        *_points(report),
        *_costs(report),
        *_faults(report),
        *_advice(report),
        *_without_weight(report),
        *_not_measured(report),
        *_engagement(report),
        *_platforms(report),
    ]
    if details:
        lines += _details(report)
    ran = report.provenance
    lines += ["", f"Ran {ran.ran} weights on {ran.device} in {report.timings['total']:.1f} s (virality {ran.version})."]
    return "\n".join(lines)


def _doubt(report: Report) -> list[str]:
    doubt = report.uncertainty
    if doubt is None:
        return []
    return [f"With other weights and other frames: {doubt.low:.0f} to {doubt.high:.0f} in four of five draws."]


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
        clause = wording.to_do(signal) or wording.says(signal)
        lines.append(f"  {f'−{wording.cost(contribution):.1f}':>5}  {wording.title(signal.name)}: {clause}")
    return ["", "What costs you most:", *lines] if lines else []


def _faults(report: Report) -> list[str]:
    lines = [
        f"  {wording.clock(finding.start_seconds)}–{wording.clock(finding.end_seconds)}  {finding.sentence}"
        for finding in report.findings
    ]
    return ["", "Technical faults (no points; what they cost is in the signals above):", *lines] if lines else []


def _advice(report: Report) -> list[str]:
    """What was tried on the reel and won points, with the score before and after."""
    lines = [
        f"  {advice.points:+5.1f}  {advice.text} ({advice.before:.1f} to {advice.after:.1f})"
        if advice.points
        else f"{'':7}  {advice.text}"
        for advice in report.advice
    ]
    return ["", "What would help (each tried on this reel and scored):", *lines] if lines else []


def _without_weight(report: Report) -> list[str]:
    """Signals that add and cost nothing: with their value, or why there is none."""
    counted = {contribution.signal for contribution in report.contributions}  # by fitted weights too
    lines = [
        f"  {wording.title(signal.name)}: {wording.says(signal)}"
        for signal in report.signals
        if signal.name not in counted
    ]
    lines += [
        f"  {wording.title(skip.name)}: {skip.reason}" for skip in report.skipped if not wording.weighs(skip.name)
    ]
    return ["", "Without weight in the score:", *lines] if lines else []


def _not_measured(report: Report) -> list[str]:
    lines = [f"  {wording.title(skip.name)}: {skip.reason}" for skip in report.skipped if wording.weighs(skip.name)]
    return ["", "Not measured (the weight was shared out among the rest):", *lines] if lines else []


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
    return ["", f"What posts like it got ({found.population}):", *lines, *(f"  {note}" for note in found.notes)]


def _platforms(report: Report) -> list[str]:
    """What is not as a platform asks; a platform where all is gets one line. Sources are with the details."""
    lines = []
    for platform in dict.fromkeys(check.platform for check in report.platform_check):
        checks = [check for check in report.platform_check if check.platform == platform]
        wrong = [f"  {check.status.upper()}  {check.sentence}" for check in checks if check.status != "pass"]
        lines += wrong or [f"  PASS  {NAMES[platform]}: everything that was checked is as it asks."]
    missing = not_checked(report.signals, report.skipped)
    lines += [f"  {missing}"] if lines and missing else []
    return ["", "Platform check (no points):", *lines] if lines else []


def _details(report: Report) -> list[str]:
    lines = ["", "Exact values:"]
    for signal in report.signals:
        place = "" if signal.percentile is None else f", above {signal.percentile:.0f} %"
        lines.append(f"  {wording.title(signal.name)}: {wording.exact(signal)}{place}")
        lines.append(f"    compared with {wording.compared_with(signal)}")
        lines += [f"    {reason}" for reason in [str(wording.entry(signal.name).get("reason", ""))] if reason]
    lines += ["", "Where the platforms' numbers are from:"] if report.platform_check else []
    lines += [
        f"  {NAMES[check.platform]}, {check.measure.replace('_', ' ')} ({check.date}): {check.source}"
        for check in report.platform_check
    ]
    return lines


def _printable(name: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)
