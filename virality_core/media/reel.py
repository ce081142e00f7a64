"""Opens a reel and returns what a plan asks for: two readings of the file, one decode, memory bounded by the plan."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import replace

from virality_core.errors import InputError
from virality_core.media import malloc_trim
from virality_core.media.container.source import Source, VideoSource
from virality_core.media.container.stream_index import Survey, survey
from virality_core.media.decoding import sampling_grid
from virality_core.media.decoding.first_frame import first_decoder
from virality_core.media.decoding.frame_decoder import Decoder
from virality_core.media.decoding.frame_sampler import take
from virality_core.media.decoding.probe import checked_video, describe
from virality_core.media.guards.limits import DEFAULT_LIMITS, Limits
from virality_core.media.shots.detector import find_cuts
from virality_core.media.sound.track import AudioCollector
from virality_core.types import Plan, Progress, Reel, VideoInfo

_REPEATED_AT_LEAST = 0.01  # of all frames: a stray time stamp is no matter


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
    with Source(source, name=name, limits=limits) as opened, opened.open() as container, ExitStack() as stack:
        stream = checked_video(opened, container)
        sound = AudioCollector(plan.audio_rate, limits.max_seconds) if plan.audio_rate else None
        table = survey(opened, container, stream, progress=report, audio=sound.add if sound else None)
        audio = sound.finish(float(table.zero * table.time_base)) if sound else None
        first = first_decoder(opened, container, table, report)
        stack.callback(first.decoder.close)
        header, picture = describe(opened, container, stream, first.frame)
        info = _measured(header, table, limits)
        with Decoder(opened, table, picture) as decoder:
            decoder.adopt(first.decoder)
            taken = take(decoder, plan, report)
            cuts = find_cuts(decoder, taken.runs, report) if plan.cuts else None
            damaged, (asked, seen) = decoder.damaged_packets, decoder.asked_and_seen
    malloc_trim.give_back()
    return Reel(
        info=info,
        frames=taken.frames,
        hook=taken.hook,
        runs=taken.runs,
        packets=table.packets(),
        cuts=cuts,
        clips=taken.clips,
        audio=audio,
        notes=_notes(header, info, table, plan, _damage(damaged, asked, seen), sound.notes() if sound else ()),
    )


def _silent(stage: str, fraction: float) -> None:
    pass


def _measured(info: VideoInfo, table: Survey, limits: Limits) -> VideoInfo:
    """The info with duration, rate and number of frames as counted instead of as the header says."""
    seconds = table.duration_seconds
    count = len(table.shown)
    limits.check_length(seconds, frame_seconds=seconds / count, name=info.name)
    if info.container == "gif" and count == 1:
        raise InputError(f"“{info.name}” is a GIF with a single picture, not a video; upload a video such as MP4.")
    rate = count / seconds if seconds > 0 else info.frame_rate
    return replace(info, duration_seconds=seconds or 1 / (info.frame_rate or 25.0), frame_rate=rate, frame_count=count)


def _notes(
    header: VideoInfo, info: VideoInfo, table: Survey, plan: Plan, damage: tuple[str, ...], sound: tuple[str, ...]
) -> tuple[str, ...]:
    notes = []
    # Where only the file's length is stated, the sound may be what lasts so long: it must have been read to tell.
    unknown = not plan.audio_rate and info.audio is not None and info.audio.duration_seconds is None
    missing = 0.0 if unknown else header.duration_seconds - max(info.duration_seconds, table.sound_end)
    if table.damaged or missing > max(0.5, 0.02 * header.duration_seconds):
        notes.append(
            f"The file ends early or is damaged: {info.duration_seconds:.1f} s of "
            f"{max(header.duration_seconds, info.duration_seconds):.1f} s could be read."
        )
    notes += damage
    if table.repeated > _REPEATED_AT_LEAST * (table.repeated + len(table.shown)):
        notes.append(
            f"{table.repeated:,} frames have the time of another and were left out, as in files joined from parts "
            "whose clocks each begin anew."
        )
    if info.audio is None:
        notes.append("The file has no sound.")
    else:
        notes += sound
    if info.transfer != "sdr":
        notes.append(f"The video is HDR ({info.transfer.upper()}); it was brought to SDR as a usual screen shows it.")
    if info.has_alpha:
        notes.append("The video has transparent parts; they are shown over black.")
    if plan.clips and info.duration_seconds < sampling_grid.CLIP_FRAMES / sampling_grid.CLIP_RATE:
        notes.append("The reel is shorter than a clip of 16 frames at 15 a second; it was looped.")
    return tuple(notes)


def _damage(pieces: int, asked: int, seen: int) -> tuple[str, ...]:
    """What the reader should know of frames that could not be decoded, a codec's silent losses included."""
    lost = asked - seen
    if not pieces and not lost:
        return ()
    share = f"{seen:,} of the {asked:,} frames looked for came out ({math.floor(100 * seen / max(1, asked))} %)"
    what = f"{pieces:,} damaged pieces of the video" if pieces else f"{lost:,} damaged or missing frames of the video"
    return (f"{what} could not be decoded and were passed over: {share}.",)
