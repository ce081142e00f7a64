"""From a folder of videos to a model of one's own: how to, and what the runs that were trained are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from ui import html_text, picture, styles, training_runs, visit
from virality_core.training.evaluation.runs import EVALUATION, Run, runs, runs_folder

_WAY = (
    (
        "Gather",
        "A folder with the videos, and what your scraper, yt-dlp (--write-info-json) or Instagram's own export wrote "
        "of them; a CSV with your own columns works too.",
        "",
    ),
    (
        "Preprocess",
        "Opens every video, keeps copies and accounts in one part each, fits the score on the training part.",
        "virality preprocess posts.json --videos videos --out data",
    ),
    (
        "Train",
        "R(2+1)D on clips of the videos; stop it whenever you like, the same command goes on. On several GPUs: "
        "accelerate launch -m virality_core train virality …",
        "virality train virality --task classification --data data --out runs/first",
    ),
    (
        "Evaluate",
        "On accounts the network has never seen, beside what followers and metadata alone would say.",
        "virality evaluate virality runs/first --data data",
    ),
    ("Use", "The app's virality signal is then this network's.", "virality weights add runs/first"),
)


def main() -> None:
    """One run of the page."""
    visit.current().collect_when_done()
    styles.intro(
        "Train and evaluate",
        "Train a virality network on your own posts and their counts. None is included: nobody else's posts say how "
        "yours will do.",
    )
    folder = runs_folder()
    found = runs(folder)
    if found:
        _runs(found)
    else:
        styles.heading("Your runs")
        st.html(
            f'<p class="rv-prose">There is no run in the folder “{html_text.safe(folder.name)}” yet. Runs are '
            "looked for in “runs” where the app was started, or in the folder that the variable VIRALITY_RUNS names. To see the "
            "whole way on generated videos: make example.</p>"
        )
    _way()


def _way() -> None:
    styles.heading(
        "From a folder to a model",
        "In a terminal, in this project's folder, after make has run. The network has no weight in the score until you "
        "give it one: do so where it beats followers and metadata on the same posts.",
    )
    st.code("source .venv/bin/activate\npip install -c constraints.txt '.[train]'", language="sh")
    for number, (title, what, command) in enumerate(_WAY, start=1):
        st.html(f'<p class="rv-prose"><b>{number}. {html_text.safe(title)}.</b> {html_text.safe(what)}</p>')
        if command:
            st.code(command, language="sh")


def _runs(found: Sequence[Run]) -> None:
    styles.heading("Your runs")
    names = [run.name for run in found]
    chosen = st.selectbox("Run", range(len(found)), format_func=lambda place: _plain(names[place]), key="run")
    _run(found[chosen])
    task = found[chosen].evaluation and found[chosen].evaluation["task"]
    same = [run for run in found if run.evaluation is not None and run.evaluation["task"] == task]
    if len(same) > 1:
        styles.heading("Compare runs", "Fair only where both were evaluated on the same posts.")
        picked = st.multiselect(
            "Runs of the same task",
            range(len(same)),
            default=list(range(min(3, len(same)))),
            format_func=lambda place: _plain(same[place].name),
            key="compared",
        )
        if picked:
            st.html(training_runs.figures_table(training_runs.compared([same[place] for place in picked])))


def _run(run: Run) -> None:
    if run.evaluation is None:
        st.html(f'<p class="rv-prose">{html_text.safe(run.why_not)}</p>')
    else:
        _evaluation(run, run.evaluation)
    if run.epochs:
        styles.heading("Training")
        st.altair_chart(training_runs.losses(run.epochs), key="losses")


def _evaluation(run: Run, result: Mapping[str, Any]) -> None:
    control = "" if result["frames"] == "as they are" else f" Control: the frames of each clip {result['frames']}."
    st.html(
        f'<p class="rv-prose">{html_text.safe(str(result["task"]).capitalize())} on '
        f"{html_text.counted(result['videos'], 'video')} of {html_text.counted(result['authors'], 'account')} "
        f"({html_text.safe(str(result['part']))} part). In small type: 95 % intervals of a bootstrap over accounts. A "
        "model "
        f"is worth something where it beats followers and metadata on the same posts.{html_text.safe(control)}</p>"
    )
    columns = {"model": result["model"]["figures"]} | {k: one["figures"] for k, one in result["baselines"].items()}
    st.html(training_runs.figures_table(columns))
    for sentence in result["model"]["undefined"]:
        st.html(f'<p class="rv-prose">{html_text.safe(str(sentence))}</p>')
    places = st.columns(2)
    for number, (title, chart) in enumerate(training_runs.charts(result)):
        with places[number % 2]:
            st.html(f'<h3 class="rv-h">{html_text.safe(title)}</h3>')
            st.altair_chart(chart, key=f"chart-{number}")
    for name in ("best", "worst"):
        posts = result["predictions"][name]
        if posts:
            styles.heading(f"{name.capitalize()} predictions")
            _posts(posts, run.folder / EVALUATION.parent)


def _posts(posts: Sequence[Mapping[str, Any]], folder: Path) -> None:
    for place, post in zip(st.columns(max(3, len(posts))), posts, strict=False):
        with place:
            thumbnail = folder / "thumbnails" / Path(str(post["thumbnail"])).name
            if post["thumbnail"] is not None and thumbnail.is_file():
                picture.embedded(thumbnail.read_bytes(), "image/jpeg", "A frame of this video")
            counts = ", ".join(
                f"{post[count]:,} {count}"
                for count in ("plays", "likes", "comments", "shares")
                if post[count] is not None
            )
            st.html(
                f"<p><b>{post['answer']:.2f}</b> predicted, {post['truth']:.2f} was</p>"
                f'<p dir="auto">{html_text.safe(str(post["caption"]))}</p>'
                f"<p><small>{html_text.safe(counts)}</small></p>"
            )


def _plain(name: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)


main()
