"""Progress of the visitor's jobs: position in line, current stage, and a button to stop."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from ui.visit import Visit
from virality_core.engine import Job

_RUNNING_SECONDS, _NEXT_SECONDS, _FAR_SECONDS = 0.5, 1.0, 3.0  # between two looks at a job

#: Kind of change → name, for stages like `trying: crop bars`
CHANGES = {
    "caption": "another caption",
    "contrast": "more contrast",
    "cover": "a better cover",
    "crop_bars": "cropping the black bars",
    "denoise": "noise reduction",
    "exposure": "exposure",
    "hashtags": "fewer hashtags",
    "leading_silence": "removing the silence at the start",
    "loudness": "volume",
    "reframe": "cropping to 9:16",
    "sharpen": "sharpening",
    "stabilise": "stabilization",
    "start_later": "a later start",
    "white_balance": "white balance",
}

#: Stage id → label. An id ends at the first space or colon; what follows is a detail.
_LABELS = {
    "starting": "Starting",
    "loading": "Loading models (first time only)",
    "downloading": "Downloading a model (first time only)",
    "waiting": "Downloading a model (first time only)",
    "reading": "Reading the file",
    "decoding": "Decoding frames and finding cuts",
    "cuts": "Decoding frames and finding cuts",
    "aesthetics": "Rating how the frames look",
    "look": "Measuring light, color and sharpness",
    "motion": "Measuring motion",
    "pacing": "Measuring motion",
    "quality": "Rating technical quality",
    "findings": "Looking for technical problems",
    "caption": "Reading the caption",
    "keyword": "Reading the caption",
    "hashtag": "Reading the caption",
    "sound": "Analyzing the sound",
    "audio": "Analyzing the sound",
    "music": "Looking up the music",
    "faces": "Looking for faces",
    "onscreen": "Reading on-screen text",
    "virality": "Running your virality model",
    "engagement": "Forecasting likes and plays",
    "trying": "Trying changes",
    "exporting": "Writing the edited reel",
    "own": "Learning from your posts",
}


def stage_label(stage: str) -> str:
    """A stage in plain words; an id that isn't in the table shows as “Measuring”."""
    if name := CHANGES.get(stage.partition(": ")[2].replace(" ", "_")):
        return f"Trying {name}"
    return _LABELS.get(stage.partition(" ")[0].rstrip(":"), "Measuring")


def watch(visit: Visit) -> None:
    """Show the scoring job's progress until it ends, then run the page again."""
    every = _interval(visit)
    st.fragment(_watch, run_every=every)(visit, every)


def _interval(visit: Visit) -> float:
    """Seconds between two looks: each look slows the server a little, and far back in line little changes."""
    ahead = 0 if visit.job is None else visit.job.position
    return _RUNNING_SECONDS if ahead == 0 else _NEXT_SECONDS if ahead == 1 else _FAR_SECONDS


def _watch(visit: Visit, every: float) -> None:
    job = visit.job
    if job is None or job.ended or _interval(visit) != every:
        st.rerun()
    waiting = job.state == "waiting"
    # Not as a context manager: leaving one marks the work as complete.
    box = st.status("In line" if waiting else "Scoring your reel", expanded=True)
    if waiting:
        box.progress(0.0, text=_in_line(job.position, job.wait_seconds))
    else:
        box.progress(job.fraction, text=stage_label(job.stage))
    if box.button("Cancel", key="cancel"):
        job.cancel()
        st.rerun()


def _in_line(ahead: int, wait_seconds: float | None) -> str:
    """The position in line and, if known, the wait."""
    if ahead == 0:
        return _LABELS["loading"]
    position = "You are next" if ahead == 1 else f"{ahead} ahead of you"
    if wait_seconds is None:
        return position
    minutes = round(wait_seconds / 60)
    wait = f"{max(5, 5 * round(wait_seconds / 5))} seconds" if wait_seconds < 90 else f"{minutes} minutes"
    return f"{position} · about {wait}"


@st.fragment(run_every=_RUNNING_SECONDS)
def watch_extra(job: Job[Any], *, key: str) -> None:
    """Show the progress of a job other than scoring, with a Stop button; run the page again when it ends."""
    if job.ended:
        st.rerun()
    elapsed = "" if job.started_at is None else f" · {time.monotonic() - job.started_at:.0f} s"
    st.progress(job.fraction, text=stage_label(job.stage) + elapsed if job.state == "running" else "In line")
    if st.button("Stop", key=key):
        job.cancel()
        st.rerun()
