"""What is worth trying on a reel: a kind is a candidate only where its fault was measured.

The limits lie where a signal is clearly off its target in signals.toml or at the low end of its population, so that a
reel without the fault is not “mended”: sharpening, for one, would raise the sharpness of any reel. What is tried is not
always confirmed: NIMA and colourfulness mark a tinted picture higher than the mended one, so mending a tint often wins
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from virality_core.advice import change as edits
from virality_core.advice.caption_changes import caption_changes
from virality_core.advice.change import Change
from virality_core.types import AdviceKind, Report, Signal

_SAMPLES = 8  # thumbnails that an edit's strength is found on
_METERED = {True: (47.0, 39.0), False: (47.0, 55.0)}  # L*, by too dark: the middle of the brightness target, its edge
_DARK, _BRIGHT = 30.0, 66.0  # a stop off the target: nearer to it, brightness is a choice
_FLAT_PERCENTILE, _MEDIAN_CONTRAST = 12.0, 24.0  # of the population of photos; its median in L*
_CAST = 12.0  # degrees: where the score begins to count it
_GENTLY = 0.6  # of a tint: a little of one can be meant
_SOFT_PERCENTILE = 25.0
_GRAINY = 2.0  # 8-bit levels: the target is 1.34; under this nothing is seen
_GRAIN_AVERAGED = 360  # pixels: in the small grey frames of a reel twice their size grain is averaged already
_SMOOTHED = {"strong": 1.2, "gentle": 0.7}  # gentler where strong noise has left little
_QUIET, _LOUD, _WANTED = -18.0, -14.0, -16.0  # LUFS
_SILENT_START = 0.4  # seconds
_LONGEST_SHIFT = 3.0  # seconds that a sound may come earlier, the hook's length; never where somebody speaks
_SHORTEST_LEFT = 4.0  # seconds of reel that must be left after a later start
_BAR_EDGE = 0.002  # of the side: as near as a bar's edge is known
_UPRIGHT, _WIDE = 9 / 16, 0.6  # width over height; a little wider than upright is not cut
_SHAKE_TIMES = 3.0  # the window reaches three root mean squares of the shake; a normal one leaves it 1 frame in 400
_NARROWEST, _WIDEST = 0.02, 0.10  # share of each side: what a tenth costs is most of what is left to see of a face


def candidates(report: Report) -> list[Change]:
    """Every change worth trying, most promising first. Reads the report alone: its signals, findings and thumbnails."""
    found = [
        *_tones(report),
        *_detail(report),
        *_frame(report),
        *_shake(report),
        *_sound(report),
        *_start(report),
        *caption_changes(report),
    ]
    return sorted(found, key=lambda change: -change.promise)


def unwon(report: Report, *names: str) -> float:
    """The points that these signals have left unwon together."""
    return sum(100.0 * item.weight - item.points for item in report.contributions if item.signal in names)


def _change(report: Report, kind: AdviceKind, text: str, promise: float, **what: object) -> Change:
    length = report.provenance.video.duration_seconds
    return Change(kind=kind, start=0.0, end=length, text=text, promise=promise, **what)  # type: ignore[arg-type]


def _tones(report: Report) -> Iterator[Change]:
    if report.thumbnails is None or not len(report.thumbnails):
        return
    picked = report.thumbnails.rgb[:: max(1, len(report.thumbnails) // _SAMPLES)]
    small = picked[:, ::3, ::3]
    brightness, contrast = report.signal("brightness"), report.signal("contrast")
    promise = unwon(report, "brightness", "aesthetics", "hook")
    if brightness is not None and not _DARK <= brightness.value <= _BRIGHT:
        dark = brightness.value < _DARK
        what, do = ("dark", "lift") if dark else ("bright", "lower")
        for power in dict.fromkeys(_gamma_for(small, wanted) for wanted in _METERED[dark]):
            text = f"Too {what}: {do} the exposure (gamma {1 / power:.2f})."
            yield _change(report, "exposure", text, promise + 20.0, edit=edits.gamma(power))
    if contrast is not None and contrast.percentile is not None and contrast.percentile < _FLAT_PERCENTILE:
        mean, deviation = edits.lightness(small)
        factor = float(np.clip(_MEDIAN_CONTRAST / max(deviation, 1.0), 1.1, 2.5))
        text = f"Flat: raise the contrast by {100 * (factor - 1):.0f} %."
        edit = edits.stretch(factor, 2.55 * mean)
        yield _change(report, "contrast", text, unwon(report, "contrast", "aesthetics", "hook"), edit=edit)
    balance = report.signal("white_balance")
    light = np.array(getattr(balance.details, "light", ())) if balance is not None else np.empty(0)
    if balance is not None and len(light) and balance.value > _CAST:
        tint = _tint(light)
        for share in (1.0, _GENTLY):
            text = f"Colour cast: set the white balance, which takes {100 * share:.0f} % of the {tint} tint out."
            promise = unwon(report, "white_balance") + 5.0
            yield _change(report, "white_balance", text, promise, edit=edits.white_balance(light, share))


def _detail(report: Report) -> Iterator[Change]:
    noise, sharp = report.signal("noise"), report.signal("sharpness")
    if noise is not None and noise.value > _GRAINY:
        promise = unwon(report, "noise", "aesthetics", "hook", "quality") + 5.0
        fine = min(report.provenance.video.width, report.provenance.video.height) >= _GRAIN_AVERAGED
        for how, strength in _SMOOTHED.items():
            text = f"Grain of {noise.value:.1f} levels: use your editor's noise reduction, {how}."
            if how == "strong":
                text += " See whether skin and hair still look natural."
            yield _change(report, "denoise", text, promise, edit=edits.smooth(noise.value, strength), fine=fine)
    if sharp is not None and sharp.percentile is not None and sharp.percentile < _SOFT_PERCENTILE:
        radius = edits.unsharp_radius(min(report.provenance.video.width, report.provenance.video.height))
        for amount in (1.0, 2.0):
            text = f"Soft: sharpen by {100 * amount:.0f} % (unsharp mask with a radius of {radius:.1f} pixels)."
            promise = unwon(report, "sharpness", "aesthetics", "hook", "quality") + 2.0 - amount
            yield _change(report, "sharpen", text, promise, edit=edits.unsharp(amount))


def _frame(report: Report) -> Iterator[Change]:
    info = report.provenance.video
    promise = unwon(report, "screen_fill")
    bars = _bars(report)
    left, top, right, bottom = bars or (0.0, 0.0, 1.0, 1.0)
    if bars is not None:
        yield _change(report, "crop_bars", "Black bars: crop them away.", promise + 15.0, edit=edits.crop(*bars))
    aspect = info.width * (right - left) / (info.height * (bottom - top))
    if aspect > _WIDE:
        part = _UPRIGHT / aspect  # of the picture's width
        composition = report.signal("composition")
        places = getattr(composition.details, "subject_x", ()) if composition is not None else ()
        middle = float(np.clip(np.median(places), part / 2, 1 - part / 2)) if places else 0.5
        at, wide = left + middle * (right - left), part * (right - left)
        edit = edits.crop(at - wide / 2, top, at + wide / 2, bottom)
        text = f"Doesn't fill an upright screen: reframe to 9:16 around {100 * at:.0f} % of the width."
        yield _change(report, "reframe", text, promise + 5.0, edit=edit)


def _shake(report: Report) -> Iterator[Change]:
    """Only where the finding says that it shakes: under it, a steadier picture is not seen to be one.

    Nor with black bars, which would jump in the picture's place: they are to be cut off first.
    """
    steadiness, pace = report.signal("steadiness"), report.signal("pace")
    found = {finding.kind for finding in report.findings}
    if steadiness is None or "shake" not in found or "bars" in found:
        return
    info = report.provenance.video
    narrow = min(1.0, info.width / info.height)  # shake is a share of the height, sideways too
    margin = float(np.clip(_SHAKE_TIMES * steadiness.value / 100.0 / narrow, _NARROWEST, _WIDEST))
    cuts = tuple(getattr(pace.details, "cut_seconds", ())) if pace is not None else ()
    text = f"The camera shakes: stabilise, which crops {100 * margin:.0f} % from each side."
    promise = unwon(report, "steadiness", "motion") + 5.0
    edit = edits.crop(margin, margin, 1.0 - margin, 1.0 - margin)
    yield _change(report, "stabilise", text, promise, edit=edit, steady=edits.Steady(margin=margin, cut_seconds=cuts))


def _sound(report: Report) -> Iterator[Change]:
    loudness = report.signal("loudness")
    if loudness is not None and not _QUIET <= loudness.value <= _LOUD:
        gain = _WANTED - loudness.value
        text = (
            f"{'Louder' if gain > 0 else 'Quieter'}: change the sound by {_signed(gain)} dB, with a limiter at −1 dB."
        )
        yield _change(report, "loudness", text, unwon(report, "loudness"), gain=gain)


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")


def _start(report: Report) -> Iterator[Change]:
    length = report.provenance.video.duration_seconds
    silence = report.signal("silence")
    quiet: tuple[tuple[float, float], ...] = getattr(silence.details, "stretches", ()) if silence is not None else ()
    if quiet and quiet[0][0] < 0.05 and _SILENT_START <= quiet[0][1] < length - 1.0:
        end = quiet[0][1] - 0.05
        text = f"Silence at the beginning: cut the first {end:.1f} s."
        promise = unwon(report, "first_sound", "hook") + 1.0
        yield Change(kind="leading_silence", start=0.0, end=end, text=text, promise=promise, begin_seconds=end)
        speech = report.signal("speech")
        if speech is not None and speech.value == 0.0 and end <= _LONGEST_SHIFT:
            text = (
                f"Silence at the beginning: let the sound start {end:.1f} s earlier. It ends earlier too: see whether "
                "it still fits the picture."
            )
            promise = unwon(report, "first_sound") + 1.0
            yield Change(
                kind="leading_silence", start=0.0, end=end, text=text, promise=promise, sound_begin_seconds=end
            )
    hook, whole = report.signal("hook"), report.signal("aesthetics")
    if hook is None or whole is None or not _opening_is_weaker(hook, whole):
        return
    for begin in (1.0, 2.0, 3.0):
        if length - begin >= _SHORTEST_LEFT:
            text = f"A stronger opening lies {begin:.0f} s later: start there."
            promise = unwon(report, "hook") - begin
            yield Change(kind="start_later", start=0.0, end=begin, text=text, promise=promise, begin_seconds=begin)


def _opening_is_weaker(hook: Signal, whole: Signal) -> bool:
    return hook.value < whole.value - 0.1  # NIMA marks: a tenth is what frames of one shot differ by


def _gamma_for(frames: np.ndarray, wanted: float) -> float:
    """The power that brings the mean L* of frames nearest to `wanted`, by bisection between 0.2 and 4."""
    low, high = 0.2, 4.0
    for _ in range(12):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if edits.lightness(_all(frames, middle))[0] > wanted else (low, middle)
    return float(np.sqrt(low * high))


def _all(frames: np.ndarray, power: float) -> np.ndarray:
    edit = edits.gamma(power)
    return np.stack([edit(np.ascontiguousarray(frame)) for frame in frames])


def _tint(light: np.ndarray) -> str:
    """The hue of a light, of six: two channels that are nearer to each other than to the third make a mixed one."""
    weak, middle, strong = np.argsort(light)
    mixed = {0: "cyan", 1: "magenta", 2: "yellow"}
    return mixed[int(weak)] if light[middle] ** 2 > light[weak] * light[strong] else ("red", "green", "blue")[strong]


def _bars(report: Report) -> tuple[float, float, float, float] | None:
    """Left, top, right, bottom of the picture between black bars, as shares; None without bars."""
    fill = report.signal("screen_fill")
    if fill is None or fill.details is None or not any(finding.kind == "bars" for finding in report.findings):
        return None
    left, top, right, bottom = (float(getattr(fill.details, side)) for side in ("left", "top", "right", "bottom"))
    return (
        left + _BAR_EDGE if left > 0.0 else 0.0,
        top + _BAR_EDGE if top > 0.0 else 0.0,
        right - _BAR_EDGE if right < 1.0 else 1.0,
        bottom - _BAR_EDGE if bottom < 1.0 else 1.0,
    )
