"""What a platform asks of a video, as pass, warn or fail: platform_check.toml and safe_zones.toml of config/."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from virality_core import config
from virality_core.config import safe_zones
from virality_core.report import wording
from virality_core.types import CheckStatus, Platform, PlatformCheck, Signal, Skipped, VideoInfo

NAMES: Mapping[Platform, str] = {"instagram": "Instagram", "tiktok": "TikTok", "youtube": "YouTube"}
TITLES: Mapping[str, str] = {
    "aspect": "Shape",
    "short_side": "Resolution",
    "duration": "Duration",
    "frame_rate": "Frame rate",
    "bit_rate": "Bit rate",
    "file_size": "File size",
    "codec": "Codec",
    "container": "File type",
    "loudness": "Loudness",
    "safe_zones": "Safe zones",
}

_TEXT = "onscreen_text"
_KEYS: tuple[CheckStatus, ...] = ("pass", "warn")
_SENTENCES: Mapping[CheckStatus, str] = {  # the page and the terminal put the status before it
    "pass": "{title}: {value} is what {platform} asks for.",
    "warn": "{title}: {value}. {platform} asks for {asks}.",
    "fail": "{title}: {platform} doesn't accept {value} for a reel. It asks for {asks}.",
}


def check(info: VideoInfo, platform: Platform | None, signals: Sequence[Signal]) -> tuple[PlatformCheck, ...]:
    """Check the video against each row of the table for its platform, or for all three without one.

    A row whose measure is not known (the loudness of a silent reel, say) is left out.

    Args:
        info: as counted, not as the header says. signals: of which `loudness` and `onscreen_text` are read.
    """
    loudness = next((signal.value for signal in signals if signal.name == "loudness"), None)
    numbers = _numbers(info, loudness)
    names = {"codec": (info.codec,), "container": tuple(info.container.split(","))}
    platforms = get_args(Platform) if platform is None else (platform,)
    found = []
    for row in rows():
        measure = str(row["measure"])
        if row["platform"] not in platforms:
            continue
        if measure in names:
            found.append(
                _check(row, [bool(set(names[measure]) & set(row[key])) for key in _KEYS], _name(measure, info))
            )
        elif measure in numbers:
            number, text = numbers[measure]
            within = [bool(row[key]) and row[key][0] <= number <= row[key][1] for key in _KEYS]
            found.append(_check(row, within, text))
    found += [_text_in_zones(item, details) for details in _text_details(signals) for item in platforms]
    return tuple(sorted(found, key=lambda item: platforms.index(item.platform)))


def not_checked(signals: Sequence[Signal], skipped: Sequence[Skipped] = ()) -> str:
    """Why no safe zone was checked, in one sentence; empty where one was."""
    if _text_details(signals):
        return ""
    details: Any = next((signal.details for signal in signals if signal.name == _TEXT), None)
    if details is None:
        why = next((skip.reason for skip in skipped if skip.name == _TEXT), "The picture was not searched for text.")
    else:
        why = details.zones_note or f"No text was found in {details.stills} frames."
    return f"Safe zones were not checked: {why[:1].lower()}{why[1:]}"


def rows() -> list[dict[str, Any]]:
    """The table's rows: platform, measure, pass, warn, asks, source, date."""
    return _read(config.folder() / "platform_check.toml")


def _text_details(signals: Sequence[Signal]) -> list[Any]:
    """The details of the text on the screen, if there is any and the picture has the zones' shape; else empty."""
    details: list[Any] = [signal.details for signal in signals if signal.name == _TEXT]
    return [one for one in details if one is not None and one.boxes and not one.zones_note]


def _text_in_zones(platform: Platform, details: Any) -> PlatformCheck:
    """Whether the platform covers text. No reel is rejected for that, so this never fails."""
    zone, name = safe_zones.zones()[platform], NAMES[platform]
    frames = len({box.seconds for box in details.boxes})
    covered = len({box.seconds for box in details.boxes if platform in box.covered_by})
    of = f"{frames} {'frame' if frames == 1 else 'frames'} with text"
    sides = safe_zones.covered_sides(platform)
    warning = f"{name} may cover text in {covered} of {of}. Keep text out of {sides}."
    sentence = warning if covered else f"{name} covers no text in {of}."
    return PlatformCheck(
        platform=platform,
        measure="safe_zones",
        status="warn" if covered else "pass",
        value=f"text may be covered in {covered} of {of}" if covered else f"no text is covered in {of}",
        asks=f"text outside {sides}, which its buttons and captions may cover",
        sentence=f"Safe zones: {sentence}",
        source=str(zone["source"]),
        date=str(zone["date"]),
    )


def _check(row: Mapping[str, Any], within: Sequence[bool], value: str) -> PlatformCheck:
    """The result of a row; `within` says for each of `_KEYS` whether the value is."""
    measure, platform, asks = str(row["measure"]), row["platform"], str(row["asks"])
    status: CheckStatus = next((key for key, inside in zip(_KEYS, within, strict=True) if inside), "fail")
    return PlatformCheck(
        platform=platform,
        measure=measure,
        status=status,
        value=value,
        asks=asks,
        sentence=_SENTENCES[status].format(title=TITLES[measure], value=value, platform=NAMES[platform], asks=asks),
        source=str(row["source"]),
        date=str(row["date"]),
    )


def _numbers(info: VideoInfo, loudness: float | None) -> dict[str, tuple[float, str]]:
    """Each measure's value in the table's unit, and as text."""
    found = {
        "aspect": (info.width / info.height, f"{info.width} × {info.height}"),
        "short_side": (float(min(info.width, info.height)), f"{min(info.width, info.height)} pixels"),
        "duration": (info.duration_seconds, _length(info.duration_seconds)),
        "frame_rate": (info.frame_rate, f"{wording.trimmed(info.frame_rate)} frames per second"),
        "file_size": (info.size_bytes / 1e6, f"{wording.trimmed(info.size_bytes / 1e6)} MB"),
    }
    if info.bit_rate is not None:
        found["bit_rate"] = (info.bit_rate / 1e6, f"{wording.trimmed(info.bit_rate / 1e6)} Mbit/s")
    if loudness is not None:
        found["loudness"] = (loudness, f"{loudness:.1f} LUFS".replace("-", "−"))
    return found


def _length(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60} min {int(seconds) % 60} s"


def _name(measure: str, info: VideoInfo) -> str:
    if measure == "codec":
        return info.codec.upper().replace("H264", "H.264").replace("HEVC", "HEVC (H.265)")
    first = info.container.split(",")[0].upper()
    return "MP4 or MOV" if first == "MOV" else first


@lru_cache
def _read(path: Path) -> list[dict[str, Any]]:
    checks: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["check"]
    return checks
