"""The model card that goes to the hub with a run: what it is, what it was trained on, what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from virality_core.models.vision.r2plus1d_checkpoint import Card
from virality_core.training.evaluation.page import NAMES, figure_text

_ANSWERS = {
    "classification": "the probability that a post does better than the stated quantile of its training posts",
    "regression": "a post's virality score, 0 to 1",
}


def model_card(card: Card, figures: Mapping[str, Any] | None, repository: str) -> str:
    """README.md for the hub, with its front matter; figures are those of metrics.json, if the run was evaluated."""
    data, training = card.data, card.training
    lines = [
        "---",
        "library_name: virality-core",
        "pipeline_tag: video-classification",
        "tags: [video, r2plus1d, virality]",
        "---",
        "",
        f"# {repository.partition('/')[2]}: virality of short videos, {card.task}",
        "",
        f"R(2+1)D (width {card.architecture.width}, blocks {list(card.architecture.blocks)}) that answers with "
        f"{_ANSWERS[card.task]}, the mean over {card.clips} clips of 16 frames at 15 a second. To use it: "
        f"`virality weights add {repository}`.",
        "",
        "## Trained on",
        "",
        f"- Parts (videos): {data.get('parts')}, split by {data.get('split')}; copies of a video are in one part.",
        f"- Score: weights {data.get('weights')} of the logarithm of each count, scaled on the training part; viral "
        f"above {data.get('threshold')} (quantile {data.get('quantile')}). Missing counts: "
        f"{data.get('missing_counts')}.",
        f"- {training.get('began')} Epoch {training.get('epoch')}; settings are in model.json.",
        f"- Input: {card.input.to_dict()}; short reels: {card.padding}.",
        "",
        "## Measured",
        "",
        *_measured(figures),
        "",
        "## What it can't know",
        "",
        "The account, the day, the topic's moment and luck; how large an account is explains most of how far a post "
        "goes. It repeats what did well among the posts it saw, whatever the reason was.",
        "",
    ]
    return "\n".join(lines)


def _measured(figures: Mapping[str, Any] | None) -> list[str]:
    if figures is None:
        return ["The run was not evaluated on its test part."]
    columns = {"model": figures["model"]["figures"]} | {k: one["figures"] for k, one in figures["baselines"].items()}
    lines = [
        f"On {figures['videos']} {figures['part']} videos of {figures['authors']} accounts; 95 % intervals of a "
        "bootstrap over accounts.",
        "",
        "| | " + " | ".join(columns) + " |",
        "| --- |" + " ---: |" * len(columns),
    ]
    for name in columns["model"]:
        cells = []
        for column in columns.values():
            value, interval = figure_text(column[name])
            cells.append(f"{value} ({interval})" if interval else value)
        lines.append(f"| {NAMES[name]} | " + " | ".join(cells) + " |")
    return [*lines, "", *figures["model"]["undefined"]]
