"""The engine: order, place, cancelling, limits, errors as sentences, and that nothing of a visitor stays behind."""

from __future__ import annotations

import gc
import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from virality_core.engine import Engine, EngineBusy, Job
from virality_core.errors import Cancelled, InputError, ViralityError, WeightsError
from virality_core.forecast.features import Facts
from virality_core.pipeline import Scorers
from virality_core.types import Post, Profile, Progress

SAMPLE = Path(__file__).resolve().parents[1] / "assets" / "sample_reel.mp4"
WAIT_SECONDS = 20.0


class Upload(BytesIO):
    """A visitor's bytes that a weak reference can watch."""


class Gate:
    """A `score` that waits for the test: notes who came, and ends when told, reporting progress meanwhile."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.order: list[str | None] = []
        self.started = threading.Semaphore(0)

    def __call__(self, source: Any, post: Post, *, scorers: Scorers, progress: Progress, name: str | None) -> Any:
        self.order.append(name)
        self.started.release()
        while not self.open.wait(0.005):
            progress("looking", 0.5)
        progress("looking", 1.0)
        return f"report of {name}"


def no_scorers(profile: Profile, device: str | None) -> Scorers:
    return Scorers(scorers=(), profile=profile, device=str(device))


@pytest.fixture
def make_engine() -> Iterator[Callable[..., Engine]]:
    """`make_engine(score=…, …)`; every engine is closed, and no thread of it may outlive the test."""
    before = set(threading.enumerate())
    made: list[Engine] = []

    def make(*args: Any, **options: Any) -> Engine:
        made.append(Engine(*args, **({"load": no_scorers} | options)))
        return made[-1]

    yield make
    for engine in made:
        engine.close()
    assert set(threading.enumerate()) <= before


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.005)


def test_first_come_first_served_and_everyone_sees_their_place(make_engine: Callable[..., Engine]) -> None:
    gate = Gate()
    engine = make_engine(score=gate)
    jobs = [engine.submit(Upload(), name=name) for name in "abc"]
    until(lambda: jobs[0].stage == "looking")
    assert [job.state for job in jobs] == ["running", "waiting", "waiting"]
    assert [job.position for job in jobs] == [0, 1, 2]
    assert jobs[0].fraction == 0.5
    assert jobs[0].started_at is not None
    assert jobs[1].started_at is None
    gate.open.set()
    assert [job.result(WAIT_SECONDS) for job in jobs] == ["report of a", "report of b", "report of c"]  # type: ignore[comparison-overlap]
    assert gate.order == ["a", "b", "c"]
    assert [job.position for job in jobs] == [0, 0, 0]


def test_cancelling_a_waiting_job_moves_the_others_up(make_engine: Callable[..., Engine]) -> None:
    gate = Gate()
    engine = make_engine(score=gate)
    first, second, third = (engine.submit(Upload(), name=name) for name in "abc")
    until(lambda: first.state == "running")
    second.cancel()
    assert second.state == "cancelled"
    assert third.position == 1
    with pytest.raises(Cancelled):
        second.result(0)
    gate.open.set()
    third.result(WAIT_SECONDS)
    assert gate.order == ["a", "c"]


def test_cancelling_a_running_job_frees_the_worker(make_engine: Callable[..., Engine]) -> None:
    gate = Gate()
    engine = make_engine(score=gate)
    first = engine.submit(Upload(), name="a")
    until(lambda: first.stage == "looking")
    first.cancel()
    assert first.state == "cancelled"
    second = engine.submit(Upload(), name="b")
    until(lambda: second.state == "running")  # the gate is still closed: only the cancel can have freed the worker
    gate.open.set()
    assert second.result(WAIT_SECONDS) == "report of b"  # type: ignore[comparison-overlap]


def test_a_report_that_comes_after_the_cancel_is_dropped(make_engine: Callable[..., Engine]) -> None:
    going, told = threading.Event(), threading.Event()

    def deaf(*args: Any, **options: Any) -> Any:
        going.set()
        told.wait(WAIT_SECONDS)
        return "late"

    job = make_engine(score=deaf).submit(Upload())
    assert going.wait(WAIT_SECONDS)
    job.cancel()
    told.set()
    with pytest.raises(Cancelled):
        job.result(WAIT_SECONDS)


def test_the_queue_is_bounded(make_engine: Callable[..., Engine]) -> None:
    gate = Gate()
    engine = make_engine(score=gate, max_waiting=2)
    running = engine.submit(Upload())
    until(lambda: running.state == "running")
    for _ in range(2):
        engine.submit(Upload())
    with pytest.raises(EngineBusy, match="2 reels are waiting"):
        engine.submit(Upload())
    gate.open.set()


def test_a_job_that_takes_too_long_is_stopped(make_engine: Callable[..., Engine]) -> None:
    job = make_engine(score=Gate(), time_limit_seconds=0.05).submit(Upload())
    with pytest.raises(InputError, match="took longer than"):
        job.result(WAIT_SECONDS)
    assert job.state == "failed"


def test_errors_for_users_are_carried_as_they_are(make_engine: Callable[..., Engine]) -> None:
    def refuse(*args: Any, **options: Any) -> Any:
        raise InputError("“x.mp4” is empty; choose a video file.")

    job = make_engine(score=refuse).submit(Upload())
    with pytest.raises(InputError, match="is empty"):
        job.result(WAIT_SECONDS)


def test_an_unexpected_error_is_one_sentence_and_a_log_line(
    make_engine: Callable[..., Engine], caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(source: Any, post: Post, *, name: str | None, **options: Any) -> Any:
        raise RuntimeError("tensor sizes do not match")

    engine = make_engine(score=break_down)
    with caplog.at_level(logging.ERROR):
        job = engine.submit(Upload(b"secret bytes"), Post(caption="my secret caption"), name="my secret name")
        with pytest.raises(ViralityError) as caught:
            job.result(WAIT_SECONDS)
    assert "tensor" not in str(caught.value)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    assert "tensor sizes do not match" in caplog.text
    assert "Traceback" in caplog.text
    assert "my secret" not in caplog.text


def test_the_worker_outlives_a_breakdown(make_engine: Callable[..., Engine]) -> None:
    answers: list[Any] = [RuntimeError("first"), "second"]

    def score(*args: Any, **options: Any) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    engine = make_engine(score=score)
    assert isinstance(failed(engine.submit(Upload())), ViralityError)
    assert engine.submit(Upload()).result(WAIT_SECONDS) == "second"  # type: ignore[comparison-overlap]


def failed(job: Job[Any]) -> BaseException:
    with pytest.raises(ViralityError) as caught:
        job.result(WAIT_SECONDS)
    return caught.value


@pytest.mark.parametrize("end", ["done", "failed", "broken", "cancelled", "cancelled waiting"])
def test_the_bytes_are_let_go_of_however_the_job_ends(make_engine: Callable[..., Engine], end: str) -> None:
    gate = Gate()

    def score(source: Any, post: Post, **options: Any) -> Any:
        gate(source, post, **options)
        if end == "failed":
            raise InputError("No.")
        if end == "broken":
            raise RuntimeError("no")
        return "report"

    engine = make_engine(score=score)
    before = engine.submit(Upload(), name="before") if end == "cancelled waiting" else None
    source = Upload(b"x" * 1000)
    watched = weakref.ref(source)
    job = engine.submit(source)
    del source
    if before is not None:
        job.cancel()
    elif end == "cancelled":
        until(lambda: job.stage == "looking")
        job.cancel()
    gate.open.set()
    until(lambda: job.ended)

    def gone() -> bool:
        gc.collect()
        return watched() is None

    until(gone)
    assert job.ended  # the job itself is still held, its bytes are not


def test_scorers_are_loaded_once_a_profile(make_engine: Callable[..., Engine]) -> None:
    loaded: list[str] = []

    def load(profile: Profile, device: str | None) -> Scorers:
        loaded.append(profile)
        return no_scorers(profile, device)

    gate = Gate()
    gate.open.set()
    engine = make_engine(score=gate, load=load)
    for profile in ("lite", "lite", "auto", "lite"):
        engine.submit(Upload(), profile=profile).result(WAIT_SECONDS)
    assert loaded == ["lite", "auto"]


def test_each_device_works_for_itself(make_engine: Callable[..., Engine]) -> None:
    gate = Gate()
    engine = make_engine(("cpu", "cpu"), score=gate)
    jobs = [engine.submit(Upload(), name=name) for name in "abc"]
    until(lambda: [job.state for job in jobs] == ["running", "running", "waiting"])
    assert jobs[2].position == 2
    gate.open.set()
    for job in jobs:
        job.result(WAIT_SECONDS)


def test_closing_cancels_everything_and_takes_nothing_more() -> None:
    engine = Engine(load=no_scorers, score=Gate())
    jobs = [engine.submit(Upload()) for _ in range(2)]
    engine.close()
    assert [job.state for job in jobs] == ["cancelled", "cancelled"]
    with pytest.raises(EngineBusy, match="shutting down"):
        engine.submit(Upload())


def test_the_sample_reel_is_scored_by_the_real_pipeline() -> None:
    engine = Engine()
    try:
        post = Post(caption="Wait for it")
        job = engine.submit(BytesIO(SAMPLE.read_bytes()), post, "lite", name="sample.mp4")
        report = job.result(120)
    finally:
        engine.close()
    assert sum(c.points for c in report.contributions) == pytest.approx(report.score, abs=1e-6)
    assert report.provenance.profile == "lite"
    assert job.fraction == 1.0


def test_a_preview_is_made_in_the_same_queue(make_engine: Callable[..., Engine], drawn_clip: Path) -> None:
    engine = make_engine(score=Gate())
    copy = engine.submit_preview(BytesIO(drawn_clip.read_bytes()), name="drawn.mp4").result(120)
    assert copy[4:8] == b"ftyp"


def test_models_are_loaded_before_anybody_comes(make_engine: Callable[..., Engine]) -> None:
    loaded = threading.Event()

    def load(profile: Profile, device: str | None) -> Scorers:
        loaded.set()
        return no_scorers(profile, device)

    make_engine(score=Gate(), load=load, preload="lite")
    assert loaded.wait(WAIT_SECONDS)


def test_who_comes_first_hears_why_the_models_can_t_be_loaded(make_engine: Callable[..., Engine]) -> None:
    def load(profile: Profile, device: str | None) -> Scorers:
        raise WeightsError("The weights are missing.")

    engine = make_engine(score=Gate(), load=load, preload="auto")
    with pytest.raises(WeightsError, match="missing"):
        engine.submit(Upload()).result(WAIT_SECONDS)


def test_later_collections_pass_over_what_was_loaded(make_engine: Callable[..., Engine]) -> None:
    """Streamlit collects after each run of the page: over all of torch that stops every thread for 160 ms."""
    gate = Gate()
    gate.open.set()
    gc.unfreeze()
    make_engine(score=gate).submit(Upload()).result(WAIT_SECONDS)
    assert gc.get_freeze_count() > 10_000
    assert len(gc.get_objects()) < gc.get_freeze_count()


def test_the_wait_is_estimated_from_the_jobs_before(make_engine: Callable[..., Engine]) -> None:
    gate = Gate()
    engine = make_engine(score=gate)
    first, second, third = (engine.submit(Upload()) for _ in range(3))
    assert third.wait_seconds is None, "no job has been done yet"
    until(lambda: first.state == "running")
    time.sleep(0.2)
    gate.open.set()
    third.result(WAIT_SECONDS)
    gate.open.clear()
    engine._durations["score"] = deque([6.0, 10.0])
    running, waiting, last = (engine.submit(Upload()) for _ in range(3))
    until(lambda: running.state == "running")
    assert running.wait_seconds == 0.0
    assert waiting.wait_seconds == pytest.approx(8.0, abs=1.0)
    assert last.wait_seconds == pytest.approx(16.0, abs=1.0)
    gate.open.set()
    last.result(WAIT_SECONDS)
    assert second.wait_seconds == 0.0


def test_own_posts_are_fitted_in_the_same_queue(make_engine: Callable[..., Engine]) -> None:
    posts = [Facts(caption=f"post {number}") for number in range(12)]
    job = make_engine(score=Gate()).submit_history(posts, {"likes": [100.0 + number for number in range(12)]})
    assert job.result(120).posts == 12
