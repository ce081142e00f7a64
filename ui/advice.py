"""What would help: changes tried on the reel itself, shown before and after, with an edited copy to download."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from ui import html_text, picture
from ui.progress import CHANGES, watch_extra
from ui.styles import alert, heading
from ui.visit import Visit, engine
from virality_core.advice import BUDGET_SECONDS, Change, candidates
from virality_core.engine import EngineBusy
from virality_core.report import wording
from virality_core.types import Advice, FrameBatch, Report


def show(report: Report, visit: Visit) -> None:
    """The section: the button, the progress, or what was found."""
    heading(
        "What would help",
        "We try changes on your reel's own frames and sound, and score the result. Gains are points of this score, "
        "not reach.",
    )
    if visit.advising is not None:
        watch_extra(visit.advising, key="stop_advice")
        return
    if visit.advice_error:
        alert(visit.advice_error)
    changes = {change.id: change for change in candidates(report)} if report.advice or visit.advised else {}
    for number, advice in enumerate(report.advice):
        change = changes.get(advice.id)
        _show_advice(report, advice, change)
        if change is not None and change.can_export:
            _offer_export(visit, advice, change, key=str(number))
    if visit.advised:
        if summary := _summary(report, list(changes.values())):
            st.caption(summary)
        return
    if st.button("Find what helps", icon=":material/auto_fix_high:", key="advise"):
        try:
            visit.start_advice(engine())
        except EngineBusy as error:
            alert(str(error))
        else:
            st.rerun()
    st.caption(f"Takes up to {BUDGET_SECONDS:.0f} seconds, sometimes a little longer.")


def _summary(report: Report, changes: Sequence[Change]) -> str:
    """What else was on the list. Time may have run out before all of it was tried."""
    found = {advice.kind for advice in report.advice}
    others = dict.fromkeys(CHANGES[change.kind] for change in changes if change.kind not in found)
    if report.advice:
        return f"No other change added half a point in the time: {', '.join(others)}." if others else ""
    if others:
        return f"No change added half a point. Tried in this order, as far as time allowed: {', '.join(others)}."
    return "Nothing to try: we found no problem that a change of picture, sound or caption could fix."


def _show_advice(report: Report, advice: Advice, change: Change | None) -> None:
    gain = "<b>No points</b>"
    if advice.points:
        gain = f"<b>+{advice.points:.1f} points</b> ({advice.before:.1f} to {advice.after:.1f})"
    if change is not None and change.begin_seconds:
        gain += f" · {wording.clock(advice.start)} to {wording.clock(advice.end)}"
    st.html(f'<p class="rv-prose">{gain}<br>{html_text.safe(advice.text)}</p>')
    if change is not None and report.thumbnails is not None and len(report.thumbnails):
        _show_before_and_after(report.thumbnails, report.provenance.video.duration_seconds, change)


def _show_before_and_after(frames: FrameBatch, duration_seconds: float, change: Change) -> None:
    """A frame without and with the change; for a later start, the first frame now and then."""
    if change.edit is None and not change.begin_seconds:
        return
    if change.begin_seconds:
        before, after = 0, min(int(np.searchsorted(frames.seconds, change.begin_seconds)), len(frames) - 1)
    else:
        before = after = picture.nearest(frames.seconds, duration_seconds / 2)
    before_time, after_time = (wording.clock(float(frames.seconds[row])) for row in (before, after))
    left, right, _ = st.columns([2, 2, 3], gap="small")
    with left:
        picture.show(frames, before, before_time)
        st.caption(f"Starts here now: {before_time}" if change.begin_seconds else f"Before, at {before_time}")
    with right:
        picture.show(edited(frames, after, change), 0, after_time)
        st.caption(f"Would start near {after_time}" if change.begin_seconds else "After")


def edited(frames: FrameBatch, row: int, change: Change) -> FrameBatch:
    """Only the frame in `row`, with the change made if it is one of the picture."""
    frame = np.ascontiguousarray(frames.rgb[row])
    frame = frame if change.edit is None else change.edit(frame)
    return FrameBatch(rgb=frame[None], seconds=frames.seconds[row : row + 1])


def _offer_export(visit: Visit, advice: Advice, change: Change, *, key: str) -> None:
    """The button that makes the edited copy, its progress, or the copy itself."""
    if visit.exporting_id == advice.id:
        if visit.exporting is not None:
            watch_extra(visit.exporting, key="stop_export")
            return
        if visit.export_error:
            alert(visit.export_error)
        if visit.exported is not None:
            _offer_download(visit, visit.exported, advice, key)
            return
    busy = visit.exporting is not None
    if st.button(
        "Export this fix",
        icon=":material/movie_edit:",
        key=f"export_{key}",
        disabled=busy,
        help="Another export is running." if busy else None,
    ):
        try:
            visit.start_export(engine(), change)
        except EngineBusy as error:
            alert(str(error))
        else:
            st.rerun()


def _offer_download(visit: Visit, copy: bytes, advice: Advice, key: str) -> None:
    # A function: Streamlit gets the bytes when the button is pressed, not with every run of the page.
    st.download_button(
        f"Download the edited reel ({html_text.megabytes(len(copy))})",
        data=lambda: copy,
        file_name=file_name(visit.name, advice),
        mime="video/mp4",
        icon=":material/download:",
        on_click="ignore",
        key=f"download_{key}",
    )
    st.caption("We keep it until you leave or export another fix.")


def file_name(name: str, advice: Advice) -> str:
    """The copy's name: the reel's name and the kind of change."""
    stem = "".join(char if char.isalnum() or char in "-_" else "-" for char in name.rpartition(".")[0][:60])
    return f"{stem.strip('-') or 'reel'}-{advice.kind.replace('_', '-')}.mp4"
