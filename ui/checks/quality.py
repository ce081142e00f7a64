"""Technical quality over time with the problems marked; a click shows a problem next to a good frame."""

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
    "blocking": "Blocky picture",
    "blur": "Blur",
    "clipped": "Blown-out or crushed",
    "dark": "Too dark",
    "dropped": "Missing frames",
    "frozen": "Frozen picture",
    "interlaced": "Interlaced",
    "low_resolution": "Low resolution",
    "noise": "Noise",
    "shake": "Camera shake",
    "upscaled": "Little detail",
}
SELECTION = "finding"  # the name of the chart's click selection; it holds the finding's row as `row`

CHOICE = "quality_finding"  # the key of the chosen finding's row in the session's state

_CHART = "quality_chart"
_PLOT_HEIGHT, _LANE_HEIGHT = 120, 26  # pixels
_BELOW = 30  # pixels of the time axis' labels and the padding, which count as part of the height
_CLOCK = "floor(datum.value / 60) + ':' + pad(floor(datum.value % 60), 2, '0', 'left')"
# The theme's first three chart colors, as in the other timeline.
_KINDS = alt.Scale(domain=["measured", "chosen", "words"])
_COLOR = alt.Color("kind:N", legend=None, scale=_KINDS)
_OUTLINE = alt.Stroke("kind:N", legend=None, scale=_KINDS)


@st.fragment
def show(report: Report) -> None:
    """The section. Without a quality model there is no line, and a note says why."""
    findings = report.findings
    heading("Technical quality", "How good the picture is throughout the reel, and where the problems are.")
    signal = report.signal("quality")
    for skipped in report.skipped:
        if skipped.name == "quality":
            st.caption(f"No quality curve: {_escape_markdown(skipped.reason)}")
    selected = min(int(st.session_state.get(CHOICE, 0) or 0), max(0, len(findings) - 1))
    if not findings:
        if signal is not None:
            st.altair_chart(chart(report, selected), width="stretch", alt=_alternative_text(signal, findings))
        st.write("We found no technical problems.")
        return
    st.altair_chart(
        chart(report, selected),
        width="stretch",
        key=_CHART,
        on_select=_chart_clicked,
        selection_mode=SELECTION,
        alt=_alternative_text(signal, findings),
    )
    st.selectbox(
        "Problem",
        list(range(len(findings))),
        format_func=lambda row: f"{LABELS[findings[row].kind]}, {span(findings[row])}",
        key=CHOICE,
    )
    _finding(report, findings[selected])


def chart(report: Report, selected: int) -> alt.LayerChart:
    """The quality line over the reel and, under it, a bar for each finding, one lane per kind, on one time axis."""
    duration = timeline.axis_end(report)
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
    """The nearest frame without a fault of this kind; None if there is none."""
    clear = [
        row
        for row, second in enumerate(frames.seconds.tolist())
        if not any(f.kind == shown.kind and f.start_seconds <= second <= f.end_seconds for f in findings)
    ]
    return min(clear, key=lambda row: abs(float(frames.seconds[row]) - moment(shown)), default=None)


def moment(finding: Finding) -> float:
    """When the fault shows best: where it is worst, else the middle."""
    if finding.worst_seconds is not None:
        return finding.worst_seconds
    return (finding.start_seconds + finding.end_seconds) / 2


def span(finding: Finding) -> str:
    """When a finding is: “throughout”, or from and to."""
    if finding.worst_seconds is None and finding.start_seconds == 0.0:
        return "throughout"
    return f"{wording.clock(finding.start_seconds)} to {wording.clock(finding.end_seconds)}"


def _finding(report: Report, finding: Finding) -> None:
    st.write(_escape_markdown(finding.sentence))
    st.caption(f"Why this limit: {_escape_markdown(finding.reason)}")
    frames = report.thumbnails
    if frames is None or len(frames) == 0:
        return
    bad, good = picture.nearest(frames.seconds, moment(finding)), good_row(frames, report.findings, finding)
    left, right, _ = st.columns([2, 2, 3], gap="small")
    _picture(left, frames, bad, "With the problem")
    if good is None:
        right.caption("The whole reel has this problem, so there is no frame to compare with.")
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
    return [line.encode(x=across, y=up, color=_COLOR)]


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
            "sentence": finding.sentence,
            "kind": "chosen" if row == selected else "measured",
        }
        for row, finding in enumerate(findings)
    ]
    click = alt.selection_point(name=SELECTION, fields=["row"], on="click", empty=False, toggle=False)
    whole = alt.Scale(domain=[0, 1], range=[0, 1])  # the lanes are in pixels already
    bars = (
        alt.Chart(alt.Data(values=rows))
        .mark_rect(cornerRadius=3, cursor="pointer", fillOpacity=0.18)  # pale, because the lane's name is on it
        .encode(
            x=across,
            x2="end:Q",
            y=alt.Y("top:Q", scale=whole, axis=None),
            y2="bottom:Q",
            color=_COLOR,
            stroke=_OUTLINE,
            tooltip=[
                alt.Tooltip("label:N", title="Problem"),
                alt.Tooltip("when:N", title="When"),
                alt.Tooltip("sentence:N", title="Details"),
            ],
        )
        .add_params(click)
    )
    names = [
        {"top": top + _LANE_HEIGHT * (lane + 0.5), "label": LABELS[kind], "kind": "words"}
        for lane, kind in enumerate(kinds)
    ]
    labels = (
        alt.Chart(alt.Data(values=names))
        .mark_text(align="left", baseline="middle", dx=6)
        .encode(x=alt.value(0), y=alt.Y("top:Q", scale=whole, axis=None), text="label:N", color=_COLOR)
    )
    return [bars, labels]


def _chart_clicked() -> None:
    if clicked := st.session_state[_CHART]["selection"].get(SELECTION, []):
        st.session_state[CHOICE] = int(clicked[0]["row"])


def _alternative_text(signal: Signal | None, findings: Sequence[Finding]) -> str:
    curve = "" if signal is None or signal.timeline is None else "Quality over time. "
    problems = [f"{LABELS[finding.kind]}, {span(finding)}" for finding in findings]
    return curve + (f"Problems: {'; '.join(problems)}." if problems else "No problems.")


def _escape_markdown(sentence: str) -> str:
    """The sentence without markup: a file's name may be in it."""
    return "".join("\\" + character if character in "\\`*_{}[]()<>#+-!|$~:" else character for character in sentence)
