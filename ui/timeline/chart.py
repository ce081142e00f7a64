"""A signal over time with the reel's frames on the same axis; every frame can be clicked."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import numpy as np
from numpy.typing import NDArray

from ui import picture
from virality_core.report import wording
from virality_core.types import HOOK_SECONDS, Report, Signal, Timeline

# The theme's first three chart colors, so that line, mark and text follow light and dark.
_COLOR = alt.Color("kind:N", legend=None, scale=alt.Scale(domain=["measured", "chosen", "words"]))

SELECTION = "moment"  # the name of the chart's click selection; it holds the frame's row as `frame`

_PLOT_HEIGHT = 190  # pixels
_STRIP_TOP = 222  # the times are between plot and frames
_STRIP_HEIGHT = 88
_FULL_HEIGHT = _STRIP_TOP + _STRIP_HEIGHT + 4
_DESKTOP_WIDTH, _PHONE_WIDTH = 870, 290  # pixels of the plot at 1440 and 390 pixels of screen
_NARROW = "width < 560"
_NEUTRAL = "#8a8a7a"  # for shades, visible in both themes

_MOST_TICKS = 6
_TICK_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300)  # seconds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """The frames that can be clicked: `jpegs` (N,) for the strip, shown at `seconds` float64 (N,)."""

    seconds: NDArray[np.float64]
    jpegs: tuple[bytes, ...]
    aspect: float  # width ÷ height
    duration_seconds: float


def moments(report: Report) -> Moments | None:
    """The report's thumbnails, prepared for the chart; None if it has none."""
    frames = report.thumbnails
    if frames is None or len(frames) == 0:
        return None
    height, width = frames.rgb.shape[1:3]
    return Moments(
        seconds=frames.seconds,
        jpegs=tuple(picture.jpeg(frames, row, height=2 * _STRIP_HEIGHT) for row in range(len(frames))),
        aspect=width / height,
        duration_seconds=axis_end(report),
    )


def axis_end(report: Report) -> float:
    """The end of the time axis in seconds."""
    frames, duration = report.thumbnails, report.provenance.video.duration_seconds
    return duration if frames is None or len(frames) == 0 else max(duration, float(frames.seconds[-1]), 0.1)


def curve(report: Report, name: str) -> Timeline | None:
    """A signal's timeline in the unit of `wording.axis`; with aesthetics, the denser ratings of the hook."""
    signal = report.signal(name)
    if signal is None or signal.timeline is None or len(signal.timeline.seconds) == 0:
        return None
    hook = report.signal("hook")
    if name != "aesthetics" or hook is None or hook.timeline is None:
        return Timeline(seconds=signal.timeline.seconds, values=wording.scale(name) * signal.timeline.values)
    seconds = np.concatenate([signal.timeline.seconds, hook.timeline.seconds])
    values = np.concatenate([signal.timeline.values, hook.timeline.values])
    distinct, rows = np.unique(seconds, return_index=True)
    return Timeline(seconds=distinct, values=values[rows])


def cover_seconds(report: Report) -> float | None:
    """When the best cover frame is shown; None if looks were not rated."""
    signal = report.signal("aesthetics")
    return None if signal is None else getattr(signal.details, "cover_seconds", None)


def chart(moments: Moments, signal: Signal, line: Timeline, selected: int, cover: float | None) -> alt.LayerChart:
    """The line of `signal`, the frames under it, a mark at the row `selected` and one at the `cover` time."""
    across = alt.X(
        "second:Q",
        title=None,
        scale=alt.Scale(domain=[0, moments.duration_seconds], nice=False),
        # The times are marks: an axis would take room from what is below the plot.
        axis=alt.Axis(labels=False, ticks=False, domain=False, grid=False),
    )
    up = alt.Y(
        "value:Q",
        title=wording.axis(signal),
        scale=alt.Scale(domain=_domain(signal, line), range=[_PLOT_HEIGHT, 0], nice=False),
        axis=alt.Axis(tickCount=4, domain=False, ticks=False, gridOpacity=0.5),
    )
    measured = alt.Chart(alt.Data(values=_rows(line))).encode(x=across, y=up, color=_COLOR)
    drawn = alt.Chart(alt.Data(values=_rows(_to_the_ends(line, moments.duration_seconds))))
    layers = [
        *_hook_shade(moments, across),
        drawn.mark_line(strokeWidth=2.5, interpolate="step-after" if _steps(signal) else "linear").encode(
            x=across, y=up, color=_COLOR
        ),
        measured.mark_point(filled=True, size=42, opacity=1),
        _times(moments, across),
        *_strip(moments, across),
        *_chosen(moments, signal, line, selected, across, up),
        *_cover(signal, line, cover, across, up),
        _columns(moments, line, signal, across),
    ]
    padding = {"left": 4, "right": 30, "top": 4, "bottom": 4}
    return alt.layer(*layers).properties(height=_FULL_HEIGHT + 8, padding=padding).configure_view(strokeWidth=0)


def _domain(signal: Signal, line: Timeline) -> list[float]:
    low, high = float(line.values.min()), float(line.values.max())
    middle = (low + high) / 2
    span = max(high - low, 0.25 * abs(middle), 1e-6)
    floor, ceiling = (wording.scale(signal.name) * end for end in signal.native_range)
    return [max(floor, middle - 0.65 * span), min(ceiling, middle + 0.65 * span)]


def _rows(line: Timeline) -> list[dict[str, object]]:
    return [
        {"second": float(second), "value": float(value), "kind": "measured"}
        for second, value in zip(line.seconds, line.values, strict=True)
    ]


def _steps(signal: Signal) -> bool:
    """Whether a value holds until the next one, as a shot's length does."""
    return signal.name == "pace"


def _to_the_ends(line: Timeline, duration_seconds: float) -> Timeline:
    """The line with its first and last value held to the reel's ends, so that every frame's mark is on it."""
    seconds = np.concatenate([[0.0], line.seconds, [max(duration_seconds, float(line.seconds[-1]))]])
    return Timeline(seconds=seconds, values=np.concatenate([line.values[:1], line.values, line.values[-1:]]))


def _hook_shade(moments: Moments, across: alt.X) -> list[alt.Chart]:
    end = min(HOOK_SECONDS, moments.duration_seconds)
    base = alt.Chart(alt.Data(values=[{"second": 0.0, "end": end, "label": "hook", "kind": "words"}]))
    return [
        base.mark_rect(color=_NEUTRAL, opacity=0.13).encode(
            x=across, x2="end:Q", y=alt.value(0), y2=alt.value(_PLOT_HEIGHT)
        ),
        base.mark_text(align="left", baseline="bottom", dx=6).encode(
            x=across, y=alt.value(_PLOT_HEIGHT - 6), text="label:N", color=_COLOR
        ),
    ]


def _times(moments: Moments, across: alt.X) -> alt.Chart:
    step = next((s for s in _TICK_STEPS if moments.duration_seconds / s <= _MOST_TICKS), _TICK_STEPS[-1])
    ticks = np.arange(0.0, moments.duration_seconds + 1e-9, step).tolist()
    rows = [{"second": at, "label": wording.clock(at).removesuffix(".0"), "kind": "words"} for at in ticks]
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_text(baseline="top")
        .encode(x=across, y=alt.value(_PLOT_HEIGHT + 9), text="label:N", color=_COLOR)
    )


def _strip(moments: Moments, across: alt.X) -> list[alt.Chart]:
    """The frames at their times, only as many as fit without overlap: one set for wide screens, one for phones."""
    widest = _STRIP_HEIGHT * moments.aspect
    charts = []
    for plot_width, shown in ((_DESKTOP_WIDTH, f"!({_NARROW})"), (_PHONE_WIDTH, _NARROW)):
        gap = min(1.04 * widest / plot_width, 1 / 3)  # share of the width
        rows = [
            {
                "second": float(moments.seconds[row]),
                "picture": picture.data_url(moments.jpegs[row]),
            }
            for row in _spaced(moments.seconds, gap * moments.duration_seconds)
        ]
        charts.append(
            alt.Chart(alt.Data(values=rows))
            .mark_image(
                width=alt.ExprRef(f"min({widest:.1f}, {0.97 * gap:.4f} * width)"),
                height=_STRIP_HEIGHT,
                aspect=True,
                baseline="top",
            )
            .encode(
                x=across,
                y=alt.value(_STRIP_TOP),
                url="picture:N",
                opacity=alt.condition(shown, alt.value(1), alt.value(0)),
            )
        )
    return charts


def _chosen(
    moments: Moments, signal: Signal, line: Timeline, selected: int, across: alt.X, up: alt.Y
) -> list[alt.Chart]:
    second = float(moments.seconds[selected])
    data = alt.Data(values=[{"second": second, "value": _value_at(signal, line, second), "kind": "chosen"}])
    base = alt.Chart(data).encode(x=across, color=_COLOR)
    return [
        base.mark_rule(strokeWidth=2).encode(y=alt.value(0), y2=alt.value(_STRIP_TOP - 24)),
        base.mark_point(filled=True, size=150, opacity=1).encode(y=up),
    ]


def _cover(signal: Signal, line: Timeline, cover: float | None, across: alt.X, up: alt.Y) -> list[alt.Chart]:
    if cover is None:
        return []
    height = _value_at(signal, line, cover)
    data = alt.Data(values=[{"second": cover, "value": height, "label": "best cover", "kind": "words"}])
    late = cover > (line.seconds[0] + line.seconds[-1]) / 2  # the label goes on the side that has room
    return [
        alt.Chart(data)
        .mark_text(align="right" if late else "left", dx=-9 if late else 9, dy=-11, fontSize=12, fontWeight=600)
        .encode(x=across, y=up, text="label:N", color=_COLOR)
    ]


def _columns(moments: Moments, line: Timeline, signal: Signal, across: alt.X) -> alt.Chart:
    """Invisible full-height columns to click, one per frame, from midpoint to midpoint."""
    middles = (moments.seconds[1:] + moments.seconds[:-1]) / 2
    edges = [0.0, *middles.tolist(), moments.duration_seconds]
    rows = [
        {
            "second": edges[row],
            "end": edges[row + 1],
            "frame": row,
            "time": wording.clock(second),
            "value": f"{wording.number(_value_at(signal, line, second))} ({wording.axis(signal)})",
        }
        for row, second in enumerate(moments.seconds.tolist())
    ]
    click = alt.selection_point(name=SELECTION, fields=["frame"], on="click", empty=False, toggle=False)
    hover = alt.selection_point(name="hover", fields=["frame"], on="pointerover", clear="pointerout", empty=False)
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_rect(color=_NEUTRAL, cursor="pointer")
        .encode(
            x=across,
            x2="end:Q",
            y=alt.value(0),
            y2=alt.value(_FULL_HEIGHT),
            opacity=alt.condition(hover, alt.value(0.22), alt.value(0)),
            tooltip=[alt.Tooltip("time:N", title="Time"), alt.Tooltip("value:N", title=wording.title(signal.name))],
        )
        .add_params(click, hover)
    )


def _value_at(signal: Signal, line: Timeline, second: float) -> float:
    """The height of the drawn line."""
    if _steps(signal):
        row = int(np.searchsorted(line.seconds, second, side="right")) - 1
        return float(line.values[max(0, row)])
    return float(np.interp(second, line.seconds, line.values))


def _spaced(seconds: NDArray[np.float64], gap: float) -> tuple[int, ...]:
    """The rows to draw so that no two are closer than `gap` seconds."""
    kept: list[int] = []
    for row, second in enumerate(seconds.tolist()):
        if not kept or second - float(seconds[kept[-1]]) >= gap:
            kept.append(row)
    return tuple(kept)
