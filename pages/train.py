"""How to train a model on your own posts, and how well the trained models do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from ui import html_text, picture, styles
from ui.visit import current_visit
from virality_core.files import printable
from virality_core.training.evaluation import charts
from virality_core.training.evaluation.page import columns_of, figures_table, prediction_text
from virality_core.training.evaluation.runs import EVALUATION, Run, runs, runs_folder

_STEPS = (
    (
        "Collect",
        "Put your videos in one folder, with what your scraper, yt-dlp (--write-info-json) or Instagram's data export "
        "says about them. A CSV with your own columns works too.",
        "",
    ),
    (
        "Preprocess",
        "This opens every video, splits the data so that copies of a video and videos of an account stay together, "
        "and fits the virality score to the training part.",
        "virality preprocess posts.json --videos videos --out data",
    ),
    (
        "Train",
        "This trains R(2+1)D on clips of the videos. You can stop it at any time; the same command continues. On "
        "several GPUs, use: accelerate launch -m virality_core train virality …",
        "virality train virality --task classification --data data --out runs/first",
    ),
    (
        "Evaluate",
        "This tests the model on accounts it has never seen, and compares it with followers and metadata alone.",
        "virality evaluate virality runs/first --data data",
    ),
    ("Use", "This makes it the app's virality signal.", "virality weights add runs/first"),
)


def main() -> None:
    """One run of the page."""
    current_visit().collect_finished_jobs()
    styles.intro(
        "Train and evaluate",
        "Train a virality model on your own posts and their numbers. None is included, because other people's posts "
        "can't tell you how yours will do.",
    )
    folder = runs_folder()
    styles.heading("Your runs")
    if found := runs(folder):
        _runs(found)
    else:
        styles.prose(
            f"There are no runs in the folder “{folder.name}” yet. The app looks for “runs” in the folder it was "
            "started in, or in the one set by VIRALITY_RUNS. To try everything on generated videos, run: make example"
        )
    _steps()


def _steps() -> None:
    styles.heading(
        "How to train a model",
        "In a terminal, in this project's folder, after running make. A new model doesn't count in the score until "
        "you give it a share. Do so if it beats followers and metadata on the same posts.",
    )
    st.code("source .venv/bin/activate\npip install -c constraints.txt '.[train]'", language="sh")
    for number, (title, text, command) in enumerate(_STEPS, start=1):
        st.html(f'<p class="rv-prose"><b>{number}. {html_text.safe(title)}.</b> {html_text.safe(text)}</p>')
        if command:
            st.code(command, language="sh")


def _runs(found: Sequence[Run]) -> None:
    names = [printable(run.name) for run in found]
    run = found[st.selectbox("Run", range(len(found)), format_func=names.__getitem__, key="run")]
    _run(run)
    task = run.evaluation and run.evaluation["task"]
    evaluations = {run.name: run.evaluation for run in found if run.evaluation and run.evaluation["task"] == task}
    if len(evaluations) > 1:
        styles.heading("Compare runs", "Fair only if the runs were evaluated on the same posts.")
        same = list(evaluations)
        chosen = st.multiselect(
            "Runs with the same task",
            range(len(same)),
            default=list(range(min(3, len(same)))),
            format_func=lambda number: printable(same[number]),
            key="compared",
        )
        if chosen:
            st.html(figures_table({same[number]: evaluations[same[number]]["model"]["figures"] for number in chosen}))


def _run(run: Run) -> None:
    if run.evaluation is None:
        styles.prose(run.why_not)
    else:
        _evaluation(run, run.evaluation)
    if run.epochs:
        styles.heading("Training")
        st.altair_chart(charts.losses(run.epochs), key="losses")


def _evaluation(run: Run, result: Mapping[str, Any]) -> None:
    control = "" if result["frames"] == "as they are" else f" Control: the frames of each clip {result['frames']}."
    styles.prose(
        f"{str(result['task']).capitalize()} of {html_text.counted(result['videos'], 'video')} from "
        f"{html_text.counted(result['authors'], 'account')} ({result['part']} part). Small type: 95 % intervals from "
        f"a bootstrap over accounts. A model is useful if it beats followers and metadata on the same posts.{control}"
    )
    st.html(figures_table(columns_of(result)))
    for sentence in result["model"]["undefined"]:
        styles.prose(str(sentence))
    columns = st.columns(2)
    for number, (title, chart) in enumerate(charts.charts(result).values()):
        with columns[number % 2]:
            st.html(f'<h3 class="rv-h">{html_text.safe(title)}</h3>')
            st.altair_chart(chart, key=f"chart-{number}")
    for name in ("best", "worst"):
        if posts := result["predictions"][name]:
            styles.heading(f"{name.capitalize()} predictions")
            _posts(posts, run.folder / EVALUATION.parent)


def _posts(posts: Sequence[Mapping[str, Any]], folder: Path) -> None:
    for column, post in zip(st.columns(max(3, len(posts))), posts, strict=False):
        with column:
            thumbnail = folder / "thumbnails" / Path(str(post["thumbnail"])).name
            if post["thumbnail"] is not None and thumbnail.is_file():
                picture.embed(thumbnail.read_bytes(), "image/jpeg", "A frame of this video")
            st.html(prediction_text(post, html_text.safe))


main()
