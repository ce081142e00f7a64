"""What single pictures show: blur, noise, blocking, too dark, clipped, interlaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virality_core.scorers.findings.intervals import Stretch, stretches
from virality_core.scorers.measures import artefacts, exposure_and_colour
from virality_core.scorers.measures.letterbox import picture_box, to_common_size
from virality_core.types import Finding, FindingKind, Reel, Signal, Timeline

# The shares and steps of photos and clips in the reasons below are those of config/populations/findings.json, which
# `python -m recipes.populations.findings` writes.
_PHOTOS = "250 everyday web photos (the population of the sharpness signal)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    """One kind: which samples are at fault, why there, and how it is said."""

    kind: FindingKind
    unit: str
    threshold: float
    above: bool
    reason: str
    say: Callable[[float], str]
    fewest: int = 1  # stills in a row: one soft or dark picture may be meant, or be a fade


_BLUR = _Fault(
    kind="blur",
    unit="cycles per short side",
    threshold=30.0,
    above=False,
    reason=f"About 95 % of {_PHOTOS} are sharper; the clean phone clips at hand measure 40 to 60.",
    say=lambda value: f"The picture is soft: its edges resolve {value:.0f} cycles across the short side, 30 is little.",
    fewest=2,
)
_NOISE = _Fault(
    kind="noise",
    unit="8-bit levels",
    threshold=5.4,
    above=True,
    reason="ISO 12232: a signal-to-noise ratio of 10 at mid-tone is the least acceptable, 5.4 levels in sRGB.",
    say=lambda value: f"The picture is noisy: grain of {value:.1f} levels, more than the 5.4 that pass as acceptable.",
)
_DARK = _Fault(
    kind="dark",
    unit="L*",
    threshold=21.0,
    above=False,
    reason="Two stops under a metered exposure (ISO 2720: 12.8 % of white, L* 42).",
    say=lambda value: f"The picture is too dark: a mean lightness of {value:.0f} of 100, a metered one has 42 to 50.",
    fewest=2,
)
_BURNT = _Fault(
    kind="clipped",
    unit="share of the picture",
    threshold=0.2,
    above=True,
    reason=f"About 95 % of {_PHOTOS} have less of it burnt to white (all channels at 250 or more).",
    say=lambda value: f"Highlights are burnt out: {100 * value:.0f} % of the picture is white without detail.",
)
_CRUSHED = _Fault(
    kind="clipped",
    unit="share of the picture",
    threshold=0.35,
    above=True,
    reason=f"99 % of {_PHOTOS} have less of it crushed to black (all channels at 5 or less).",
    say=lambda value: f"Shadows are crushed: {100 * value:.0f} % of the picture is black without detail.",
    fewest=2,
)
_BLOCKING = _Fault(
    kind="blocking",
    unit="step over the grid / step inside it",
    threshold=1.3,
    above=True,
    reason=f"99 % of {_PHOTOS} are under 1.27, clean phone clips under 1.22; H.264 at CRF 48 has 1.3 to 1.6.",
    say=lambda value: f"Compression blocks show: steps on the coding grid are {value:.1f} times those beside it.",
    fewest=2,
)
_INTERLACED = _Fault(
    kind="interlaced",
    unit="share of pixels",
    threshold=0.04,
    above=True,
    reason=f"99 % of {_PHOTOS} are under it, clean phone clips under 0.01; platforms ask for progressive video "
    "(YouTube's recommended upload encoding settings, answer 1722171).",
    say=lambda value: f"The picture is interlaced: {100 * value:.0f} % of it shows comb teeth where something moves.",
    fewest=2,
)


def find(reel: Reel, signals: Mapping[str, Signal]) -> list[Finding]:
    """The findings in the stills. Blur, noise and darkness are read from the signals of `LookScorer`."""
    found: list[Finding] = []
    for name, fault in (("sharpness", _BLUR), ("noise", _NOISE), ("brightness", _DARK)):
        timeline = signals[name].timeline if name in signals else None
        if timeline is not None:
            found += _findings(fault, timeline.seconds, timeline.values, reel.info.duration_seconds)
    for fault, timeline in measured(reel):
        found += _findings(fault, timeline.seconds, timeline.values, reel.info.duration_seconds)
    return found


def measured(reel: Reel) -> list[tuple[_Fault, Timeline]]:
    """What `LookScorer` does not measure, for each still, black bars left out.

    Stills that were scaled have no coding grid and no fields left: those of very large reels show neither.
    """
    frames = reel.frames
    if len(frames) == 0:
        return []
    box = picture_box(frames.rgb)
    columns: list[list[float]] = [[], [], [], []]
    for still in frames.rgb:
        shadows, highlights = exposure_and_colour.clipped_shares(to_common_size(np.ascontiguousarray(box.cut(still))))
        luma = artefacts.middle_luma(still, box)
        blocks = artefacts.blocking(luma)
        values = (highlights, shadows, np.nan if blocks is None else blocks, artefacts.combing(luma))
        for column, value in zip(columns, values, strict=True):
            column.append(value)
    faults = (_BURNT, _CRUSHED, _BLOCKING, _INTERLACED)
    return [
        (fault, Timeline(seconds=frames.seconds[np.isfinite(column)], values=_finite(column)))
        for fault, column in zip(faults, columns, strict=True)
    ]


def _finite(column: list[float]) -> NDArray[np.float64]:
    values = np.array(column, dtype=np.float64)
    return values[np.isfinite(values)]


def _findings(
    fault: _Fault, seconds: NDArray[np.float64], values: NDArray[np.float64], duration: float
) -> list[Finding]:
    found = stretches(
        seconds,
        values,
        threshold=fault.threshold,
        above=fault.above,
        duration_seconds=duration,
        fewest=fault.fewest,
    )
    return [_finding(fault, stretch) for stretch in found]


def _finding(fault: _Fault, stretch: Stretch) -> Finding:
    return Finding(
        kind=fault.kind,
        start_seconds=stretch.start_seconds,
        end_seconds=stretch.end_seconds,
        worst_seconds=stretch.worst_seconds,
        value=stretch.worst,
        unit=fault.unit,
        threshold=fault.threshold,
        sentence=fault.say(stretch.worst),
        reason=fault.reason,
    )
