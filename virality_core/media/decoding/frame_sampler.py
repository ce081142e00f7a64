"""Hands each decoded frame to whoever wants it: stills, the hook, runs and clips share one decode."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from virality_core.errors import InputError
from virality_core.media.color.frame_converter import Picture
from virality_core.media.container.source import no_frame
from virality_core.media.container.stream_index import Survey
from virality_core.media.decoding import sampling_grid
from virality_core.media.decoding.frame_decoder import Decoder
from virality_core.media.decoding.gop_decoder import frame_ticks
from virality_core.types import ClipBatch, FrameBatch, FrameRun, Plan, Progress

CLIP_PIXELS = 320 * 180  # of a clip's frame: networks for clips look at 112 to 256 lines


@dataclass(slots=True, kw_only=True)
class Taken:
    """What a plan's frames became."""

    frames: FrameBatch
    hook: FrameBatch | None
    runs: tuple[FrameRun, ...]
    clips: ClipBatch | None


def take(decoder: Decoder, plan: Plan, progress: Progress) -> Taken:
    """Decode the union of all frames the plan wants, each once.

    Raises:
        InputError: stills are wanted and not one frame can be decoded.
        Cancelled: `progress` raised it.
    """
    survey, picture = decoder.survey, decoder.picture
    begin = plan.start_seconds
    all_shown = survey.seconds(survey.shown)
    first = min(int(np.searchsorted(all_shown, begin - 1e-9)), len(all_shown) - 1)
    shown, duration = all_shown[first:] - begin, survey.duration_seconds - begin
    keys = survey.seconds(survey.key_ticks)
    keys = keys[keys >= all_shown[first]] - begin
    still_places = sampling_grid.stills(shown, keys, count=plan.stills, duration_seconds=duration, exact=plan.exact)
    hook_places = sampling_grid.hook_stills(shown, count=plan.hook_stills, duration_seconds=duration)
    run_places = sampling_grid.runs(shown, still_places) if plan.runs else []
    clip_places = sampling_grid.clips(shown, count=plan.clips, duration_seconds=duration) + first
    still_places, hook_places = [i + first for i in still_places], [i + first for i in hook_places]
    run_places = [[i + first for i in run] for run in run_places]
    size = picture.size_within(plan.pixel_budget)

    stills = _Pictures(_ticks(survey, still_places), size, again=plan.coded_again)
    hook = _Pictures(_ticks(survey, hook_places), size, again=plan.coded_again)
    clips = _Pictures(_ticks(survey, sorted(set(clip_places.reshape(-1).tolist()))), picture.size_within(CLIP_PIXELS))
    in_runs = {tick for run in run_places for tick in _ticks(survey, run)}
    key_ticks = frozenset(survey.key_ticks.tolist())
    small: dict[int, tuple[int, NDArray[np.uint8]]] = {}  # by wanted tick: own tick and luma

    def receive(tick: int, frame: VideoFrame) -> None:
        own = frame_ticks(frame)
        own = tick if own is None else own
        for pictures in (stills, hook, clips):
            pictures.receive(tick, own, frame, picture)
        if tick in in_runs or own in key_ticks:
            luma = picture.small_luma(frame)
            if tick in in_runs:
                small[tick] = (own, luma)
            if own in key_ticks:
                decoder.remember(own, luma)

    decoder.take([*stills.rows, *hook.rows, *clips.rows, *in_runs], receive, progress)
    if (plan.stills or plan.hook_stills) and not (stills.own or hook.own):
        raise InputError(no_frame(decoder.name))
    # Where next to nothing can be decoded, what there is of the hook stands for the reel.
    over_the_reel = stills if stills.own or not plan.stills else hook
    came = ([small[tick] for tick in _ticks(survey, run) if tick in small] for run in run_places)
    return Taken(
        frames=over_the_reel.batch(survey),
        hook=hook.batch(survey) if plan.hook_stills else None,
        runs=tuple(_run(survey, frames) for frames in came if frames),
        clips=clips.clips(survey, clip_places) if clips.own else None,
    )


class _Pictures:
    """RGB pictures of one size, one row for each wanted tick; rows are filled on the workers' threads."""

    def __init__(self, wanted: Sequence[int], size: tuple[int, int], *, again: bool = False) -> None:
        width, height = size
        self._again = again
        self.rows = {tick: row for row, tick in enumerate(wanted)}
        self.own: dict[int, int] = {}  # by wanted tick: the tick of the frame that came
        self._rgb = np.empty((len(wanted), height, width, 3), np.uint8)

    def receive(self, tick: int, own: int, frame: VideoFrame, picture: Picture) -> None:
        if tick in self.rows:
            picture.rgb(frame, self._rgb[self.rows[tick]], again=self._again)
            self.own[tick] = own

    def batch(self, survey: Survey) -> FrameBatch:
        """Ascending, each frame once; no copy unless a frame was missing."""
        first_with = {own: tick for tick, own in sorted(self.own.items(), reverse=True)}
        order = [self.rows[first_with[own]] for own in sorted(first_with)]
        whole = order == list(range(len(self._rgb)))
        seconds = survey.seconds(np.array(sorted(first_with), np.int64))
        return FrameBatch(rgb=self._rgb if whole else self._rgb[order], seconds=seconds)

    def clips(self, survey: Survey, chosen: NDArray[np.intp]) -> ClipBatch:
        """Clips by index into `survey.shown` (K, T); a missing frame is stood in for by the nearest that came."""
        have = np.array(sorted(self.own), np.int64)
        wanted = survey.shown[chosen]
        nearest = sampling_grid.nearest(have.astype(np.float64), wanted.reshape(-1).astype(np.float64))
        ticks = have[nearest].reshape(wanted.shape)
        flat: list[int] = ticks.reshape(-1).tolist()
        rows = np.array([self.rows[tick] for tick in flat], np.intp).reshape(ticks.shape)
        own = np.array([self.own[tick] for tick in flat], np.int64).reshape(ticks.shape)
        return ClipBatch(rgb=self._rgb[rows], seconds=survey.seconds(own))


def _ticks(survey: Survey, indices: Iterable[int]) -> list[int]:
    return [int(survey.shown[index]) for index in indices]


def _run(survey: Survey, frames: list[tuple[int, NDArray[np.uint8]]]) -> FrameRun:
    unique = dict(frames)
    order = sorted(unique)
    return FrameRun(luma=np.stack([unique[tick] for tick in order]), seconds=survey.seconds(np.array(order, np.int64)))
