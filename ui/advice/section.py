"""What would help: a button that tries changes on the reel itself, then what won points, before beside after."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import streamlit as st

from ui import html_text, picture
from ui.advice import export
from ui.form import upload
from ui.styles import heading
from ui.timeline import chart
from ui.visit import Visit, engine
from virality_core.advice import BUDGET_SECONDS, Change, candidates
from virality_core.engine import EngineBusy
from virality_core.report import wording
from virality_core.types import Advice, FrameBatch, Report

_EVERY_SECONDS = 0.5


@st.fragment(run_every=_EVERY_SECONDS)
def _watch(visit: Visit) -> None:
    job = visit.advising
    if job is None or job.ended:
        st.rerun()
    since = "" if job.begun is None else f" · {time.monotonic() - job.begun:.0f} s"
    st.progress(job.fraction, text=_doing(job.stage) + since if job.state == "running" else "In line")
    if st.button("Stop", key="stop_advice"):
        job.cancel()
        st.rerun()


def show(report: Report, visit: Visit) -> None:
    """The section: the button, the progress, or what was found."""
    heading(
        "What would help",
        "Changes are tried on your reel's own frames and sound, and scored. Gains are points of this score, not reach.",
    )
    if visit.advising is not None:
        _watch(visit)
        return
    if visit.advice_error:
        upload.alert(visit.advice_error)
    if report.advice:
        changes = {change.text: change for change in candidates(report)}
        for number, advice in enumerate(report.advice):
            change = changes.get(advice.text)
            _one(report, advice, change)
            if change is not None:
                export.offer(visit, advice, change, key=str(number))
        if visit.advised and (said := _rest(report)):
            st.caption(said)
    elif visit.advised:
        st.write(_nothing(candidates(report)))
    if not visit.advised and st.button("Try what would help", icon=":material/auto_fix_high:", key="advise"):
        try:
            visit.ask_advice(engine())
        except EngineBusy as error:
            upload.alert(str(error))
        else:
            st.rerun()
    if not visit.advised:
        st.caption(f"Takes up to {BUDGET_SECONDS:.0f} s, longer where a single change takes long.")


def _nothing(changes: list[Change]) -> str:
    """Why there is no advice, with what was up for trying: the time may not have been enough for all."""
    if not changes:
        return "Nothing was tried: no fault was measured that a change of picture, sound or caption could mend."
    kinds = _kinds([change.kind for change in changes])
    return f"Nothing that was tried in the time wins half a point or more. First to last on the list: {kinds}."


def _rest(report: Report) -> str:
    """What was up for trying too, beside the advice given; empty where nothing was."""
    given = {advice.kind for advice in report.advice}
    rest = [change.kind for change in candidates(report) if change.kind not in given]
    return f"Also on the list, but none won half a point in the time: {_kinds(rest)}." if rest else ""


def _kinds(kinds: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(kind.replace("_", " ") for kind in kinds))


def edited(frames: FrameBatch, row: int, change: Change) -> FrameBatch:
    """The frame in `row` alone, with the change made to it where it is one of the picture."""
    frame = np.ascontiguousarray(frames.rgb[row])
    frame = frame if change.edit is None else change.edit(frame)
    return FrameBatch(rgb=frame[None], seconds=frames.seconds[row : row + 1])


def _one(report: Report, advice: Advice, change: Change | None) -> None:
    when = (
        ""
        if change is None or not change.begin_seconds
        else f"{wording.clock(advice.start)} to {wording.clock(advice.end)}"
    )
    won = "<b>No points</b>"
    if advice.points:
        won = f"<b>+{advice.points:.1f} points</b> ({advice.before:.1f} to {advice.after:.1f})"
    st.html(f'<p class="rv-prose">{won}{" · " + when if when else ""}<br>{html_text.safe(advice.text)}</p>')
    if change is not None and report.thumbnails is not None and len(report.thumbnails):
        _beside(report.thumbnails, report.provenance.video.duration_seconds, change)


def _beside(frames: FrameBatch, duration_seconds: float, change: Change) -> None:
    """A frame as it is beside the same with the change; for a later start, the first frame beside the new first."""
    if change.edit is None and not change.begin_seconds:
        return
    if change.begin_seconds:
        row, after = 0, min(int(np.searchsorted(frames.seconds, change.begin_seconds)), len(frames) - 1)
    else:
        row = after = chart.nearest(frames.seconds, duration_seconds / 2)
    at, then = (wording.clock(float(frames.seconds[place])) for place in (row, after))
    left, right, _ = st.columns([2, 2, 3], gap="small")
    with left:
        picture.show(frames, row, at)
        st.caption(f"Begins with this, at {at}" if change.begin_seconds else f"As it is, at {at}")
    with right:
        picture.show(edited(frames, after, change), 0, then)
        st.caption(f"Would begin about here, at {then}" if change.begin_seconds else "With the change")


def _doing(stage: str) -> str:
    return f"Trying: {stage.partition(': ')[2]}" if ": " in stage else "Trying changes"
