"""While a reel is scored: its place in the queue, the stage, and a way out."""

from __future__ import annotations

import streamlit as st

from pages.components.visit import Visit

_EVERY_SECONDS = 0.4

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


@st.fragment(run_every=_EVERY_SECONDS)
def watch(visit: Visit) -> None:
    """Show the job's progress until it ends, then have the page run again."""
    job = visit.job
    if job is None or job.ended:
        st.rerun()
    waiting = job.state == "waiting"
    ahead = job.position
    # Not as a context manager: leaving one marks the work as complete.
    box = st.status("In the queue" if waiting else "Scoring your reel", expanded=True)
    if waiting:
        box.progress(0.0, text=f"{ahead} {'reel goes' if ahead == 1 else 'reels go'} first")
    else:
        box.progress(job.fraction, text=_said(job.stage))
    if box.button("Cancel", key="cancel"):
        job.cancel()
        st.rerun()


def _said(stage: str) -> str:
    """A stage in a visitor's words: never the program's own name for it."""
    if stage.startswith(("downloading", "waiting for another process")):
        return "Fetching a model (once, for everyone)"
    return _STAGES.get(stage, "Measuring")
