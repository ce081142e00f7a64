"""Technical quality over time with what is wrong marked on it; a click shows the fault beside a good frame."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import streamlit as st

from ui import picture
from ui.styles import heading
from ui.timeline import chart as timeline
from virality_core.report import wording
from virality_core.types import Finding, FindingKind, FrameBatch, Report, Signal

LABELS: dict[FindingKind, str] = {
    "aspect": "Wrong shape",
    "bars": "Black bars",
    "bit_rate": "Low bit rate",
    "blocking": "Blocks",
    "blur": "Blur",
    "clipped": "Burnt or crushed",
    "dark": "Too dark",
    "dropped": "Missing frames",
    "frozen": "Frozen",
    "interlaced": "Interlaced",
    "low_resolution": "Low resolution",
    "noise": "Noise",
    "shake": "Shake",
    "upscaled": "Little detail",
}
SELECTION = "finding"  # the name of the chart's click selection; it holds the finding's place as `row`

_CHART, _CHOICE = "quality_chart", "quality_finding"
_PLOT_HEIGHT, _LANE_HEIGHT = 120, 26  # pixels
_BELOW = 30  # pixels of the time axis' labels and the padding, which the page counts as part of the height
_CLOCK = "floor(datum.value / 60) + ':' + pad(floor(datum.value % 60), 2, '0', 'left')"
# The theme's first three chart colours, as in the other timeline.
_KINDS = alt.Scale(domain=["measured", "chosen", "words"])
_COLOUR = alt.Color("kind:N", legend=None, scale=_KINDS)
_OUTLINE = alt.Stroke("kind:N", legend=None, scale=_KINDS)


def forget() -> None:
    """The next reel begins with its own first finding."""
    st.session_state.pop(_CHOICE, None)


@st.fragment
def show(report: Report) -> None:
    """The section; without a quality model the findings stand alone, and why there is no line is said."""
    findings = report.findings
    heading("Technical quality", "How good the picture is over the reel, and what is wrong where.")
    signal = report.signal("quality")
    for skipped in report.skipped:
        if skipped.name == "quality":
            st.caption(f"No quality curve: {_plain(skipped.reason)}")
    selected = _selected(findings)
    if findings:
        st.altair_chart(
            chart(report, selected),
            width="stretch",
            key=_CHART,
            on_select=_picked_on_chart,
            selection_mode=SELECTION,
            alt=_in_words(signal, findings),
        )
    elif signal is not None:
        st.altair_chart(chart(report, selected), width="stretch", alt=_in_words(signal, findings))
    if not findings:
        st.write("No technical fault was found.")
        return
    st.selectbox(
        "What is wrong",
        list(range(len(findings))),
        format_func=lambda row: f"{LABELS[findings[row].kind]}, {span(findings[row])}",
        key=_CHOICE,
    )
    _finding(report, findings[selected])


def chart(report: Report, selected: int) -> alt.LayerChart:
    """The quality line over the reel and, under it, a bar for each finding, one lane a kind, on one time axis."""
    duration = duration_seconds(report)
    across = alt.X(
        "second:Q",
        title=None,
        scale=alt.Scale(domain=[0, duration], nice=False),
        axis=alt.Axis(labelExpr=_CLOCK, tickCount=6, domain=False, ticks=False, grid=False),
    )
    signal = report.signal("quality")
    top = _PLOT_HEIGHT if signal is not None and signal.timeline is not None else 0
    kinds = list(dict.fromkeys(finding.kind for finding in report.findings))
    layers = [*_line(signal, across), *_lanes(report.findings, kinds, selected, across, top)]
    height = top + _LANE_HEIGHT * len(kinds) + _BELOW
    padding = {"left": 4, "right": 30, "top": 4, "bottom": 4}
    drawn = alt.layer(*layers).resolve_scale(y="independent").properties(height=height, padding=padding)
    return drawn.configure_view(strokeWidth=0)


def good_row(frames: FrameBatch, findings: Sequence[Finding], shown: Finding) -> int | None:
    """The frame nearest to the fault that is free of any fault of its kind; None where it is there all along."""
    clear = [
        row
        for row, second in enumerate(frames.seconds.tolist())
        if not any(f.kind == shown.kind and f.start_seconds <= second <= f.end_seconds for f in findings)
    ]
    return min(clear, key=lambda row: abs(float(frames.seconds[row]) - moment(shown)), default=None)


def moment(finding: Finding) -> float:
    """When the fault is best seen: where it is worst, else the middle of its stretch."""
    if finding.worst_seconds is not None:
        return finding.worst_seconds
    return (finding.start_seconds + finding.end_seconds) / 2


def span(finding: Finding) -> str:
    """When a finding is: “all along”, or from and to."""
    if finding.worst_seconds is None and finding.start_seconds == 0.0:
        return "all along"
    return f"{wording.clock(finding.start_seconds)} to {wording.clock(finding.end_seconds)}"


def duration_seconds(report: Report) -> float:
    """Where the time axis ends, as in the timeline above."""
    moments = timeline.moments(report)
    return report.provenance.video.duration_seconds if moments is None else moments.duration_seconds


def _finding(report: Report, finding: Finding) -> None:
    st.write(_plain(finding.sentence))
    st.caption(f"Why this limit: {_plain(finding.reason)}")
    frames = report.thumbnails
    if frames is None or len(frames) == 0:
        return
    bad, good = timeline.nearest(frames.seconds, moment(finding)), good_row(frames, report.findings, finding)
    left, right, _ = st.columns([2, 2, 3], gap="small")
    _picture(left, frames, bad, "Here it shows")
    if good is None:
        right.caption("It is there all along: the reel has no frame without it to compare with.")
    else:
        _picture(right, frames, good, "Without it")


def _picture(place: st.delta_generator.DeltaGenerator, frames: FrameBatch, row: int, label: str) -> None:
    at = wording.clock(float(frames.seconds[row]))
    with place:
        picture.show(frames, row, at)
        st.caption(f"{label}: {at}")


def _line(signal: Signal | None, across: alt.X) -> list[alt.Chart]:
    if signal is None or signal.timeline is None:
        return []
    rows = [
        {"second": float(second), "value": float(value), "kind": "measured"}
        for second, value in zip(signal.timeline.seconds, signal.timeline.values, strict=True)
    ]
    low, high = (float(end) for end in (signal.timeline.values.min(), signal.timeline.values.max()))
    room = max(0.1 * (high - low), 0.02 * (signal.native_range[1] - signal.native_range[0]))
    up = alt.Y(
        "value:Q",
        title="quality",
        scale=alt.Scale(domain=[low - room, high + room], range=[_PLOT_HEIGHT - 6, 0], nice=False),
        axis=alt.Axis(tickCount=4, domain=False, ticks=False, gridOpacity=0.5),
    )
    points = alt.OverlayMarkDef(filled=True, size=42, opacity=1)  # one layer: two would have an axis each
    line = alt.Chart(alt.Data(values=rows)).mark_line(strokeWidth=2.5, point=points)
    return [line.encode(x=across, y=up, color=_COLOUR)]


def _lanes(
    findings: Sequence[Finding], kinds: Sequence[FindingKind], selected: int, across: alt.X, top: int
) -> list[alt.Chart]:
    if not findings:
        return []
    rows = [
        {
            "second": finding.start_seconds,
            "end": finding.end_seconds,
            "row": row,
            "top": top + _LANE_HEIGHT * kinds.index(finding.kind) + 3,
            "bottom": top + _LANE_HEIGHT * (kinds.index(finding.kind) + 1) - 3,
            "label": LABELS[finding.kind],
            "when": span(finding),
            "says": finding.sentence,
            "kind": "chosen" if row == selected else "measured",
        }
        for row, finding in enumerate(findings)
    ]
    click = alt.selection_point(name=SELECTION, fields=["row"], on="click", empty=False, toggle=False)
    whole = alt.Scale(domain=[0, 1], range=[0, 1])  # the lanes' places are pixels already
    bars = (
        alt.Chart(alt.Data(values=rows))
        .mark_rect(cornerRadius=3, cursor="pointer", fillOpacity=0.18)  # pale: the lane's name is read on it
        .encode(
            x=across,
            x2="end:Q",
            y=alt.Y("top:Q", scale=whole, axis=None),
            y2="bottom:Q",
            color=_COLOUR,
            stroke=_OUTLINE,
            tooltip=[
                alt.Tooltip("label:N", title="Finding"),
                alt.Tooltip("when:N", title="When"),
                alt.Tooltip("says:N", title="What"),
            ],
        )
        .add_params(click)
    )
    names = [
        {"top": top + _LANE_HEIGHT * place + _LANE_HEIGHT / 2, "label": LABELS[kind], "kind": "words"}
        for place, kind in enumerate(kinds)
    ]
    labels = (
        alt.Chart(alt.Data(values=names))
        .mark_text(align="left", baseline="middle", dx=6)
        .encode(x=alt.value(0), y=alt.Y("top:Q", scale=whole, axis=None), text="label:N", color=_COLOUR)
    )
    return [bars, labels]


def _selected(findings: Sequence[Finding]) -> int:
    return min(int(st.session_state.get(_CHOICE, 0) or 0), max(0, len(findings) - 1))


def _picked_on_chart() -> None:
    picked = st.session_state[_CHART]["selection"].get(SELECTION, [])
    if picked:
        st.session_state[_CHOICE] = int(picked[0]["row"])


def _in_words(signal: Signal | None, findings: Sequence[Finding]) -> str:
    said = [f"{LABELS[finding.kind]}, {span(finding)}" for finding in findings]
    curve = "" if signal is None or signal.timeline is None else "Quality over time. "
    return curve + ("Findings: " + "; ".join(said) + "." if said else "No findings.")


def _plain(sentence: str) -> str:
    """The sentence without anything that Markdown would take for markup (a file's name may be in it)."""
    return "".join("\\" + character if character in "\\`*_{}[]()<>#+-!|$~:" else character for character in sentence)
