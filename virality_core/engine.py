"""Runs jobs: one worker per device, one first-in, first-out queue with positions and cancellation.

The page and a service share one `Engine`. It loads the scorers once, with the first job that needs them. A job's bytes
are released as soon as it ends.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from virality_core.advice import Change
from virality_core.advice.export import export_bytes
from virality_core.advice.trial import with_advice
from virality_core.errors import Cancelled, InputError, ViralityError
from virality_core.forecast.features import Facts
from virality_core.forecast.own_posts_fit import History
from virality_core.media import malloc_trim, preview_mp4
from virality_core.models import device
from virality_core.pipeline import Scorers, load_scorers, score_reel
from virality_core.score import Weighting
from virality_core.types import Post, Profile, Progress, Report
from virality_core.what_if import own_history

MAX_WAITING = 50  # jobs: at a few seconds each, the last visitor waits some minutes and sees how many are ahead
TIME_LIMIT_SECONDS = 600.0  # per job; the longest reel that is accepted takes far less on two cores
_DURATIONS_KEPT = 20  # per kind of job, to estimate the wait

State = Literal["waiting", "running", "done", "failed", "cancelled"]
Source = str | Path | BytesIO

_log = logging.getLogger(__name__)


class EngineBusy(ViralityError):  # noqa: N818  (a state, not a fault)
    """The queue is full."""


Result = TypeVar("Result")
Work = Callable[[Progress, Callable[[Profile], Scorers]], Result]


class Job(Generic[Result]):
    """One job in the queue. `stage` and `fraction` (0–1) are its progress; `error` can be shown to a user."""

    def __init__(self, engine: Engine, kind: str, work: Work[Result]) -> None:
        self.state: State = "waiting"
        self.stage = "waiting"
        self.fraction = 0.0
        self.error: ViralityError | None = None
        self.started_at: float | None = None  # by `time.monotonic`
        self.kind = kind
        self._engine = engine
        self._work: Work[Result] | None = work
        self._result: Result | None = None
        self._ended = threading.Event()

    @property
    def ended(self) -> bool:
        """Whether the job is done, failed or cancelled."""
        return self._ended.is_set()

    @property
    def position(self) -> int:
        """How many jobs are ahead, including running ones; 0 if it runs or has ended."""
        engine = self._engine
        with engine._changed:
            return engine._waiting.index(self) + len(engine._running) if self in engine._waiting else 0

    @property
    def wait_seconds(self) -> float | None:
        """Estimated time until it runs, from how long recent jobs took; None before the first job is done."""
        engine = self._engine
        with engine._changed:
            if self not in engine._waiting:
                return 0.0
            means = {kind: sum(seconds) / len(seconds) for kind, seconds in engine._durations.items()}
            if not means:
                return None
            longest, now = max(means.values()), time.monotonic()
            ahead = [*engine._running, *itertools.takewhile(lambda job: job is not self, engine._waiting)]
            left = (means.get(job.kind, longest) - (now - (job.started_at or now)) for job in ahead)
            return sum(max(0.0, seconds) for seconds in left) / len(engine._threads)

    def cancel(self) -> None:
        """Cancel the job: a waiting one leaves the queue, a running one stops at its next progress call."""
        engine = self._engine
        with engine._changed:
            if self in engine._waiting:
                engine._waiting.remove(self)
            engine._end(self, "cancelled", error=Cancelled("Scoring was cancelled."))

    def result(self, timeout_seconds: float | None = None) -> Result:
        """Wait for the result.

        Raises:
            ViralityError: The job failed; Cancelled if it was cancelled.
            TimeoutError: The job has not ended within `timeout_seconds`.
        """
        if not self._ended.wait(timeout_seconds):
            raise TimeoutError(f"the job is still {self.state} after {timeout_seconds} s")
        if self.error is not None:
            raise self.error
        assert self._result is not None
        return self._result


class Engine:
    """Runs one job per device at a time, in order of submission.

    Args:
        devices: `cuda:0`, `cpu` …, one worker for each; None is the default device.
        max_waiting: Further jobs are refused.
        time_limit_seconds: A running job is stopped after this, at its next progress call.
        preload: The profile each worker loads at once; None loads with the first job.
        load, score: The pipeline's two functions, or replacements.
    """

    def __init__(
        self,
        devices: Sequence[str | None] = (None,),
        *,
        max_waiting: int = MAX_WAITING,
        time_limit_seconds: float = TIME_LIMIT_SECONDS,
        preload: Profile | None = None,
        load: Callable[..., Scorers] = load_scorers,
        score: Callable[..., Report] = score_reel,
    ) -> None:
        self.max_waiting = max_waiting
        self.time_limit_seconds = time_limit_seconds
        self._load = load
        self._score = score
        self._changed = threading.Condition()
        self._waiting: deque[Job[Any]] = deque()
        self._running: set[Job[Any]] = set()
        self._closed = False
        self._preload = preload
        self._durations: dict[str, deque[float]] = {}  # seconds of recent jobs by kind
        self._devices = tuple(devices)
        self._threads = [
            threading.Thread(target=self._serve, args=(name,), name=f"inference-{name or 'default'}", daemon=True)
            for name in devices
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self, source: Source, post: Post | None = None, profile: Profile = "auto", *, name: str | None = None
    ) -> Job[Report]:
        """Queue a reel for scoring.

        Raises:
            EngineBusy: `max_waiting` jobs are waiting already, or the engine is closed.
        """

        def work(progress: Progress, scorers: Callable[[Profile], Scorers]) -> Report:
            return self._score(source, post or Post(), scorers=scorers(profile), progress=progress, name=name)

        return self._enqueue("score", work)

    def submit_advice(
        self,
        source: Source,
        report: Report,
        profile: Profile = "auto",
        *,
        name: str | None = None,
        weighting: Weighting | None = None,
    ) -> Job[Report]:
        """Queue trying changes on a scored reel; the result is the report with advice. Raises EngineBusy.

        `weighting`: what the report was scored with.
        """

        def work(progress: Progress, scorers: Callable[[Profile], Scorers]) -> Report:
            weighted = replace(scorers(profile), weighting=weighting)
            return with_advice(source, report, weighted, progress=progress, name=name)

        return self._enqueue("advice", work)

    def submit_export(self, source: Source, change: Change, *, name: str | None = None) -> Job[bytes]:
        """Queue an MP4 copy of a reel with a change made. Raises EngineBusy."""
        return self._enqueue("export", lambda progress, _: export_bytes(source, change, name=name, progress=progress))

    def submit_preview(self, source: Source, *, name: str | None = None) -> Job[bytes]:
        """Queue an MP4 copy of a reel that any browser plays. Raises EngineBusy."""
        return self._enqueue("preview", lambda progress, _: preview_mp4(source, name=name, progress=progress))

    def submit_history(self, posts: Sequence[Facts], outcomes: Mapping[str, Sequence[float | None]]) -> Job[History]:
        """Queue the fit of a creator's own posts. Raises EngineBusy."""

        def work(progress: Progress, _: Callable[[Profile], Scorers]) -> History:
            progress("own posts", 0.0)
            return own_history(posts, outcomes)

        return self._enqueue("history", work)

    def device_names(self) -> tuple[str, ...]:
        """A description of each worker's device."""
        return tuple(device.describe(device.choose(name)) for name in self._devices)

    def close(self) -> None:
        """Cancel every job and wait for the workers to end; the engine takes no more jobs."""
        with self._changed:
            self._closed = True
            for job in [*self._waiting, *self._running]:
                self._end(job, "cancelled", error=Cancelled("Scoring was cancelled: the app is shutting down."))
            self._waiting.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _enqueue(self, kind: str, work: Work[Result]) -> Job[Result]:
        job = Job(self, kind, work)
        with self._changed:
            if self._closed:
                raise EngineBusy("Scoring is shutting down; try again in a minute.")
            if len(self._waiting) >= self.max_waiting:
                raise EngineBusy(f"{self.max_waiting} reels are waiting already; try again in a minute.")
            self._waiting.append(job)
            self._changed.notify()
        return job

    def _serve(self, device_name: str | None) -> None:
        loaded: dict[Profile, Scorers] = {}

        def load(profile: Profile) -> Scorers:
            if profile not in loaded:
                loaded[profile] = self._load(profile, device_name)
                malloc_trim.settle()
            return loaded[profile]

        if self._preload is not None:
            try:
                load(self._preload)
            except Exception:  # noqa: BLE001  (the first job tries again and reports the error)
                _log.warning("The models could not be loaded ahead of time.\n%s", traceback.format_exc())
        while (job := self._next()) is not None:
            try:
                self._run(job, load, loaded)
            finally:
                with self._changed:
                    self._running.discard(job)
            del job  # or this frame would keep the last visitor's report until the next job

    def _next(self) -> Job[Any] | None:
        """Wait for the next job; None when the engine closes."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            job = self._waiting.popleft()
            job.state, job.stage, job.started_at = "running", "starting", time.monotonic()
            self._running.add(job)
            return job

    def _run(self, job: Job[Any], load: Callable[[Profile], Scorers], loaded: Mapping[Profile, Scorers]) -> None:
        start = time.monotonic()

        def progress(stage: str, fraction: float) -> None:
            if job.ended:
                raise Cancelled("Scoring was cancelled.")
            if time.monotonic() > start + self.time_limit_seconds:
                raise InputError(
                    f"This took longer than {self.time_limit_seconds:.0f} s and was stopped; try a shorter reel."
                )
            job.stage, job.fraction = stage, min(1.0, max(job.fraction, fraction))

        def scorers(profile: Profile) -> Scorers:
            if profile not in loaded:
                progress("loading models", 0.0)
            return load(profile)

        work = job._work
        if work is None:
            return  # cancelled after it left the queue
        try:
            result = work(progress, scorers)
        except Cancelled as error:
            self._end(job, "cancelled", error=error)
        except ViralityError as error:
            self._end(job, "failed", error=error)
        except Exception:  # noqa: BLE001  (a worker must survive any file; the log has the reason)
            # As text, because a traceback would keep the visitor's bytes.
            _log.error("A reel could not be scored because of an unexpected error.\n%s", traceback.format_exc())
            sentence = "Something went wrong on our side with this reel; try again, or try another file."
            self._end(job, "failed", error=ViralityError(sentence))
        else:
            self._end(job, "done", result=result)
            with self._changed:
                durations = self._durations.setdefault(job.kind, deque(maxlen=_DURATIONS_KEPT))
                durations.append(time.monotonic() - start)

    def _end(
        self, job: Job[Result], state: State, *, result: Result | None = None, error: ViralityError | None = None
    ) -> None:
        """End the job once; anything later, such as a result after a cancel, is dropped."""
        with self._changed:
            if job.ended:
                return
            if error is not None:
                # The frames of its traceback, and of the errors behind it, keep the visitor's bytes.
                error.__traceback__ = error.__cause__ = error.__context__ = None
            job.state, job._result, job.error = state, result, error
            job._work = None
            job._ended.set()
