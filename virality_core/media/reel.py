"""Opens a reel and returns what a plan asks for: two readings of the file, one decode, memory bounded by the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from virality_core.errors import InputError
from virality_core.media import places
from virality_core.media.audio import AudioCollector
from virality_core.media.decode import Decoder
from virality_core.media.limits import DEFAULT_LIMITS, Limits
from virality_core.media.probe import inspect
from virality_core.media.source import Source, VideoSource, main_video
from virality_core.media.survey import Survey, survey
from virality_core.types import Audio, ClipBatch, FrameBatch, FrameRun, Plan, Progress, Reel, VideoInfo

STAGE = "decoding"
CLIP_PIXELS = 320 * 180  # a clip's frames: networks for clips look at 112 to 256 lines


def open_reel(
    source: VideoSource,
    plan: Plan,
    *,
    name: str | None = None,
    progress: Progress | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Reel:
    """Read and decode what the plan asks for.

    Args:
        source: a path or an open binary file; it is read in place, nothing is written anywhere.
        plan: how many stills, whether runs, cuts, …
        name: what to call the file; the path's last part if not given.
        progress: called with (stage, fraction) all along; may raise Cancelled.
        limits: what is taken in.

    Raises:
        InputError: not a video, damaged beyond reading, or over a limit.
        Cancelled: `progress` raised it; every file is closed.
    """
    report = progress or _silent
    with Source(source, name=name, limits=limits) as opened:
        inspection = inspect(opened)
        collector = AudioCollector(plan.audio_rate, limits.max_seconds) if plan.audio_rate else None
        with opened.open() as container:
            stream = main_video(container, opened.name)
            table = survey(
                container,
                stream,
                name=opened.name,
                size_bytes=opened.size_bytes,
                limits=limits,
                progress=report,
                audio=collector.add if collector else None,
            )
        info = _measured(inspection.info, table, limits)
        zero_seconds = table.zero * table.time_base
        audio = collector.finish(Fraction(zero_seconds)) if collector else None
        with Decoder(opened, table, inspection.picture, report) as decoder:
            taken = _take(decoder, table, info, plan, report)
            damaged = decoder.damaged_packets
    notes = _notes(inspection.info, info, table, plan, audio, damaged_packets=damaged)
    return Reel(
        info=info,
        frames=taken.frames,
        hook=taken.hook,
        runs=taken.runs,
        packets=table.packets(),
        clips=taken.clips,
        audio=audio,
        notes=notes,
    )


def _silent(stage: str, fraction: float) -> None:
    pass


@dataclass(slots=True, kw_only=True)
class _Taken:
    frames: FrameBatch
    hook: FrameBatch | None
    runs: tuple[FrameRun, ...]
    clips: ClipBatch | None


@dataclass(slots=True)
class _Stills:
    """Fills a batch of stills as their frames come by; a frame that could not be decoded leaves no row."""

    wanted: list[int]  # ticks
    size: tuple[int, int]
    rgb: NDArray[np.uint8] = field(init=False)
    ticks: list[int] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        width, height = self.size
        self.rgb = np.empty((len(self.wanted), height, width, 3), np.uint8)

    def batch(self, table: Survey) -> FrameBatch:
        count = len(self.ticks)
        order = np.argsort(self.ticks, kind="stable")
        sorted_already = bool((order == np.arange(count)).all())
        rgb = self.rgb[:count] if sorted_already else self.rgb[order]
        return FrameBatch(rgb=rgb, seconds=np.asarray(table.seconds(np.array(self.ticks, np.int64)[order])))


def _take(decoder: Decoder, table: Survey, info: VideoInfo, plan: Plan, progress: Progress) -> _Taken:
    """Decode the union of all wanted frames once, in order, and hand each frame to whoever wants it."""
    shown, picture = table.seconds(table.shown), decoder.picture
    keys = table.seconds(table.key_ticks)
    size, clip_size = picture.size_within(plan.pixel_budget), picture.size_within(CLIP_PIXELS)
    duration = info.duration_seconds
    still_places = (
        places.stills(shown, keys, count=plan.stills, duration_seconds=duration, exact=plan.exact)
        if plan.stills
        else []
    )
    hook_places = (
        places.hook_stills(shown, count=plan.hook_stills, duration_seconds=duration) if plan.hook_stills else []
    )
    run_places = places.runs(shown, still_places) if plan.runs else []
    clip_places = places.clips(shown, count=plan.clips, duration_seconds=duration) if plan.clips else None

    def ticks(indices: Sequence[int]) -> list[int]:
        return [int(table.shown[i]) for i in indices]

    batches = [_Stills(ticks(still_places), size), _Stills(ticks(hook_places), size)]
    run_of = {tick: number for number, run in enumerate(run_places) for tick in ticks(run)}
    run_frames: list[dict[int, NDArray[np.uint8]]] = [{} for _ in run_places]
    clip_ticks = set(ticks(clip_places.reshape(-1).tolist())) if clip_places is not None else set()
    clip_frames: dict[int, tuple[int, NDArray[np.uint8]]] = {}
    key_ticks = set(table.key_ticks.tolist())
    wanted = sorted({*batches[0].wanted, *batches[1].wanted, *run_of, *clip_ticks})
    for done, (tick, frame) in enumerate(decoder.frames(wanted)):
        progress(STAGE, done / len(wanted))
        own = _own_tick(frame, tick)
        pixels: NDArray[np.uint8] | None = None
        for batch in batches:
            if tick in batch.wanted and own not in batch.ticks:
                row = batch.rgb[len(batch.ticks)]
                if pixels is None:
                    picture.rgb(frame, row)
                    pixels = row
                else:
                    np.copyto(row, pixels)
                batch.ticks.append(own)
        if tick in run_of or tick in key_ticks:
            luma = picture.small_luma(frame)
            if tick in run_of:
                run_frames[run_of[tick]].setdefault(own, luma)
            if own in key_ticks:
                decoder.remember(own, luma)
        if tick in clip_ticks:
            small = np.empty((clip_size[1], clip_size[0], 3), np.uint8)
            picture.rgb(frame, small)
            clip_frames[tick] = (own, small)
    progress(STAGE, 1.0)
    if wanted and not any(batch.ticks for batch in batches) and (plan.stills or plan.hook_stills):
        raise InputError(f"“{info.name}” holds no frame that can be decoded: it is damaged; export it again.")
    return _Taken(
        frames=batches[0].batch(table),
        hook=batches[1].batch(table) if plan.hook_stills else None,
        runs=tuple(_run(frames, table) for frames in run_frames if frames),
        clips=_clip_batch(clip_places, clip_frames, table) if clip_places is not None and clip_frames else None,
    )


def _run(frames: dict[int, NDArray[np.uint8]], table: Survey) -> FrameRun:
    order = sorted(frames)
    return FrameRun(
        luma=np.stack([frames[tick] for tick in order]), seconds=np.asarray(table.seconds(np.array(order, np.int64)))
    )


def _clip_batch(chosen: NDArray[np.intp], frames: dict[int, tuple[int, NDArray[np.uint8]]], table: Survey) -> ClipBatch:
    """The clips in order; a frame that could not be decoded is stood in for by the decoded one nearest in time."""
    have = np.array(sorted(frames), np.int64)
    wanted = table.shown[chosen]
    stand_in = have[places.nearest(have.astype(np.float64), wanted.reshape(-1).astype(np.float64))].reshape(
        chosen.shape
    )
    rgb = np.stack([np.stack([frames[int(tick)][1] for tick in clip]) for clip in stand_in])
    own = np.array([[frames[int(tick)][0] for tick in clip] for clip in stand_in], np.int64)
    return ClipBatch(rgb=rgb, seconds=np.asarray(table.seconds(own)))


def _own_tick(frame: VideoFrame, wanted: int) -> int:
    when = frame.pts if frame.pts is not None else frame.dts
    return wanted if when is None else int(when)


def _measured(info: VideoInfo, table: Survey, limits: Limits) -> VideoInfo:
    """The info with duration, rate and number of frames as counted instead of as the header says."""
    seconds = table.duration_seconds
    if seconds > limits.max_seconds:
        raise InputError(
            f"“{info.name}” runs for {seconds / 60:.1f} minutes; the longest reel taken has "
            f"{limits.max_seconds / 60:.0f} minutes."
        )
    count = len(table.shown)
    if info.container == "gif" and count == 1:
        raise InputError(f"“{info.name}” is a GIF with a single picture, not a video; upload a video such as MP4.")
    rate = count / seconds if seconds > 0 else info.frame_rate
    return replace(info, duration_seconds=seconds or 1 / (info.frame_rate or 25.0), frame_rate=rate, frame_count=count)


def _notes(
    header: VideoInfo, info: VideoInfo, table: Survey, plan: Plan, audio: Audio | None, *, damaged_packets: int
) -> tuple[str, ...]:
    notes = []
    missing = header.duration_seconds - info.duration_seconds
    if table.damaged or missing > max(0.5, 0.02 * header.duration_seconds):
        notes.append(
            f"The file ends early or is damaged: {info.duration_seconds:.1f} s of "
            f"{max(header.duration_seconds, info.duration_seconds):.1f} s could be read."
        )
    if damaged_packets:
        notes.append(f"{damaged_packets} damaged pieces of the video could not be decoded and were passed over.")
    if info.audio is None:
        notes.append("The file has no sound.")
    elif plan.audio_rate and audio is None:
        notes.append("The sound could not be decoded.")
    if info.transfer != "sdr":
        notes.append(f"The video is HDR ({info.transfer.upper()}); it was brought to SDR as a usual screen shows it.")
    if info.has_alpha:
        notes.append("The video has transparent parts; they are shown over black.")
    if plan.clips and info.duration_seconds < places.CLIP_FRAMES / places.CLIP_RATE:
        notes.append("The reel is shorter than a clip of 16 frames at 15 a second; it was looped.")
    return tuple(notes)
