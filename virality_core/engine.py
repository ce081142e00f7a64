"""One inference worker a device, one queue before them: first come, first served, with a place to show and a way out.

The page and a service share one `Engine`. Its scorers are loaded once, on the first job that needs them, and serve
every visitor; a job's bytes are let go of the moment it ends, however it ends.
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
from typing import Any, Generic, Literal, Protocol, TypeVar

from virality_core import device, heap
from virality_core.advice import Change
from virality_core.engagement.facts import Facts
from virality_core.errors import Cancelled, InputError, ViralityError
from virality_core.fusion import Weighing
from virality_core.improve import exported, with_advice
from virality_core.media import preview_mp4
from virality_core.pipeline import Scorers, load_scorers, score_reel
from virality_core.types import Post, Profile, Progress, Report
from virality_core.whatif import History, own_history

MAX_WAITING = 50  # jobs in the queue: at a few seconds each, the last visitor waits some minutes, and sees how many
TIME_LIMIT_SECONDS = 600.0  # of one reel's scoring; the longest reel that is let in takes far less on two cores
_REMEMBERED_JOBS = 20  # of each kind, for the estimate of a wait

State = Literal["waiting", "running", "done", "failed", "cancelled"]
Source = str | Path | BytesIO

_log = logging.getLogger(__name__)


class EngineBusy(ViralityError):  # noqa: N818  (a state, not a fault)
    """The queue is full."""


class Load(Protocol):
    """Loads the scorers: `pipeline.load_scorers`."""

    def __call__(self, profile: Profile, device: str | None) -> Scorers: ...


class Score(Protocol):
    """Scores one reel with loaded scorers: `pipeline.score_reel`."""

    def __call__(
        self, source: Source, post: Post, *, scorers: Scorers, progress: Progress, name: str | None
    ) -> Report: ...


Result = TypeVar("Result")
Work = Callable[[Progress, Callable[[Profile], Scorers]], Result]


class Job(Generic[Result]):
    """One piece of work on its way. `stage` and `fraction` (0–1) say how far it is; `error` is fit to be shown."""

    def __init__(self, engine: Engine, kind: str, work: Work[Result]) -> None:
        self.state: State = "waiting"
        self.stage = "waiting"
        self.fraction = 0.0
        self.error: ViralityError | None = None
        self.begun: float | None = None  # when it began to run, by `time.monotonic`
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
        """How many jobs go before this one, those that run included; 0 when it runs or has ended."""
        return self._engine.position(self)

    @property
    def wait_seconds(self) -> float | None:
        """How long until it runs, by how long the last jobs of each kind took; None before any has been done."""
        return self._engine.wait_seconds(self)

    def cancel(self) -> None:
        """Stop: a waiting job leaves the queue, a running one ends at its next progress call. Its bytes are dropped."""
        self._engine.cancel(self)

    def result(self, timeout_seconds: float | None = None) -> Result:
        """Wait for the result.

        Raises:
            ViralityError: why there is none; Cancelled where somebody called `cancel`.
            TimeoutError: the job has not ended within `timeout_seconds`.
        """
        if not self._ended.wait(timeout_seconds):
            raise TimeoutError(f"the job is still {self.state} after {timeout_seconds} s")
        if self.error is not None:
            raise self.error
        assert self._result is not None
        return self._result


class Engine:
    """Works one job at a time a device, in the order they came.

    Args:
        devices: One worker each: `cuda:0`, `cpu`, …; None is `load_scorers`' own choice.
        max_waiting: Jobs that may wait; more are refused.
        time_limit_seconds: After so long a running job is ended at its next progress call.
        preload: What each worker loads at once, before the first job; None loads with the first that needs it.
        load, score: The pipeline's two functions, or others of their shape.
    """

    def __init__(
        self,
        devices: Sequence[str | None] = (None,),
        *,
        max_waiting: int = MAX_WAITING,
        time_limit_seconds: float = TIME_LIMIT_SECONDS,
        preload: Profile | None = None,
        load: Load = load_scorers,
        score: Score = score_reel,
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
        self._lasted: dict[str, deque[float]] = {}  # seconds of the last jobs done, by kind
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
        """Put a reel in the queue to be scored and return at once.

        Raises:
            EngineBusy: `max_waiting` jobs wait already, or the engine is closed.
        """
        known = post or Post()

        def work(progress: Progress, scorers: Callable[[Profile], Scorers]) -> Report:
            loaded = scorers(profile)
            return self._score(source, known, scorers=loaded, progress=progress, name=name)

        return self._enqueue(Job(self, "score", work))

    def submit_advice(
        self,
        source: Source,
        report: Report,
        profile: Profile = "auto",
        *,
        name: str | None = None,
        weighing: Weighing | None = None,
    ) -> Job[Report]:
        """Queue the trying of changes on a scored reel; the result is its report with advice. Raises as `submit`.

        `weighing`: what the report was weighed with, and the changes are too; the stated weights if None.
        """

        def work(progress: Progress, scorers: Callable[[Profile], Scorers]) -> Report:
            loaded = replace(scorers(profile), weighing=weighing)
            return with_advice(source, report, loaded, progress=progress, name=name)

        return self._enqueue(Job(self, "advice", work))

    def submit_export(self, source: Source, change: Change, *, name: str | None = None) -> Job[bytes]:
        """Queue the writing of a changed copy of a reel (MP4 bytes, in memory). Raises EngineBusy as `submit`."""

        def work(progress: Progress, scorers: Callable[[Profile], Scorers]) -> bytes:
            del scorers
            return exported(source, change, name=name, progress=progress)

        return self._enqueue(Job(self, "export", work))

    def submit_preview(self, source: Source, *, name: str | None = None) -> Job[bytes]:
        """Queue the making of a copy that any browser plays (MP4 bytes). Raises EngineBusy as `submit`."""

        def work(progress: Progress, scorers: Callable[[Profile], Scorers]) -> bytes:
            del scorers
            return preview_mp4(source, name=name, progress=progress)

        return self._enqueue(Job(self, "preview", work))

    def submit_history(self, posts: Sequence[Facts], outcomes: Mapping[str, Sequence[float | None]]) -> Job[History]:
        """Queue the fit to a creator's own posts (see `own_history`). Raises EngineBusy as `submit`."""

        def work(progress: Progress, scorers: Callable[[Profile], Scorers]) -> History:
            del scorers
            progress("own posts", 0.0)
            return own_history(posts, outcomes)

        return self._enqueue(Job(self, "history", work))

    def device_names(self) -> tuple[str, ...]:
        """What each worker scores on, in words."""
        return tuple(device.describe(device.choose(name)) for name in self._devices)

    def position(self, job: Job[Any]) -> int:
        """See `Job.position`."""
        with self._changed:
            return self._waiting.index(job) + len(self._running) if job in self._waiting else 0

    def wait_seconds(self, job: Job[Any]) -> float | None:
        """See `Job.wait_seconds`."""
        with self._changed:
            if job not in self._waiting:
                return 0.0
            usual = {kind: sum(lasted) / len(lasted) for kind, lasted in self._lasted.items()}
            if not usual:
                return None
            unknown = max(usual.values())
            ahead = [*self._running, *itertools.takewhile(lambda one: one is not job, self._waiting)]
            now = time.monotonic()
            left = [max(0.0, usual.get(one.kind, unknown) - (now - (one.begun or now))) for one in ahead]
            return sum(left) / len(self._threads)

    def cancel(self, job: Job[Any]) -> None:
        """See `Job.cancel`."""
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)
            self._end(job, "cancelled", error=Cancelled("Scoring was cancelled."))

    def close(self) -> None:
        """Cancel every job and wait for the workers to end. The engine takes no job afterwards."""
        with self._changed:
            self._closed = True
            for job in [*self._waiting, *self._running]:
                self._end(job, "cancelled", error=Cancelled("Scoring was cancelled: the app is shutting down."))
            self._waiting.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _enqueue(self, job: Job[Result]) -> Job[Result]:
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
        if self._preload is not None:
            try:
                self._loaded(self._preload, loaded, device_name)
            except Exception:  # noqa: BLE001  (the first job tries again, and says what is wrong)
                _log.warning("The models could not be loaded ahead of time.\n%s", traceback.format_exc())
        while (job := self._next()) is not None:
            try:
                self._run(job, loaded, device_name)
            finally:
                with self._changed:
                    self._running.discard(job)
            del job  # else this frame would keep the last visitor's report until the next one comes

    def _next(self) -> Job[Any] | None:
        """The job whose turn it is, once there is one; None when the engine closes."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            job = self._waiting.popleft()
            job.state, job.begun = "running", time.monotonic()
            job.stage = "starting"
            self._running.add(job)
            return job

    def _run(self, job: Job[Any], loaded: dict[Profile, Scorers], device_name: str | None) -> None:
        deadline = time.monotonic() + self.time_limit_seconds

        def progress(stage: str, fraction: float) -> None:
            if job.ended:
                raise Cancelled("Scoring was cancelled.")
            if time.monotonic() > deadline:
                raise InputError(
                    f"This took longer than {self.time_limit_seconds:.0f} s and was stopped; try a shorter reel."
                )
            job.stage, job.fraction = stage, min(1.0, max(job.fraction, fraction))

        def scorers(profile: Profile) -> Scorers:
            if profile not in loaded:
                progress("loading models", 0.0)
            return self._loaded(profile, loaded, device_name)

        work = job._work
        if work is None:
            return  # cancelled between the queue and here
        try:
            result = work(progress, scorers)
        except Cancelled as error:
            self._end(job, "cancelled", error=error)
        except ViralityError as error:
            self._end(job, "failed", error=error)
        except Exception:  # noqa: BLE001  (a worker must outlive any file; the operator reads why in the log)
            # As text: a record that held the traceback itself would hold the visitor's bytes.
            _log.error("A reel could not be scored because of an unexpected error.\n%s", traceback.format_exc())
            sentence = "Something went wrong on our side with this reel; try again, or try another file."
            self._end(job, "failed", error=ViralityError(sentence))
        else:
            self._end(job, "done", result=result)
            with self._changed:
                lasted = self._lasted.setdefault(job.kind, deque(maxlen=_REMEMBERED_JOBS))
                lasted.append(time.monotonic() - (job.begun or deadline))

    def _loaded(self, profile: Profile, loaded: dict[Profile, Scorers], device_name: str | None) -> Scorers:
        if profile not in loaded:
            loaded[profile] = self._load(profile, device_name)
            heap.settle()
        return loaded[profile]

    def _end(
        self, job: Job[Result], state: State, *, result: Result | None = None, error: ViralityError | None = None
    ) -> None:
        """End the job once: what comes later (a result after a cancel) is dropped."""
        with self._changed:
            if job.ended:
                return
            if error is not None:
                # Its traceback's frames, and those of what it came from, hold the visitor's bytes.
                error.__traceback__ = error.__cause__ = error.__context__ = None
            job.state, job._result, job.error = state, result, error
            job._work = None
            job._ended.set()
