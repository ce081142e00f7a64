"""While a reel is scored: its place in line, the stage, and a way out."""

from __future__ import annotations

import streamlit as st

from ui.visit import Visit

_RUNNING_SECONDS, _NEXT_SECONDS, _FAR_SECONDS = 0.5, 1.0, 3.0  # between two looks at a job

#: what the pipeline calls a stage → what a visitor reads
_STAGES = {
    "starting": "Starting",
    "loading models": "Loading models (once, for everyone)",
    "reading": "Reading the file",
    "decoding": "Decoding frames and finding cuts",
    "cuts": "Decoding frames and finding cuts",  # the two take turns
    "aesthetics": "Rating how the frames look",
    "look": "Measuring light, colour and sharpness",
    "motion": "Following the motion",
    "quality": "Judging the technical quality",
    "findings": "Looking for technical faults",
    "pacing": "Following the motion",
    "caption": "Reading the caption",
    "keyword": "Reading the caption",
    "hashtag": "Reading the caption",
    "sound": "Listening",
    "audio": "Listening",
    "music": "Looking the music up",
    "faces": "Looking for faces",
    "onscreen": "Reading the text in the picture",
    "virality": "Asking your virality network",
    "engagement": "Comparing with other posts",
}


def watch(visit: Visit) -> None:
    """Show the job's progress until it ends, then have the page run again."""
    every = _every_seconds(visit)
    st.fragment(_watch, run_every=every)(visit, every)


def _every_seconds(visit: Visit) -> float:
    """How often to look: each look costs every visitor's wait a little, and far back in line little changes."""
    ahead = 0 if visit.job is None else visit.job.position
    return _RUNNING_SECONDS if ahead == 0 else _NEXT_SECONDS if ahead == 1 else _FAR_SECONDS


def _watch(visit: Visit, every: float) -> None:
    job = visit.job
    if job is None or job.ended or _every_seconds(visit) != every:
        st.rerun()
    waiting = job.state == "waiting"
    # Not as a context manager: leaving one marks the work as complete.
    box = st.status("In line" if waiting else "Scoring your reel", expanded=True)
    if waiting:
        box.progress(0.0, text=_in_line(job.position, job.wait_seconds))
    else:
        box.progress(job.fraction, text=_said(job.stage))
    if box.button("Cancel", key="cancel"):
        job.cancel()
        st.rerun()


def _in_line(ahead: int, wait_seconds: float | None) -> str:
    """The place in line and how long it takes to the front, as far as that is known."""
    if ahead == 0:
        return _STAGES["loading models"]
    place = "You are next" if ahead == 1 else f"{ahead} ahead of you"
    if wait_seconds is None:
        return place
    minutes = round(wait_seconds / 60)
    wait = f"{max(5, 5 * round(wait_seconds / 5))} seconds" if wait_seconds < 90 else f"{minutes} minutes"
    return f"{place} · about {wait}"


def _said(stage: str) -> str:
    """A stage in a visitor's words: never the program's own name for it."""
    if stage.startswith(("downloading", "waiting for another process")):
        return "Fetching a model (once, for everyone)"
    return _STAGES.get(stage, "Measuring")
