"""What one visitor's stay holds, and how it ends: the reel's bytes, the job and its report live and go in memory.

A page run finds its visit with `current()`. When the browser's connection closes, a clock starts: whoever is not back
in `grace_seconds()` (a phone that changed networks is) has left, and their job is cancelled and everything dropped.
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

from virality_core import heap
from virality_core.advice import Change
from virality_core.engine import Engine, Job
from virality_core.errors import InputError, ViralityError
from virality_core.evaluation.history_posts import OwnPosts
from virality_core.types import Post, Profile, Report
from virality_core.whatif import History, Weighing, with_history, with_population, with_weighing

_SETTLING, _SETTLE_SECONDS = "settling", 10.0

PRELOAD: Profile | None = "auto"

_log = logging.getLogger(__name__)


def grace_seconds() -> float:
    """How long a visitor may be gone and find their result again; `$VIRALITY_GRACE_SECONDS` sets another value."""
    return float(os.environ.get("VIRALITY_GRACE_SECONDS", "30"))


class Visit:
    """One visitor's reel, job and report. Everything the page shows hangs on it."""

    def __init__(self) -> None:
        self.source: BytesIO | None = None
        self.name = ""
        self.post = Post()
        self.job: Job[Report] | None = None
        self.preview: Job[bytes] | None = None
        self.advising: Job[Report] | None = None
        self.advised = False  # whether changes were tried on this reel with this caption
        self.advice_error = ""
        self.exporting: Job[bytes] | None = None
        self.exporting_what = ""  # the text of the advice that the copy is made for, or was
        self.exported: bytes | None = None  # the one changed copy that is kept
        self.export_error = ""
        self.fitting: Job[History] | None = None  # to the visitor's own past posts
        self.fitting_notes: tuple[str, ...] = ()
        self.history_file = ""  # Streamlit's id of the file that was read last, so that none is read twice
        self.history_error = ""
        self.history: History | None = None  # fitted to the visitor's own past posts; the posts themselves are let go
        self.history_notes: tuple[str, ...] = ()
        self.weighing: Weighing | None = None  # the fitted weights the visitor chose; None is the stated ones
        self.report: Report | None = None
        self.error = ""
        self.draft = Post()  # what the form starts from: what was typed before, whatever became of the reel
        self.reading: Post | None = None  # what is read without a reel
        self.selected: int | None = None  # the row of report.thumbnails that the visitor clicked
        self.playable: BytesIO | None = None  # what the player is given
        self._leaving: threading.Timer | None = None

    def start(self, engine: Engine, source: BytesIO, name: str, post: Post, typed: Post) -> None:
        """Drop what was there and put this reel in the queue; `typed` is kept for the next. Raises EngineBusy."""
        self._let_go()
        self.draft = typed
        self.job = engine.submit(source, post, name=name)
        self.source, self.name, self.post = source, name, post

    def collect_when_done(self) -> None:
        """Once the job has ended, take its report, or what to tell the visitor in its place."""
        self._collect_advice()
        self._collect_export()
        self._collect_history()
        if self.job is None or not self.job.ended:
            return
        if self.job.state == "done":
            self.report, self.job = self._as_chosen(self.job.result()), None
            return
        error = "" if self.job.state == "cancelled" else str(self.job.error)
        self.another()
        self.error = error

    def ask_advice(self, engine: Engine) -> None:
        """Put the trying of changes in the queue. Raises EngineBusy."""
        assert self.source is not None
        assert self.report is not None
        self.advice_error = ""
        self.source.seek(0)
        self.advising = engine.submit_advice(self.source, self.report, name=self.name, weighing=self.weighing)

    def _collect_advice(self) -> None:
        job = self.advising
        if job is None or not job.ended:
            return
        self.advising = None
        if job.state == "done":
            self.report, self.advised = job.result(), True
        elif job.state == "failed":
            self.advice_error = str(job.error)

    def ask_export(self, engine: Engine, what: str, change: Change) -> None:
        """Put the making of a changed copy in the queue, in the place of the last one. Raises EngineBusy."""
        assert self.source is not None
        self.forget_export()
        self.exporting = engine.submit_export(self.source, change, name=self.name)
        self.exporting_what = what

    def _collect_export(self) -> None:
        job = self.exporting
        if job is None or not job.ended:
            return
        self.exporting = None
        if job.state == "done":
            self.exported = job.result()
        elif job.state == "failed":
            self.export_error = str(job.error)

    def forget_export(self) -> None:
        """Let go of the changed copy, or of the making of one."""
        if self.exporting is not None:
            self.exporting.cancel()
        self.exporting = self.exported = None
        self.exporting_what = self.export_error = ""

    def ask_history(self, engine: Engine, posts: OwnPosts) -> None:
        """Put the fit to the visitor's own posts in the queue. Raises EngineBusy."""
        self.fitting = engine.submit_history(posts.facts, posts.outcomes)
        self.fitting_notes = posts.notes

    def _collect_history(self) -> None:
        job = self.fitting
        if job is None or not job.ended or self.report is None:
            return
        self.fitting = None
        if job.state == "failed":
            self.history_error = str(job.error)
        elif job.state == "done":
            try:
                self.use_history(job.result(), self.fitting_notes)
            except ViralityError as error:
                self.history_error = str(error)

    def another(self) -> None:
        """Let go of the reel and of what was made of it; what was typed, and learned from own posts, stays."""
        draft = self.draft
        self._let_go()
        self.draft = draft

    def use_history(self, history: History | None, notes: tuple[str, ...] = ()) -> None:
        """Read the ranges from the visitor's own posts, for this reel and the next; or no longer. Raises UsageError."""
        assert self.report is not None
        if history is not None:
            self.report = with_history(self.report, history)
        elif self.report.engagement is not None:
            self.report = with_population(self.report, self.report.engagement.collection)
        self.history, self.history_notes = history, notes
        self.history_error = ""

    def use_weighing(self, weighing: Weighing | None) -> None:
        """Have the score made by these weights, for this reel and the next. Raises InputError; then all stays."""
        assert self.report is not None
        changed = with_weighing(self.report, weighing, self.weighing)
        self._forget_advice()
        self.report, self.weighing = changed, weighing

    def _as_chosen(self, report: Report) -> Report:
        """A fresh report with the visitor's own ranges and weights."""
        if self.history is not None and report.engagement is not None:
            report = with_history(report, self.history)
        try:
            return report if self.weighing is None else with_weighing(report, self.weighing)
        except InputError:  # no signal of this reel has weight there
            self.weighing = None
            return report

    def use_caption(self, report: Report, post: Post) -> None:
        """The visitor posts another caption with the same reel: this is its report."""
        self.report, self.post = report, post
        self._forget_advice()
        self.draft = replace(self.draft, caption=post.caption)

    def _forget_advice(self) -> None:
        """What was tried was tried on another report."""
        if self.advising is not None:
            self.advising.cancel()
        self.advising, self.advised = None, False
        self.forget_export()

    def drop(self) -> None:
        """Cancel the job and let go of every byte."""
        self._let_go()
        self.history, self.history_notes, self.weighing = None, (), None

    def _let_go(self) -> None:
        """Of the reel and all that was made of it."""
        for job in (self.job, self.preview, self.advising, self.fitting):
            if job is not None:
                job.cancel()
        self.source = self.job = self.preview = self.report = self.selected = self.playable = None
        self.advising, self.advised = None, False
        self.fitting, self.history_file, self.history_error = None, "", ""
        self.forget_export()
        self.name = self.error = self.advice_error = ""
        self.reading = None
        self.post = self.draft = Post()

    def stays(self) -> None:
        """The visitor is here (again): stop the clock."""
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None

    def leaves(self, then: Callable[[], None]) -> None:
        """The connection closed: drop everything and call `then` if they are not back in `grace_seconds()`."""

        def end() -> None:
            self.drop()
            then()

        self.stays()
        self._leaving = threading.Timer(grace_seconds(), end)
        self._leaving.name, self._leaving.daemon = "visitor-left", True
        self._leaving.start()


@st.cache_resource(show_spinner=False, on_release=Engine.close)
def engine() -> Engine:
    """The one engine all visitors share. Its models are loaded while the first of them chooses a file."""
    return Engine(preload=PRELOAD)


def current() -> Visit:
    """This visitor's visit."""
    visit: Visit = st.session_state.setdefault("visit", Visit())
    visit.stays()
    context = get_script_run_ctx()
    _presence(visit, context.session_id if context is not None else "")
    return visit


class _Presence:
    def __init__(self, visit: Visit, session_id: str) -> None:
        self._visit = visit
        self._session_id = session_id

    def ended(self) -> None:
        self._visit.leaves(lambda: _close_session(self._session_id))


# Streamlit releases a session's own cached resources when its connection closes.
@st.cache_resource(scope="session", show_spinner=False, on_release=_Presence.ended)
def _presence(_visit: Visit, session_id: str) -> _Presence:
    return _Presence(_visit, session_id)


def _close_session(session_id: str) -> None:
    """End the Streamlit session for good, and with it the uploads and media files it holds.

    Left alone, Streamlit lets go of an expired session only when the next visitor comes or goes.
    """
    if not runtime_exists():
        return
    runtime = runtime_instance()

    async def close() -> None:
        if not runtime.is_active_session(session_id):
            runtime.close_session(session_id)
            _settle_soon()

    try:
        asyncio.run_coroutine_threadsafe(close(), runtime._get_async_objs().eventloop)
    except RuntimeError:
        _log.info("The server stopped before a visitor's session was closed.")


def _settle_soon() -> None:
    """Give back the memory of those who have left, once for all who leave within some seconds."""
    if any(thread.name == _SETTLING for thread in threading.enumerate()):
        return
    timer = threading.Timer(_SETTLE_SECONDS, heap.settle)
    timer.name, timer.daemon = _SETTLING, True
    timer.start()
