"""What frames in a row and the file as a whole show: graded distortions of the real clips' runs and packets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from virality_core.config.faults import Fault
from virality_core.media import open_reel
from virality_core.scorers.findings import diagnose, format_faults, temporal_faults
from virality_core.scorers.measures.intervals import findings_over_time, true_runs
from virality_core.scorers.picture.pacing import PacingScorer
from virality_core.types import Finding, FrameBatch, FrameRun, PacketTable, Plan, Platform, Post, Reel, Signal, Timeline


@pytest.fixture(scope="module")
def clips(shared_media: Path) -> list[Reel]:
    return [open_reel(path, Plan(stills=2, runs=True)) for path in sorted(shared_media.glob("*.mp4"))]


def _steadiness(reel: Reel) -> Signal:
    answers = PacingScorer().score(reel, Post(), lambda _stage, _fraction: None)
    return next(answer for answer in answers if isinstance(answer, Signal) and answer.name == "steadiness")


def _shaken(run: FrameRun, share: float) -> FrameRun:
    """Each frame moved by a random share of its height: normal, standard deviation `share`."""
    shifts = np.random.default_rng(1).normal(0.0, share * run.luma.shape[1], (len(run.luma), 2))
    moved = [np.roll(frame, np.rint(shift).astype(int), (0, 1)) for frame, shift in zip(run.luma, shifts, strict=True)]
    return FrameRun(luma=np.stack(moved), seconds=run.seconds)


def test_shake(clips: list[Reel]) -> None:
    for reel in clips:
        assert not temporal_faults.find(reel, _steadiness(reel)), "the clean copy"
        worst = []
        for share in (0.01, 0.02, 0.04):
            runs = tuple(_shaken(run, share) for run in reel.runs)
            found = temporal_faults.find(reel, _steadiness(replace(reel, runs=runs)))
            assert {finding.kind for finding in found} <= {"shake"}
            worst.append(max((finding.value for finding in found), default=0.0))
        assert worst == sorted(worst)
        assert worst[-1] > 1.0


@pytest.mark.parametrize("frames", [0, 6, 20, 40])
def test_a_freeze_is_seen_in_packets_and_in_runs(clips: list[Reel], frames: int) -> None:
    """In packets anywhere in the reel; in runs where the file's packets say nothing (all-intra, say)."""
    for reel in clips:
        packets, pixels, duration = reel.packets, reel.info.width * reel.info.height, reel.info.duration_seconds
        assert packets is not None
        start = len(packets.seconds) - 45
        sizes = packets.size_bytes.copy()
        sizes[start : start + frames] = 12
        table = replace(packets, size_bytes=sizes, is_keyframe=np.zeros_like(packets.is_keyframe))
        found = temporal_faults.frozen(table, pixels, (), duration)
        held = float(packets.seconds[start + frames - 1] - packets.seconds[start - 1]) if frames else 0.0
        assert len(found) == (held >= 0.5)
        if found:
            assert found[0].value == pytest.approx(held)
            assert found[0].start_seconds == pytest.approx(packets.seconds[start - 1])

        luma = reel.runs[0].luma.copy()
        luma[10 : 11 + frames] = luma[10]
        run = FrameRun(luma=luma, seconds=reel.runs[0].seconds)
        found = temporal_faults.frozen(packets, pixels, (run,), duration)
        held = float(run.seconds[10 + frames] - run.seconds[10])
        assert [finding.value for finding in found] == ([pytest.approx(held)] if held >= 0.5 else [])


def test_small_packets_of_a_moving_picture_are_no_freeze(clips: list[Reel]) -> None:
    """Where a decoded run shows the change, and where the whole file is starved."""
    for reel in clips:
        packets, pixels = reel.packets, reel.info.width * reel.info.height
        assert packets is not None
        in_run = np.isin(packets.seconds, reel.runs[0].seconds)
        starved = replace(packets, size_bytes=np.where(in_run, 12, packets.size_bytes))
        assert not temporal_faults.frozen(starved, pixels, reel.runs, reel.info.duration_seconds)
        all_small = replace(packets, size_bytes=np.full_like(packets.size_bytes, 20))
        assert not temporal_faults.frozen(all_small, pixels, (), reel.info.duration_seconds)


@pytest.mark.parametrize("missing", [1, 5, 10, 20])
def test_missing_frames(clips: list[Reel], missing: int) -> None:
    for reel in clips:
        packets = reel.packets
        assert packets is not None
        assert not temporal_faults.gaps(packets), "the clean copy"
        kept = np.ones(len(packets.seconds), bool)
        kept[30 : 30 + missing] = False
        found = temporal_faults.gaps(
            PacketTable(
                seconds=packets.seconds[kept],
                size_bytes=packets.size_bytes[kept],
                is_keyframe=packets.is_keyframe[kept],
            )
        )
        gap = float(packets.seconds[30 + missing] - packets.seconds[29])
        assert len(found) == (gap > max(0.15, 2.5 * float(np.median(np.diff(packets.seconds)))))
        if missing == 20:
            assert found[0].value == pytest.approx(gap)
            assert found[0].kind == "dropped"


def test_repeated_frames(clips: list[Reel]) -> None:
    """Every second, then two of three frames repeat the one before, as when 15 or 10 a second are shown as 30."""
    for reel in clips:
        assert not temporal_faults.repeats(reel.runs), "the clean copy"
        shares = []
        for each in (5, 2, 3):
            runs = tuple(
                FrameRun(luma=run.luma[_repeating(len(run.luma), each)], seconds=run.seconds) for run in reel.runs
            )
            (found,) = temporal_faults.repeats(runs)
            shares.append(found.value)
        assert shares == pytest.approx([0.2, 0.5, 0.67], abs=0.05)


def _repeating(frames: int, each: int) -> np.ndarray:
    """5: every fifth frame repeats the one before. 2 and 3: each frame is shown twice, three times."""
    index = np.arange(frames)
    return index - (index % 5 == 4) if each == 5 else index // each * each


def test_a_still_is_no_stutter(clips: list[Reel]) -> None:
    for reel in clips:
        runs = tuple(FrameRun(luma=np.repeat(run.luma[:1], len(run.luma), 0), seconds=run.seconds) for run in reel.runs)
        assert not temporal_faults.repeats(runs)
        assert temporal_faults.frozen(reel.packets, 1, runs, reel.info.duration_seconds)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("platform", "width", "height", "rate", "codec", "least"),
    [
        ("youtube", 1080, 1920, 30.0, "h264", 8.0e6),
        ("youtube", 1080, 1920, 59.94, "h264", 12.0e6),
        ("youtube", 1080, 1920, 30.0, "hevc", 4.0e6),
        ("youtube", 720, 1280, 30.0, "h264", 5.0e6),
        ("youtube", 900, 1600, 30.0, "h264", 5.0e6),
        ("youtube", 300, 500, 30.0, "h264", None),
        ("tiktok", 1080, 1920, 30.0, "h264", 0.516e6),
        ("instagram", 1080, 1920, 30.0, "h264", None),
        (None, 1080, 1920, 30.0, "h264", 0.516e6),
    ],
)
def test_bit_rate(
    clips: list[Reel], platform: Platform | None, width: int, height: int, rate: float, codec: str, least: float | None
) -> None:
    info = replace(
        clips[0].info, width=width, height=height, frame_rate=rate, codec=codec, duration_seconds=10.0, bit_rate=None
    )

    def found(bits_a_second: float) -> Finding | None:
        sizes = np.full(300, round(bits_a_second * 10.0 / 8 / 300), np.int64)
        table = PacketTable(seconds=np.arange(300) / 30.0, size_bytes=sizes, is_keyframe=np.zeros(300, bool))
        return format_faults.bit_rate(replace(clips[0], info=info, packets=table), platform)

    if least is None:
        assert not found(1000.0)
        return
    assert not found(1.01 * least)
    finding = found(0.5 * least)
    assert finding is not None
    assert finding.threshold == pytest.approx(least)
    assert finding.value == pytest.approx(0.5 * least, rel=0.01)
    assert finding.reason


@pytest.mark.parametrize(
    ("width", "height", "filled"),
    [
        (1080, 1920, None),
        (1080, 1800, None),
        (1080, 1350, 0.70),
        (1080, 1080, 0.56),
        (1920, 1080, 0.32),
        (500, 1920, 0.46),
    ],
)
def test_aspect(clips: list[Reel], width: int, height: int, filled: float | None) -> None:
    reel = replace(clips[0], info=replace(clips[0].info, width=width, height=height))
    found = [finding for finding in format_faults.find(reel, "tiktok") if finding.kind == "aspect"]
    assert [finding.value for finding in found] == ([] if filled is None else [pytest.approx(filled, abs=0.01)])


@pytest.mark.parametrize("share", [0.0, 0.03, 0.1, 0.3])
@pytest.mark.parametrize("beside", [False, True])
def test_black_bars(clips: list[Reel], share: float, beside: bool) -> None:
    for reel in clips:
        rgb = reel.frames.rgb.copy()
        side = rgb.shape[2 if beside else 1]
        bar = round(share * side)
        if bar:
            view = rgb.swapaxes(1, 2) if beside else rgb
            view[:, :bar] = view[:, -bar:] = 0
        batch = FrameBatch(rgb=rgb, seconds=reel.frames.seconds)
        found = [f for f in format_faults.find(replace(reel, frames=batch), None) if f.kind == "bars"]
        assert len(found) == (share > 0.0)
        if found:
            assert found[0].value == pytest.approx(1.0 - 2.0 * share, abs=0.01)
            assert ("left and right" if beside else "above and below") in found[0].sentence


def test_low_resolution_by_platform(clips: list[Reel]) -> None:
    for platform, side, expected in (("tiktok", 540, 0), ("tiktok", 530, 1), ("instagram", 540, 1), (None, 540, 0)):
        reel = replace(clips[0], info=replace(clips[0].info, width=side, height=2 * side))
        found = [f for f in format_faults.find(reel, platform) if f.kind == "low_resolution"]  # type: ignore[arg-type]
        assert len(found) == expected, (platform, side)


def test_findings_come_in_order_and_without_signals(clips: list[Reel]) -> None:
    """A reel opened for less is looked at for less; nothing is made up and nothing fails."""
    for reel in clips:
        bare = replace(reel, runs=(), packets=None, frames=FrameBatch(rgb=reel.frames.rgb[:0], seconds=np.zeros(0)))
        assert {finding.kind for finding in diagnose(bare, Post(), ())} == {"low_resolution"}
        found = diagnose(reel, Post(platform="youtube"), ())
        assert [f.start_seconds for f in found] == sorted(f.start_seconds for f in found)
        assert {f.kind for f in found} == {"low_resolution", "bit_rate"}


def _limit(threshold: float, *, below: bool = False, stills: int = 1) -> Fault:
    return Fault(kind="noise", unit="", sentence="", threshold=threshold, below=below, stills=stills)


def test_findings_over_time() -> None:
    line = Timeline(seconds=np.arange(7.0), values=np.array([0.0, 5, 0, 6, 0, 0, 7]))
    found = findings_over_time(_limit(4.0), line, 9.0)
    assert [(f.start_seconds, f.end_seconds, f.value, f.worst_seconds) for f in found] == [
        (0.5, 3.5, 6.0, 3.0),
        (5.5, 9.0, 7.0, 6.0),
    ]
    assert not findings_over_time(_limit(4.0, stills=3), line, 9.0)
    negative = Timeline(seconds=line.seconds, values=-line.values)
    near = findings_over_time(_limit(-4.0, below=True), negative, 9.0, reach_seconds=0.2)
    assert [(f.start_seconds, f.end_seconds) for f in near] == [(0.8, 3.2), (5.8, 6.2)]
    single = Timeline(seconds=np.zeros(1), values=np.array([9.0]))
    assert [(f.start_seconds, f.end_seconds) for f in findings_over_time(_limit(4.0, stills=2), single, 2.0)] == [
        (0.0, 2.0)
    ]


def test_true_runs() -> None:
    assert true_runs(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    assert true_runs(np.zeros(0, bool)) == []
