"""The platform check: the right status at the edges, every row with its source and date, nothing guessed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.scorers.clips import info
from virality_core.config.safe_zones import covered_by
from virality_core.report.platform_check import NAMES, TITLES, check, not_checked, rows
from virality_core.scorers.picture.screen_text import OnscreenDetails, TextBox
from virality_core.types import PlatformCheck, Signal, Skipped, VideoInfo

GOOD = replace(
    info(width=1080, height=1920, seconds=30.0), bit_rate=8e6, size_bytes=30_000_000, container="mov,mp4,m4a"
)


def _loud(value: float) -> Signal:
    return Signal(
        name="loudness", value=value, unit="LUFS", native_range=(-70.0, 20.0), desirability=50.0, reference="a test"
    )


def _text(*places: tuple[float, float, float, float], note: str = "") -> Signal:
    """The signal of a reel with a line of text in each place, each in a frame of its own."""
    boxes = tuple(
        TextBox(
            seconds=float(number),
            left=left,
            top=top,
            right=right,
            bottom=bottom,
            height=bottom - top,
            contrast=9.0,
            text="hello",
            covered_by=() if note else covered_by((left, top, right, bottom)),
        )
        for number, (left, top, right, bottom) in enumerate(places)
    )
    details = OnscreenDetails(
        stills=8,
        stills_with_text=len(boxes),
        first_second=True,
        height=0.05,
        contrast=9.0,
        characters_a_second=2.0,
        reading_note="",
        zones_note=note,
        boxes=boxes,
    )
    return Signal(
        name="onscreen_text",
        value=50.0,
        unit="% of the reel",
        native_range=(0.0, 100.0),
        desirability=50.0,
        reference="a test",
        details=details,
    )


def _of(checks: tuple[PlatformCheck, ...], platform: str, measure: str) -> PlatformCheck:
    return next(found for found in checks if (found.platform, found.measure) == (platform, measure))


def test_a_good_reel_passes_everywhere() -> None:
    found = check(GOOD, None, [_loud(-15.0)])
    assert {result.status for result in found} == {"pass"}
    assert {result.platform for result in found} == set(NAMES)


@pytest.mark.parametrize(
    ("change", "platform", "measure", "status"),
    [
        ({"width": 1920, "height": 1080}, "youtube", "aspect", "fail"),
        ({"width": 1080, "height": 1080}, "youtube", "aspect", "warn"),
        ({"width": 1920, "height": 1080}, "instagram", "aspect", "warn"),
        ({"width": 480, "height": 852}, "instagram", "short_side", "warn"),
        ({"width": 300, "height": 534}, "tiktok", "short_side", "fail"),
        ({"duration_seconds": 2.0}, "instagram", "duration", "fail"),
        ({"duration_seconds": 181.0}, "youtube", "duration", "fail"),
        ({"duration_seconds": 181.0}, "instagram", "duration", "warn"),
        ({"duration_seconds": 179.0}, "instagram", "duration", "pass"),
        ({"frame_rate": 15.0}, "tiktok", "frame_rate", "fail"),
        ({"frame_rate": 29.97}, "tiktok", "frame_rate", "pass"),
        ({"bit_rate": 40e6}, "instagram", "bit_rate", "fail"),
        ({"bit_rate": 0.3e6}, "tiktok", "bit_rate", "warn"),
        ({"codec": "vp9"}, "instagram", "codec", "fail"),
        ({"codec": "hevc"}, "tiktok", "codec", "warn"),
        ({"container": "matroska,webm"}, "instagram", "container", "fail"),
        ({"size_bytes": 400_000_000}, "instagram", "file_size", "warn"),
    ],
)
def test_what_misses_is_told(change: dict[str, object], platform: str, measure: str, status: str) -> None:
    video: VideoInfo = replace(GOOD, **change)  # type: ignore[arg-type]
    found = _of(check(video, None, []), platform, measure)
    assert found.status == status
    assert found.value in found.sentence
    if status != "pass":
        assert found.asks in found.sentence


def test_loudness_is_checked_where_it_was_measured() -> None:
    assert _of(check(GOOD, "youtube", [_loud(-9.0)]), "youtube", "loudness").status == "warn"
    assert not [found for found in check(GOOD, "youtube", []) if found.measure == "loudness"]


def test_only_the_posts_platform() -> None:
    assert {found.platform for found in check(GOOD, "tiktok", [])} == {"tiktok"}


def test_every_row_says_where_it_is_from() -> None:
    for row in rows():
        assert row["source"]
        assert str(row["date"])[:2] == "20"
        assert row["measure"] in TITLES
        assert row["platform"] in NAMES
        for bounds in (row["pass"], row["warn"]):
            assert not bounds or isinstance(bounds[0], str) or bounds[0] <= bounds[1]


FREE, LOW, RIGHT = (0.3, 0.4, 0.7, 0.45), (0.3, 0.67, 0.7, 0.71), (0.84, 0.4, 0.92, 0.45)


def test_covered_text_is_told_for_the_platform_that_covers_it() -> None:
    found = check(GOOD, None, [_text(FREE, LOW)])
    status = {name: _of(found, name, "safe_zones").status for name in NAMES}
    assert status == {"instagram": "warn", "tiktok": "pass", "youtube": "warn"}
    told = _of(found, "instagram", "safe_zones")
    assert "in 1 of 2 frames with text" in told.sentence
    assert "the bottom 35 %" in told.sentence
    assert (told.source[:4], told.date) == ("Meta", "2026-11-22")
    assert _of(check(GOOD, "tiktok", [_text(RIGHT)]), "tiktok", "safe_zones").status == "warn"
    assert not_checked([_text(FREE)]) == ""


@pytest.mark.parametrize(
    ("signals", "skipped", "why"),
    [
        ([], [], "not searched"),
        ([], [Skipped(name="onscreen_text", reason="The weights are gone.")], "the weights are gone."),
        ([_text()], [], "no text was found in 8 frames"),
        ([_text(LOW, note="Known of 9:16 alone.")], [], "known of 9:16 alone."),
    ],
)
def test_zones_that_can_not_be_checked_are_said_and_not_guessed(
    signals: list[Signal], skipped: list[Skipped], why: str
) -> None:
    assert not [found for found in check(GOOD, None, signals) if found.measure == "safe_zones"]
    assert why in not_checked(signals, skipped)
