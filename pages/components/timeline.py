"""A measure over time with the reel's frames on the same axis; every frame's column can be clicked."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from io import BytesIO

import altair as alt
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pages.components import text
from virality_core.types import HOOK_SECONDS, FrameBatch, Report, Signal, Timeline

SELECTION = "moment"  # the name of the chart's click selection; it holds the frame's row as `frame`

_PLOT_HEIGHT = 190  # pixels
_GAP = 34  # between plot and frames
_STRIP_HEIGHT = 88
_FULL_HEIGHT = _PLOT_HEIGHT + _GAP + _STRIP_HEIGHT + 6
_PHONE_WIDTH = 560  # pixels of the chart: below, every second frame is left out of the strip
_STRIP_PLACES = 16  # at most so many frames in the strip
_CLOCK = "floor(datum.value / 60) + ':' + format(datum.value % 60, '02d')"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """The frames that can be clicked: `jpegs` (N) for the strip at `seconds` float64 (N,), and which make the strip."""

    seconds: NDArray[np.float64]
    jpegs: tuple[bytes, ...]
    in_strip: tuple[int, ...]
    aspect: float  # width ÷ height
    duration_seconds: float


def moments(report: Report) -> Moments | None:
    """The report's small stills made ready for the chart; None where it has none."""
    frames = report.thumbnails
    if frames is None or len(frames) == 0:
        return None
    height, width = frames.rgb.shape[1:3]
    duration = max(report.provenance.video.duration_seconds, float(frames.seconds[-1]), 0.1)
    return Moments(
        seconds=frames.seconds,
        jpegs=tuple(jpeg(frames, row, height=2 * _STRIP_HEIGHT) for row in range(len(frames))),
        in_strip=_spaced(frames.seconds, 0.85 * duration / _STRIP_PLACES),
        aspect=width / height,
        duration_seconds=duration,
    )


def jpeg(frames: FrameBatch, row: int, *, height: int | None = None) -> bytes:
    """One frame as JPEG, scaled down to `height` pixels where it is larger."""
    picture = Image.fromarray(frames.rgb[row])
    if height is not None and picture.height > height:
        picture = picture.resize((max(1, round(picture.width * height / picture.height)), height))
    out = BytesIO()
    picture.save(out, "JPEG", quality=82)
    return out.getvalue()


def curve(report: Report, name: str) -> Timeline | None:
    """A signal's timeline; the hook's denser marks are part of the aesthetic one, as both are the same measure."""
    signal = report.signal(name)
    if signal is None or signal.timeline is None or len(signal.timeline.seconds) == 0:
        return None
    hook = report.signal("hook")
    if name != "aesthetics" or hook is None or hook.timeline is None:
        return signal.timeline
    seconds = np.concatenate([signal.timeline.seconds, hook.timeline.seconds])
    values = np.concatenate([signal.timeline.values, hook.timeline.values])
    distinct, rows = np.unique(seconds, return_index=True)
    return Timeline(seconds=distinct, values=values[rows])


def chart(moments: Moments, signal: Signal, line: Timeline, selected: int, cover: float | None) -> alt.LayerChart:
    """The line of `signal` over the reel, the frames under it, the row `selected` marked, the `cover` time named."""
    across = alt.X(
        "second:Q",
        title=None,
        scale=alt.Scale(domain=[0, moments.duration_seconds], nice=False),
        axis=alt.Axis(grid=False, labelExpr=_CLOCK, tickCount=6, labelFlush=True, domain=False),
    )
    up = alt.Y(
        "value:Q",
        title=signal.unit,
        scale=alt.Scale(domain=_domain(signal, line), range=[_PLOT_HEIGHT, 0], nice=False),
        axis=alt.Axis(tickCount=4, domain=False, ticks=False, gridOpacity=0.5),
    )
    colour = alt.Color("kind:N", legend=None, scale=alt.Scale(domain=["measured", "chosen"]))
    points = [
        {"second": float(second), "value": float(value), "kind": "measured"}
        for second, value in zip(line.seconds, line.values, strict=True)
    ]
    base = alt.Chart(alt.Data(values=points)).encode(x=across, y=up, color=colour)
    layers = [
        _hook_shade(moments),
        base.mark_line(strokeWidth=2.5, interpolate="monotone"),
        base.mark_point(filled=True, size=42, opacity=1),
        _strip(moments, across),
        *_chosen(moments, line, selected, across, up, colour),
        *_cover(line, cover, across, up),
        _columns(moments, line, signal, across),
    ]
    return alt.layer(*layers).properties(height=_FULL_HEIGHT).configure_view(strokeWidth=0)


def _domain(signal: Signal, line: Timeline) -> list[float]:
    low, high = float(line.values.min()), float(line.values.max())
    middle = (low + high) / 2
    span = max(high - low, 0.25 * abs(middle), 1e-6)
    floor, ceiling = signal.native_range
    return [max(floor, middle - 0.65 * span), min(ceiling, middle + 0.65 * span)]


def _hook_shade(moments: Moments) -> alt.Chart:
    end = min(HOOK_SECONDS, moments.duration_seconds)
    return (
        alt.Chart(alt.Data(values=[{"second": 0.0, "end": end}]))
        .mark_rect(color="#8a8a7a", opacity=0.13)
        .encode(x="second:Q", x2="end:Q", y=alt.value(0), y2=alt.value(_PLOT_HEIGHT))
    )


def _strip(moments: Moments, across: alt.X) -> alt.Chart:
    rows = [
        {
            "second": float(moments.seconds[row]),
            "place": place,
            "picture": "data:image/jpeg;base64," + base64.b64encode(moments.jpegs[row]).decode(),
        }
        for place, row in enumerate(moments.in_strip)
    ]
    count = max(1, len(rows))
    widest = _STRIP_HEIGHT * moments.aspect
    room = f"0.95 * width / (width < {_PHONE_WIDTH} ? ceil({count} / 2) : {count})"
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_image(width=alt.ExprRef(f"min({widest:.1f}, {room})"), height=_STRIP_HEIGHT, aspect=True, baseline="top")
        .encode(
            x=across,
            y=alt.value(_PLOT_HEIGHT + _GAP),
            url="picture:N",
            opacity=alt.condition(f"width < {_PHONE_WIDTH} && datum.place % 2 == 1", alt.value(0), alt.value(1)),
        )
    )


def _chosen(
    moments: Moments, line: Timeline, selected: int, across: alt.X, up: alt.Y, colour: alt.Color
) -> list[alt.Chart]:
    second = float(moments.seconds[selected])
    data = alt.Data(values=[{"second": second, "value": _value_at(line, second), "kind": "chosen"}])
    base = alt.Chart(data).encode(x=across, color=colour)
    return [
        base.mark_rule(strokeWidth=2).encode(y=alt.value(0), y2=alt.value(_PLOT_HEIGHT + _GAP - 6)),
        base.mark_point(filled=True, size=150, opacity=1).encode(y=up),
    ]


def _cover(line: Timeline, cover: float | None, across: alt.X, up: alt.Y) -> list[alt.Chart]:
    if cover is None:
        return []
    data = alt.Data(values=[{"second": cover, "value": _value_at(line, cover), "label": "best cover"}])
    late = cover > (line.seconds[0] + line.seconds[-1]) / 2  # the label hangs on the side that has room for it
    return [
        alt.Chart(data)
        .mark_text(align="right" if late else "left", dx=-9 if late else 9, dy=-11, fontSize=12, fontWeight=600)
        .encode(x=across, y=up, text="label:N")
    ]


def _columns(moments: Moments, line: Timeline, signal: Signal, across: alt.X) -> alt.Chart:
    """Invisible full-height columns, one a frame, from midpoint to midpoint: what takes the click."""
    middles = (moments.seconds[1:] + moments.seconds[:-1]) / 2
    edges = [0.0, *middles.tolist(), moments.duration_seconds]
    rows = [
        {
            "second": edges[row],
            "end": edges[row + 1],
            "frame": row,
            "at": text.clock(second),
            "reads": f"{text.number(_value_at(line, second))} {signal.unit}",
        }
        for row, second in enumerate(moments.seconds.tolist())
    ]
    click = alt.selection_point(name=SELECTION, fields=["frame"], on="click", empty=False, toggle=False)
    hover = alt.selection_point(name="hover", fields=["frame"], on="pointerover", clear="pointerout", empty=False)
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_rect(color="#8a8a7a", cursor="pointer")
        .encode(
            x=across,
            x2="end:Q",
            y=alt.value(0),
            y2=alt.value(_FULL_HEIGHT),
            opacity=alt.condition(hover, alt.value(0.22), alt.value(0)),
            tooltip=[alt.Tooltip("at:N", title="Time"), alt.Tooltip("reads:N", title=text.title(signal.name))],
        )
        .add_params(click, hover)
    )


def _value_at(line: Timeline, second: float) -> float:
    return float(np.interp(second, line.seconds, line.values))


def _spaced(seconds: NDArray[np.float64], gap: float) -> tuple[int, ...]:
    """The rows to draw so that no two are closer than `gap` seconds."""
    kept: list[int] = []
    for row, second in enumerate(seconds.tolist()):
        if not kept or second - float(seconds[kept[-1]]) >= gap:
            kept.append(row)
    return tuple(kept)
