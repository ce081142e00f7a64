"""What one visit holds, and how it ends: the reel, its jobs and its report, all in memory.

A page run finds its visit with `current_visit()`. When the browser's connection closes, a timer starts: a visitor who
is not back within `grace_seconds()` (a phone that changes networks is) has left, and everything is dropped.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import streamlit as st
from streamlit.runtime import exists as runtime_exists
from streamlit.runtime import get_instance as runtime_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

from virality_core.advice import Change
from virality_core.engine import Engine, Job
from virality_core.errors import InputError, ViralityError
from virality_core.forecast.own_posts.reader import OwnPosts
from virality_core.forecast.own_posts_fit import History
from virality_core.media import malloc_trim
from virality_core.score import Weighting
from virality_core.types import Post, Profile, Report
from virality_core.what_if import with_history, with_population, with_weighting

PRELOAD: Profile | None = "auto"

_TRIM_TIMER, _TRIM_SECONDS = "trim-memory", 10.0

_log = logging.getLogger(__name__)


def grace_seconds() -> float:
    """How long a visitor may be gone and still find their result; `$VIRALITY_GRACE_SECONDS` changes it."""
    return float(os.environ.get("VIRALITY_GRACE_SECONDS", "30"))


class Visit:
    """One visitor's reel, jobs and report. Everything the page shows comes from it."""

    def __init__(self) -> None:
        self.source: BytesIO | None = None
        self.name = ""
        self.post = Post()
        self.job: Job[Report] | None = None
        self.report: Report | None = None
        self.error = ""
        self.preview: Job[bytes] | None = None
        self.playable: BytesIO | None = None  # what the player is given
        self.selected: int | None = None  # the row of report.thumbnails that the visitor clicked
        self.advising: Job[Report] | None = None
        self.advised = False  # whether changes were tried on this reel with this caption
        self.advice_error = ""
        self.exporting: Job[bytes] | None = None
        self.exporting_id = ""  # of the change that the edited copy is or was made for
        self.exported: bytes | None = None  # the one edited copy that is kept
        self.export_error = ""
        self.fitting: Job[History] | None = None  # to the visitor's own past posts
        self.fitting_notes: tuple[str, ...] = ()
        self.history_file = ""  # Streamlit's id of the last file read, so that it isn't read twice
        self.history_error = ""
        self.history: History | None = None  # fitted to the visitor's own past posts, which are not kept
        self.history_notes: tuple[str, ...] = ()
        self.weighting: Weighting | None = None  # the fitted shares that the visitor chose; None: the standard ones
        self.draft = Post()  # what the form is filled with: what was typed last
        self.caption_post: Post | None = None  # the post whose caption is checked without a reel
        self._leave_timer: threading.Timer | None = None

    def start(self, engine: Engine, source: BytesIO, name: str, post: Post, typed: Post) -> None:
        """Drop the last reel and put this one in the queue; `typed` fills the next form. Raises EngineBusy."""
        self.clear_reel()
        self.draft = typed
        self.job = engine.submit(source, post, name=name)
        self.source, self.name, self.post = source, name, post

    def start_advice(self, engine: Engine) -> None:
        """Put the trying of changes in the queue. Raises EngineBusy."""
        assert self.source is not None
        assert self.report is not None
        self.advice_error = ""
        self.source.seek(0)
        self.advising = engine.submit_advice(self.source, self.report, name=self.name, weighting=self.weighting)

    def start_export(self, engine: Engine, change: Change) -> None:
        """Put the making of an edited copy in the queue; it replaces the last one. Raises EngineBusy."""
        assert self.source is not None
        self.clear_export()
        self.exporting = engine.submit_export(self.source, change, name=self.name)
        self.exporting_id = change.id

    def start_history(self, engine: Engine, posts: OwnPosts) -> None:
        """Put the fit to the visitor's own posts in the queue. Raises EngineBusy."""
        self.fitting = engine.submit_history(posts.facts, posts.outcomes)
        self.fitting_notes = posts.notes

    def collect_finished_jobs(self) -> None:
        """Take the results, or the errors to show, of jobs that have ended."""
        if (advising := self.advising) is not None and advising.ended:
            self.advising = None
            if advising.state == "done":
                self.report, self.advised = advising.result(), True
            elif advising.state == "failed":
                self.advice_error = str(advising.error)
        if (exporting := self.exporting) is not None and exporting.ended:
            self.exporting = None
            if exporting.state == "done":
                self.exported = exporting.result()
            elif exporting.state == "failed":
                self.export_error = str(exporting.error)
        if (fitting := self.fitting) is not None and fitting.ended and self.report is not None:
            self.fitting = None
            try:
                if fitting.state == "done":
                    self.use_history(fitting.result(), self.fitting_notes)
                elif fitting.state == "failed":
                    self.history_error = str(fitting.error)
            except ViralityError as error:
                self.history_error = str(error)
        if (job := self.job) is not None and job.ended:
            self.job = None
            if job.state == "done":
                self.report = self._with_choices(job.result())
            else:
                self.clear_reel()
                self.error = "" if job.state == "cancelled" else str(job.error)

    def use_history(self, history: History | None, notes: tuple[str, ...] = ()) -> None:
        """Base the forecast on the visitor's own posts, or no longer. Raises UsageError."""
        assert self.report is not None
        if history is not None:
            self.report = with_history(self.report, history)
        elif self.report.engagement is not None:
            self.report = with_population(self.report, self.report.engagement.collection)
        self.history, self.history_notes = history, notes
        self.history_error = ""

    def use_weighting(self, weighting: Weighting | None) -> None:
        """Score this reel and the next with these shares. Raises InputError, and then nothing changes."""
        assert self.report is not None
        changed = with_weighting(self.report, weighting, self.weighting)
        self._clear_advice()
        self.report, self.weighting = changed, weighting

    def use_caption(self, report: Report, post: Post) -> None:
        """Replace the report by that of the same reel with another caption."""
        self.report, self.post = report, post
        self._clear_advice()
        self.draft = replace(self.draft, caption=post.caption)

    def _with_choices(self, report: Report) -> Report:
        """A new report with the visitor's own posts and chosen shares."""
        if self.history is not None and report.engagement is not None:
            report = with_history(report, self.history)
        try:
            return report if self.weighting is None else with_weighting(report, self.weighting)
        except InputError:  # no signal of this reel has a share there
            self.weighting = None
            return report

    def clear(self) -> None:
        """Cancel all jobs and drop everything."""
        self.clear_reel()
        self.draft = Post()
        self.history, self.history_notes, self.weighting = None, (), None

    def clear_reel(self) -> None:
        """Drop the reel and its results. What was typed, chosen and learned from own posts is kept."""
        for job in (self.job, self.preview, self.fitting):
            if job is not None:
                job.cancel()
        self._clear_advice()
        self.source = self.job = self.preview = self.report = self.selected = self.playable = None
        self.fitting, self.history_file, self.history_error = None, "", ""
        self.name = self.error = self.advice_error = ""
        self.caption_post = None
        self.post = Post()

    def _clear_advice(self) -> None:
        """Drop the advice, which was tried on another report."""
        if self.advising is not None:
            self.advising.cancel()
        self.advising, self.advised = None, False
        self.clear_export()

    def clear_export(self) -> None:
        """Drop the edited copy, or stop making it."""
        if self.exporting is not None:
            self.exporting.cancel()
        self.exporting = self.exported = None
        self.exporting_id = self.export_error = ""

    def resume(self) -> None:
        """The visitor is here, or back: stop the timer."""
        if self._leave_timer is not None:
            self._leave_timer.cancel()
            self._leave_timer = None

    def disconnect(self, then: Callable[[], None]) -> None:
        """The connection closed: drop everything and call `then`, unless they are back within `grace_seconds()`."""

        def end() -> None:
            self.clear()
            then()

        self.resume()
        self._leave_timer = threading.Timer(grace_seconds(), end)
        self._leave_timer.name, self._leave_timer.daemon = "visitor-left", True
        self._leave_timer.start()


@st.cache_resource(show_spinner=False, on_release=Engine.close)
def engine() -> Engine:
    """The engine that all visitors share. It loads its models while the first visitor chooses a file."""
    return Engine(preload=PRELOAD)


def current_visit() -> Visit:
    """The visit of whoever this page run is for."""
    visit: Visit = st.session_state.setdefault("visit", Visit())
    visit.resume()
    context = get_script_run_ctx()
    _connection(visit, context.session_id if context is not None else "")
    return visit


class _Connection:
    def __init__(self, visit: Visit, session_id: str) -> None:
        self._visit = visit
        self._session_id = session_id

    def closed(self) -> None:
        self._visit.disconnect(lambda: _close_session(self._session_id))


# Streamlit releases a session's own cached resources when its connection closes.
@st.cache_resource(scope="session", show_spinner=False, on_release=_Connection.closed)
def _connection(_visit: Visit, session_id: str) -> _Connection:
    return _Connection(_visit, session_id)


def _close_session(session_id: str) -> None:
    """End the Streamlit session for good, and with it the uploads and media files it holds.

    Otherwise Streamlit drops an expired session only when the next visitor comes or goes.
    """
    if not runtime_exists():
        return
    runtime = runtime_instance()

    async def close() -> None:
        if not runtime.is_active_session(session_id):
            runtime.close_session(session_id)
            _trim_memory_soon()

    try:
        asyncio.run_coroutine_threadsafe(close(), runtime._get_async_objs().eventloop)
    except RuntimeError:
        _log.info("The server stopped before a visitor's session was closed.")


def _trim_memory_soon() -> None:
    """Give back the memory of visitors who have left, once for all who leave within some seconds."""
    if any(thread.name == _TRIM_TIMER for thread in threading.enumerate()):
        return
    timer = threading.Timer(_TRIM_SECONDS, malloc_trim.settle)
    timer.name, timer.daemon = _TRIM_TIMER, True
    timer.start()
