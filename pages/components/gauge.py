"""The score as a half ring with its bands, and the three largest costs in words: what a visitor reads first."""

from __future__ import annotations

import streamlit as st

from pages.components import text
from virality_core import reference
from virality_core.types import Contribution, Report

_COSTS_SHOWN = 3
_COST_WORTH_SAYING = 0.5  # points: less is no reason to change a reel


def hero(report: Report, name: str) -> None:
    """The gauge beside the verdict and the largest costs."""
    video = report.provenance.video
    facts = (
        f"{text.clock(video.duration_seconds)} · {video.width} × {video.height} · {text.megabytes(video.size_bytes)}"
    )
    st.html(
        f'<section class="rv-hero" aria-label="Result"><div>{_ring(report)}</div><div>'
        f'<p class="rv-file"><bdi>{text.safe(name)}</bdi> · {facts}</p>'
        f"<h1>{report.score:.0f} of 100: {text.safe(report.band)}</h1>"
        f'<p class="rv-meaning">{text.safe(reference.band_meaning(report.band))}</p>'
        f"{_costs(report)}</div></section>"
    )


def _ring(report: Report) -> str:
    bands = sorted(reference.table()["bands"], key=lambda band: float(band["from"]))
    notches = "".join(f'<u style="--at:{float(band["from"])}"></u>' for band in bands if float(band["from"]) > 0)
    names = "".join(
        f"<li{' aria-current=true' if band['name'] == report.band else ''}>"
        f"{text.safe(str(band['name']))} {float(band['from']):.0f}+</li>"
        for band in bands
    )
    label = f"Score {report.score:.1f} of 100, band {report.band}"
    return (
        f'<div class="rv-gauge" role="img" aria-label="{text.safe(label)}" style="--score:{report.score:.2f}">'
        f'<div class="rv-ring"><i class="rv-arc"></i>{notches}</div>'
        f'<div class="rv-number">{report.score:.0f}</div>'
        '<div class="rv-ends"><span>0</span><span>100</span></div></div>'
        f'<ul class="rv-bands" aria-label="Bands of the score">{names}</ul>'
    )


def _costs(report: Report) -> str:
    costly = [c for c in largest_costs(report) if cost(c) >= _COST_WORTH_SAYING]
    if not costly:
        return '<p class="rv-eyebrow">Nothing that was measured costs as much as half a point.</p>'
    items = "".join(_cost(report, contribution) for contribution in costly)
    return f'<p class="rv-eyebrow">What costs you most</p><ol class="rv-costs">{items}</ol>'


def _cost(report: Report, contribution: Contribution) -> str:
    signal = report.signal(contribution.signal)
    assert signal is not None
    return (
        f'<li><span class="rv-minus">−{cost(contribution):.1f}</span><div>'
        f"<b>{text.safe(text.title(signal.name))}</b><br>"
        f"<span>{text.safe(text.value(signal))}, {text.safe(text.standing(signal))}</span></div></li>"
    )


def largest_costs(report: Report) -> list[Contribution]:
    """The contributions that leave most points unwon, largest first."""
    return sorted(report.contributions, key=lambda contribution: -cost(contribution))[:_COSTS_SHOWN]


def cost(contribution: Contribution) -> float:
    """The points a signal left unwon."""
    return 100.0 * contribution.weight - contribution.points
