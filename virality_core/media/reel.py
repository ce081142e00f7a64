"""Opens a reel and returns what a plan asks for: the file is read once for its index and sound and decoded once."""

from __future__ import annotations

import math
from dataclasses import replace

from virality_core.errors import InputError
from virality_core.media import malloc_trim
from virality_core.media.container.source import Source, VideoSource
from virality_core.media.container.stream_index import StreamIndex
from virality_core.media.decoding import sampling_grid
from virality_core.media.decoding.frame_decoder import FrameDecoder
from virality_core.media.decoding.frame_sampler import sample_frames
from virality_core.media.decoding.opened_video import open_video
from virality_core.media.guards.limits import DEFAULT_LIMITS, Limits
from virality_core.media.shots.detector import find_cuts
from virality_core.media.sound.track import AudioCollector
from virality_core.types import Plan, Progress, Reel, VideoInfo, no_progress

_MIN_DUPLICATES = 0.01  # of all frames; fewer are not worth a note


def open_reel(
    source: VideoSource,
    plan: Plan,
    *,
    name: str | None = None,
    progress: Progress = no_progress,
    limits: Limits = DEFAULT_LIMITS,
) -> Reel:
    """Read and decode what the plan asks for. Memory is bounded by the plan, not by the reel's length.

    Args:
        source: A path or an open binary file, read in place; nothing is written.
        plan: How many stills, whether runs, cuts, …
        name: What messages call the file; by default the last part of the path.
        progress: Called often with (stage, fraction); may raise Cancelled.
        limits: What is accepted.

    Raises:
        InputError: not a video, damaged beyond reading, or over a limit.
        Cancelled: `progress` raised it; every file is closed.
    """
    audio = AudioCollector(plan.audio_rate, limits.max_seconds) if plan.audio_rate else None
    with (
        Source(source, name=name, limits=limits) as opened,
        open_video(opened, progress, on_audio=audio.add if audio else None) as decoder,
    ):
        index = decoder.index
        track = audio.finish(float(index.start_pts * index.time_base)) if audio else None
        info = _measured(decoder.info, index, limits)
        reel = sample_frames(decoder, plan, progress)
        cuts = find_cuts(decoder, reel.runs, progress) if plan.cuts else None
        notes = [
            *_incomplete(decoder.info, info, index, plan),
            *_losses(decoder),
        ]
    malloc_trim.trim()
    if index.duplicates > _MIN_DUPLICATES * (index.duplicates + len(index.frame_pts)):
        notes.append(
            f"{index.duplicates:,} frames have the same time as another and were left out; this happens when files "
            "are joined and each part's clock starts at zero."
        )
    if info.audio is None:
        notes.append("The file has no sound.")
    elif audio is not None:
        notes += audio.notes()
    if info.transfer != "sdr":
        notes.append(f"The video is HDR ({info.transfer.upper()}); it was converted to SDR, as most screens show it.")
    if info.has_alpha:
        notes.append("The video has transparent parts; they are shown over black.")
    if plan.clips and info.duration_seconds < sampling_grid.CLIP_FRAMES / sampling_grid.CLIP_RATE:
        notes.append("The reel is shorter than a clip of 16 frames at 15 per second; it was looped.")
    return replace(reel, info=info, packets=index.packet_table(), cuts=cuts, audio=track, notes=tuple(notes))


def _measured(info: VideoInfo, index: StreamIndex, limits: Limits) -> VideoInfo:
    """The info with duration, rate and number of frames as counted, whatever the header says."""
    seconds, count = index.duration_seconds, len(index.frame_pts)
    limits.check_length(seconds, frame_seconds=seconds / count, name=info.name)
    if info.container == "gif" and count == 1:
        raise InputError(f"“{info.name}” is a GIF with a single picture, not a video; upload a video such as MP4.")
    rate = count / seconds if seconds > 0 else info.frame_rate
    return replace(info, duration_seconds=seconds or 1 / (info.frame_rate or 25.0), frame_rate=rate, frame_count=count)


def _incomplete(header: VideoInfo, info: VideoInfo, index: StreamIndex, plan: Plan) -> list[str]:
    # A file's overall length may be that of its sound, which can only be checked if the sound was read.
    unknown = not plan.audio_rate and info.audio is not None and info.audio.duration_seconds is None
    missing = 0.0 if unknown else header.duration_seconds - max(info.duration_seconds, index.audio_end_seconds)
    if not index.damaged and missing <= max(0.5, 0.02 * header.duration_seconds):
        return []
    expected = max(header.duration_seconds, info.duration_seconds)
    return [f"The file ends early or is damaged: {info.duration_seconds:.1f} s of {expected:.1f} s could be read."]


def _losses(decoder: FrameDecoder) -> list[str]:
    """A note on frames that could not be decoded, including those a codec dropped silently."""
    packets, requested, missing = decoder.losses()
    if not packets and not missing:
        return []
    share = math.floor(100 * (requested - missing) / max(1, requested))
    what = f"{packets:,} damaged pieces" if packets else f"{missing:,} damaged or missing frames"
    return [
        f"{what} of the video could not be decoded and were skipped: "
        f"{requested - missing:,} of the {requested:,} frames needed were read ({share} %)."
    ]
