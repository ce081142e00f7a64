"""What a platform asks of a video, as pass, warn or fail.

The numbers are in config/platform_check.toml and config/safe_zones.toml.
"""

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
_VERDICTS: Mapping[CheckStatus, str] = {  # the page and the terminal write the status before it
    "pass": "{said} is what {platform} asks for.",
    "warn": "{said}; {platform} asks for {asks}.",
    "fail": "{said} is not taken by {platform} as a reel; it asks for {asks}.",
}


def check(info: VideoInfo, platform: Platform | None, signals: Sequence[Signal]) -> tuple[PlatformCheck, ...]:
    """Hold the video against each row of the table for its platform, or for all three where none is given.

    A row whose measure the reel doesn't have (the loudness of a silent one, an unknown bit rate) is left out.

    Args:
        info: as counted, not as its header says. signals: of which `loudness` and `onscreen_text` are read.
    """
    loudness = next((signal.value for signal in signals if signal.name == "loudness"), None)
    measured = _numbers(info, loudness)
    named = {"codec": (info.codec,), "container": tuple(info.container.split(","))}
    wanted = get_args(Platform) if platform is None else (platform,)
    found = []
    for row in rows():
        measure = str(row["measure"])
        if row["platform"] not in wanted:
            continue
        if measure in named:
            found.append(_check(row, _status_of_name(row, named[measure]), _name(measure, info)))
        elif measure in measured:
            value, said = measured[measure]
            found.append(_check(row, _status_of_number(row, value), said))
    found += [_free_text(item, details) for details in _text_found(signals) for item in wanted]
    return tuple(sorted(found, key=lambda item: wanted.index(item.platform)))


def not_checked(signals: Sequence[Signal], skipped: Sequence[Skipped] = ()) -> str:
    """Why no safe zone was checked, in one sentence; empty where one was."""
    if _text_found(signals):
        return ""
    details = next((signal.details for signal in signals if signal.name == _TEXT), None)
    if details is None:
        why = next((skip.reason for skip in skipped if skip.name == _TEXT), "the picture was not searched for text.")
        return f"Safe zones were not checked: {why[:1].lower()}{why[1:]}"
    if note := str(getattr(details, "zones_note", "")):
        return f"Safe zones were not checked: {note[:1].lower()}{note[1:]}"
    stills = getattr(details, "stills", 0)
    return f"Safe zones were not checked: no text was found in the {stills} frames that were searched for it."


def _text_found(signals: Sequence[Signal]) -> list[Any]:
    """The details of the text in the picture, where there is some and the picture has the zones' shape; else none."""
    details = [signal.details for signal in signals if signal.name == _TEXT]
    return [one for one in details if getattr(one, "boxes", ()) and not getattr(one, "zones_note", "")]


def _free_text(platform: Platform, details: Any) -> PlatformCheck:
    """Whether the text lies free. Text that is covered is no reason to refuse a reel, so this never fails."""
    zone, name = safe_zones.zones()[platform], NAMES[platform]
    frames = {box.seconds for box in details.boxes}
    covered = {box.seconds for box in details.boxes if platform in box.covered_by}
    of = f"{len(frames)} {'frame' if len(frames) == 1 else 'frames'} with text"
    said = f"text may be covered in {len(covered)} of {of}" if covered else f"the text lies free in {of}"
    asks = f"text outside {safe_zones.in_words(platform)}, which its buttons and captions may cover"
    return PlatformCheck(
        platform=platform,
        measure="safe_zones",
        status="warn" if covered else "pass",
        value=said,
        asks=asks,
        sentence=f"Safe zones: on {name} {said}" + (f"; free is {asks}." if covered else "."),
        source=str(zone["source"]),
        date=str(zone["date"]),
    )


def rows() -> list[dict[str, Any]]:
    """The table's rows: platform, measure, pass, warn, asks, source, date."""
    return _read(config.folder() / "platform_check.toml")


def _check(row: Mapping[str, Any], status: CheckStatus, said: str) -> PlatformCheck:
    measure, platform = str(row["measure"]), row["platform"]
    verdict = _VERDICTS[status].format(said=said, platform=NAMES[platform], asks=row["asks"])
    return PlatformCheck(
        platform=platform,
        measure=measure,
        status=status,
        value=said,
        asks=str(row["asks"]),
        sentence=f"{TITLES[measure]}: {verdict}",
        source=str(row["source"]),
        date=str(row["date"]),
    )


def _numbers(info: VideoInfo, loudness: float | None) -> dict[str, tuple[float, str]]:
    """Each measure's value in the table's unit and as it is said."""
    found = {
        "aspect": (info.width / info.height, f"{info.width} × {info.height}"),
        "short_side": (float(min(info.width, info.height)), f"{min(info.width, info.height)} pixels"),
        "duration": (info.duration_seconds, _length(info.duration_seconds)),
        "frame_rate": (info.frame_rate, f"{wording.bare(info.frame_rate)} frames a second"),
        "file_size": (info.size_bytes / 1e6, f"{wording.bare(info.size_bytes / 1e6)} MB"),
    }
    if info.bit_rate is not None:
        found["bit_rate"] = (info.bit_rate / 1e6, f"{wording.bare(info.bit_rate / 1e6)} Mbit/s")
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


def _status_of_number(row: Mapping[str, Any], value: float) -> CheckStatus:
    def within(bounds: Sequence[float]) -> bool:
        return bool(bounds) and bounds[0] <= value <= bounds[1]

    return "pass" if within(row["pass"]) else "warn" if within(row["warn"]) else "fail"


def _status_of_name(row: Mapping[str, Any], names: Sequence[str]) -> CheckStatus:
    if set(names) & set(row["pass"]):
        return "pass"
    return "warn" if set(names) & set(row["warn"]) else "fail"


@lru_cache
def _read(path: Path) -> list[dict[str, Any]]:
    checks: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["check"]
    return checks
