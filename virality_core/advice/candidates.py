"""Which changes are worth trying on a reel: a change is a candidate only where its fault was measured.

The thresholds are where a signal is clearly off its target in signals.toml, or low in its population: sharpening, for
example, would raise the sharpness of any reel. Trying doesn't always confirm a candidate: NIMA and colorfulness prefer
a tinted picture, so removing a tint often gains nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from virality_core.advice import edits
from virality_core.advice.change import Change, Stabilization
from virality_core.config import signals
from virality_core.types import Advice, AdviceKind, Report

_SAMPLES = 8  # thumbnails used to find the strength of an edit
_DARK, _BRIGHT = 30.0, 66.0  # L*: a stop off the target; closer to it, brightness is a choice
_DARK_TARGETS, _BRIGHT_TARGETS = (47.0, 39.0), (47.0, 55.0)  # L*: the middle of the brightness target, then its edge
_FLAT_PERCENTILE, _MEDIAN_CONTRAST = 12.0, 24.0  # of the population of photos; its median in L*
_TINT_DEGREES = 12.0  # where the score begins to count it
_TINT_SHARES = (1.0, 0.6)  # to remove: some tint may be intended
_SOFT_PERCENTILE = 25.0
_NOISY = 2.0  # 8-bit levels; the target is 1.34, but nothing is visible under 2
_NOISE_AVERAGED = 360  # pixels: from twice the size of the small gray frames on, these average noise out
_DENOISING = {"strong": 1.2, "gentle": 0.7}  # gentle: where strong compression has left little noise
_QUIET, _LOUD, _TARGET_LOUDNESS = -18.0, -14.0, -16.0  # LUFS
_SILENT_START = 0.4  # seconds
_MAX_SOUND_SHIFT = 3.0  # seconds, the length of the hook; never where somebody speaks
_MIN_LENGTH = 4.0  # seconds left after a later start
_WEAKER_OPENING = 0.1  # NIMA marks: what frames of one shot differ by
_BAR_MARGIN = 0.002  # of a side: how precisely the edge of a bar is known
_UPRIGHT, _WIDE = 9 / 16, 0.6  # width / height; slightly wider than upright is not cropped
_SHAKE_SIGMAS = 3.0  # the window covers three RMS of the shake: normally distributed, it is left 1 frame in 400
_MIN_MARGIN, _MAX_MARGIN = 0.02, 0.10  # of each side; more would crop faces
_COVER_GAIN = 10.0  # percentiles of the population of photos; frames of one shot differ by less
_WORDING = ("sentiment", "keywords")  # signals

# In the languages of weights/keywords.
QUESTION = {"en": "What do you think?", "vi": "Bạn nghĩ sao?"}
CALL_TO_ACTION = {"en": "Follow for more.", "vi": "Theo dõi mình để xem thêm nhé."}

_SENTENCE_END = re.compile(r"[.!?…]+(?=\s)")
_LINE_END = re.compile(r"[\r\n\u2028\u2029]")


def candidates(report: Report) -> list[Change]:
    """Every change worth trying, most promising first, from the report alone: signals, findings and thumbnails."""
    numbers: Counter[str] = Counter()
    changes = []
    for find in (_tones, _detail, _frame, _shake, _sound, _start, _caption):
        for change in find(report):
            numbers[change.kind] += 1
            changes.append(replace(change, id=f"{change.kind}-{numbers[change.kind]}"))
    return sorted(changes, key=lambda change: -change.promise)


def better_cover(report: Report) -> Advice | None:
    """The frame rated best for looks, or None if it isn't clearly better than the first.

    It has no points, because no signal of the score rates covers.
    """
    looks = report.signal("aesthetics")
    best = getattr(looks.details, "cover_value", None) if looks is not None else None
    if looks is None or best is None or looks.timeline is None:
        return None
    first = float(looks.timeline.values[looks.timeline.seconds.argmin()])
    ranks = [signals.rate("aesthetics", mark).percentile for mark in (first, best)]
    if ranks[0] is None or ranks[1] is None or ranks[1] - ranks[0] < _COVER_GAIN:
        return None
    at = min(max(0.0, float(getattr(looks.details, "cover_seconds", 0.0))), report.provenance.video.duration_seconds)
    text = (
        f"A better cover: the frame at {int(at // 60)}:{at % 60:04.1f} is rated {best:.1f} of 10 for looks, the "
        f"first frame {first:.1f}. This adds no points, because the score doesn't rate covers."
    )
    score = report.score
    return Advice(id="cover-1", kind="cover", start=at, end=at, text=text, points=0.0, before=score, after=score)


def _change(report: Report, kind: AdviceKind, text: str, promise: float, **fields: object) -> Change:
    fields = {"start": 0.0, "end": report.provenance.video.duration_seconds} | fields
    return Change(kind=kind, text=text, promise=promise, **fields)  # type: ignore[arg-type]


def _missing(report: Report, *names: str) -> float:
    """Points these signals could still add."""
    return sum(100.0 * item.weight - item.points for item in report.contributions if item.signal in names)


def _tones(report: Report) -> Iterator[Change]:
    if report.thumbnails is None or not len(report.thumbnails):
        return
    small = report.thumbnails.rgb[:: max(1, len(report.thumbnails) // _SAMPLES), ::3, ::3]
    brightness, contrast = report.signal("brightness"), report.signal("contrast")
    if brightness is not None and not _DARK <= brightness.value <= _BRIGHT:
        dark = brightness.value < _DARK
        promise = _missing(report, "brightness", "aesthetics", "hook") + 20.0
        targets = _DARK_TARGETS if dark else _BRIGHT_TARGETS
        for power in dict.fromkeys(_gamma_for(small, target) for target in targets):
            percent = 100 * abs(0.5**power / 0.5 - 1)
            text = f"Too {'dark: brighten' if dark else 'bright: darken'} the midtones by {percent:.0f} %."
            yield _change(report, "exposure", text, promise, edit=edits.gamma(power))
    if contrast is not None and contrast.percentile is not None and contrast.percentile < _FLAT_PERCENTILE:
        mean, deviation = edits.lightness(small)
        factor = float(np.clip(_MEDIAN_CONTRAST / max(deviation, 1.0), 1.1, 2.5))
        text = f"The picture looks flat: raise the contrast by {100 * (factor - 1):.0f} %."
        promise = _missing(report, "contrast", "aesthetics", "hook")
        yield _change(report, "contrast", text, promise, edit=edits.contrast(factor, 2.55 * mean))
    balance = report.signal("white_balance")
    light = np.array(getattr(balance.details, "light", ())) if balance is not None else np.empty(0)
    if balance is not None and len(light) and balance.value > _TINT_DEGREES:
        for share in _TINT_SHARES:
            amount = "all" if share == 1.0 else f"{100 * share:.0f} %"
            text = f"The picture has a {_hue(light)} tint: set the white balance to remove {amount} of it."
            promise = _missing(report, "white_balance") + 5.0
            yield _change(report, "white_balance", text, promise, edit=edits.white_balance(light, share))


def _detail(report: Report) -> Iterator[Change]:
    noise, sharpness = report.signal("noise"), report.signal("sharpness")
    short_side = min(report.provenance.video.width, report.provenance.video.height)
    if noise is not None and noise.value > _NOISY:
        promise = _missing(report, "noise", "aesthetics", "hook", "quality") + 5.0
        detail_only = short_side >= _NOISE_AVERAGED
        for name, strength in _DENOISING.items():
            text = f"The picture is grainy: use {name} noise reduction in your editor."
            if name == "strong":
                text += " Check that skin and hair still look natural."
            edit = edits.denoise(noise.value, strength)
            yield _change(report, "denoise", text, promise, edit=edit, detail_only=detail_only)
    if sharpness is not None and sharpness.percentile is not None and sharpness.percentile < _SOFT_PERCENTILE:
        for amount in (1.0, 2.0):
            radius = edits.sharpen_radius(short_side)
            text = f"The picture is soft: sharpen it by {100 * amount:.0f} % with a radius of {radius:.1f} pixels."
            promise = _missing(report, "sharpness", "aesthetics", "hook", "quality") + 2.0 - amount
            yield _change(report, "sharpen", text, promise, edit=edits.sharpen(amount))


def _frame(report: Report) -> Iterator[Change]:
    video = report.provenance.video
    promise = _missing(report, "screen_fill")
    bars = _picture_between_bars(report)
    left, top, right, bottom = bars or (0.0, 0.0, 1.0, 1.0)
    if bars is not None:
        yield _change(report, "crop_bars", "Crop the black bars.", promise + 15.0, edit=edits.crop(*bars))
    aspect = video.width * (right - left) / (video.height * (bottom - top))
    if aspect > _WIDE:
        part = _UPRIGHT / aspect  # of the picture's width
        composition = report.signal("composition")
        subject = getattr(composition.details, "subject_x", ()) if composition is not None else ()
        middle = float(np.clip(np.median(subject), part / 2, 1 - part / 2)) if subject else 0.5
        center, width = left + middle * (right - left), part * (right - left)
        edit = edits.crop(center - width / 2, top, center + width / 2, bottom)
        text = f"It doesn't fill an upright screen: crop to 9:16, centered at {100 * center:.0f} % of the width."
        yield _change(report, "reframe", text, promise + 5.0, edit=edit)


def _shake(report: Report) -> Iterator[Change]:
    """Only with a shake finding: less shake isn't noticed. Not with black bars, which would shake instead."""
    steadiness, pace = report.signal("steadiness"), report.signal("pace")
    found = {finding.kind for finding in report.findings}
    if steadiness is None or "shake" not in found or "bars" in found:
        return
    video = report.provenance.video
    narrow = min(1.0, video.width / video.height)  # shake is a share of the height, horizontally too
    margin = float(np.clip(_SHAKE_SIGMAS * steadiness.value / 100.0 / narrow, _MIN_MARGIN, _MAX_MARGIN))
    cuts = tuple(getattr(pace.details, "cut_seconds", ())) if pace is not None else ()
    text = f"The camera shakes: stabilize the video. This crops {100 * margin:.0f} % from each side."
    promise = _missing(report, "steadiness", "motion") + 5.0
    edit = edits.crop(margin, margin, 1.0 - margin, 1.0 - margin)
    how = Stabilization(margin=margin, cut_seconds=cuts)
    yield _change(report, "stabilise", text, promise, edit=edit, stabilization=how)


def _sound(report: Report) -> Iterator[Change]:
    loudness = report.signal("loudness")
    if loudness is not None and not _QUIET <= loudness.value <= _LOUD:
        gain = _TARGET_LOUDNESS - loudness.value
        what = "quiet: raise" if gain > 0 else "loud: lower"
        text = f"Too {what} the volume by {abs(gain):.1f} dB, with a limiter at −1 dB."
        yield _change(report, "loudness", text, _missing(report, "loudness"), gain=gain)


def _start(report: Report) -> Iterator[Change]:
    length = report.provenance.video.duration_seconds
    silence, speech = report.signal("silence"), report.signal("speech")
    quiet: tuple[tuple[float, float], ...] = getattr(silence.details, "stretches", ()) if silence is not None else ()
    if quiet and quiet[0][0] < 0.05 and _SILENT_START <= quiet[0][1] < length - 1.0:
        end = quiet[0][1] - 0.05
        text = f"It starts in silence: cut the first {end:.1f} s."
        promise = _missing(report, "first_sound", "hook") + 1.0
        yield _change(report, "leading_silence", text, promise, end=end, begin_seconds=end)
        if speech is not None and speech.value == 0.0 and end <= _MAX_SOUND_SHIFT:
            text = (
                f"It starts in silence: move the sound {end:.1f} s earlier. It then ends earlier too, so check that "
                "it still fits the picture."
            )
            promise = _missing(report, "first_sound") + 1.0
            yield _change(report, "leading_silence", text, promise, end=end, sound_begin_seconds=end)
    hook, looks = report.signal("hook"), report.signal("aesthetics")
    if hook is None or looks is None or hook.value >= looks.value - _WEAKER_OPENING:
        return
    for begin in (1.0, 2.0, 3.0):
        if length - begin >= _MIN_LENGTH:
            text = f"Start {begin:.0f} s later, for a stronger opening."
            promise = _missing(report, "hook") - begin
            yield _change(report, "start_later", text, promise, end=begin, begin_seconds=begin)


def _caption(report: Report) -> Iterator[Change]:
    """Only what has a share in the score: by default the hashtags, with fitted shares maybe the wording too."""
    shares = {item.signal: item.weight for item in report.contributions}
    if shares.get("hashtags", 0.0) > 0.0:
        yield from _fewer_hashtags(report)
    if any(shares.get(name, 0.0) > 0.0 for name in _WORDING):
        yield from _other_wording(report)


def _fewer_hashtags(report: Report) -> Iterator[Change]:
    """Without hashtags whose posts did worse than expected, and no more hashtags than the platform allows.

    Keeping only the best one would gain more points, but only because the signal is a mean.
    """
    details = getattr(report.signal("hashtags"), "details", None)
    tags: tuple[Any, ...] = getattr(details, "tags", ())
    worse = [tag for tag in tags if tag.counted is not None and (tag.counted.lift or 0.0) < 0]
    if worse:
        which = "it" if len(worse) == 1 else "them"
        text = f"Drop {_names(worse)}: posts with {which} did worse than expected for the size of their accounts."
        yield _change(report, "hashtags", text, _missing(report, "hashtags"), caption=_without(report, worse))
    excess = getattr(details, "over_limit", None) or 0
    if details is not None and excess:
        keys = [tag.tag.key for tag in tags]
        repeated = [tag for i, tag in enumerate(tags) if tag.tag.key in keys[:i]]
        unique = [tag for tag in tags if tag not in repeated]
        rated = sorted((t for t in unique if t.counted is not None), key=lambda t: float(t.counted.lift or 0.0))
        unrated = [t for t in reversed(unique) if t.counted is None]
        dropped = [*repeated, *unrated, *rated][:excess]
        limit = f"{details.platform.name} allows {details.platform.hashtag_limit} hashtags"
        text = f"Drop {_names(dropped)}: {limit}, and these are repeated, unknown or the weakest."
        yield _change(report, "hashtags", text, _missing(report, "hashtags"), caption=_without(report, dropped))


def _other_wording(report: Report) -> Iterator[Change]:
    caption = report.provenance.post.caption
    first_line = _LINE_END.split(caption, maxsplit=1)[0]
    end = _SENTENCE_END.search(first_line)
    promise = _missing(report, *_WORDING)
    if end is not None and first_line[end.end() :].strip():
        shorter = caption[: end.end()] + "\n" + caption[end.end() :].lstrip()
        text = "Shorten the first line: break it after the first sentence."
        yield _change(report, "caption", text, promise, caption=shorter)
    details = (getattr(report.signal(name), "details", None) for name in _WORDING)
    language = next((found for item in details if (found := getattr(item, "language", None))), "")
    for what, phrases in (("a question", QUESTION), ("a call to action", CALL_TO_ACTION)):
        phrase = phrases.get(language)
        if phrase and phrase not in caption and not (phrases is QUESTION and "?" in caption):
            text = f"End the caption with {what}: “{phrase}”"
            yield _change(report, "caption", text, promise, caption=f"{caption.rstrip()}\n{phrase}")


def _gamma_for(frames: np.ndarray, target: float) -> float:
    """The power 0.2–4 that brings the mean L* of frames closest to `target`, by bisection."""
    low, high = 0.2, 4.0
    for _ in range(12):
        middle = float(np.sqrt(low * high))
        edit = edits.gamma(middle)
        edited = np.stack([edit(np.ascontiguousarray(frame)) for frame in frames])
        low, high = (middle, high) if edits.lightness(edited)[0] > target else (low, middle)
    return float(np.sqrt(low * high))


def _hue(light: np.ndarray) -> str:
    """One of six hues: mixed where the two stronger channels are closer to each other than to the weakest."""
    weak, middle, strong = np.argsort(light)
    mixed = {0: "cyan", 1: "magenta", 2: "yellow"}
    return mixed[int(weak)] if light[middle] ** 2 > light[weak] * light[strong] else ("red", "green", "blue")[strong]


def _picture_between_bars(report: Report) -> tuple[float, float, float, float] | None:
    """Left, top, right, bottom of the picture between black bars, as shares; None without bars."""
    fill = report.signal("screen_fill")
    details: Any = None if fill is None else fill.details
    if details is None or not any(finding.kind == "bars" for finding in report.findings):
        return None
    left, top = (side + _BAR_MARGIN if side > 0.0 else 0.0 for side in (details.left, details.top))
    right, bottom = (side - _BAR_MARGIN if side < 1.0 else 1.0 for side in (details.right, details.bottom))
    return left, top, right, bottom


def _without(report: Report, dropped: list[Any]) -> str:
    caption = report.provenance.post.caption
    for tag in sorted((item.tag for item in dropped), key=lambda tag: -int(tag.start)):
        caption = caption[: tag.start].rstrip(" ") + caption[tag.end :]
    return caption.strip(" ")


def _names(tags: list[Any]) -> str:
    return ", ".join(f"#{key}" for key in dict.fromkeys(item.tag.key for item in tags))
