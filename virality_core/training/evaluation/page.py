"""An evaluation as one HTML page that needs nothing beside it: pictures are inside, and no script."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

NAMES = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "brier": "Brier score",
    "mse": "MSE",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
    "spearman": "Spearman",
    "pearson": "Pearson",
}
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1c1c22;background:#fff}
table{border-collapse:collapse;width:100%;margin:1rem 0}
th,td{padding:.35rem .6rem;border-bottom:1px solid #ddd;text-align:left}
td.n{text-align:right;font-variant-numeric:tabular-nums}small{color:#666}.plots img{max-width:24rem;width:100%}
.posts{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:1rem}
.posts img{max-width:100%;max-height:16rem}
.posts p{margin:.2rem 0;overflow-wrap:anywhere}
"""


def write(path: Path, result: Mapping[str, Any], folder: Path) -> None:
    """Write the page of an evaluation (what metrics.json holds); plots and thumbnails are read from `folder`."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(page(result, folder), encoding="utf-8")
    os.replace(part, path)


def page(result: Mapping[str, Any], folder: Path) -> str:
    """The page as text. What comes from posts is escaped."""
    title = f"Virality network, {result['task']}: {result['videos']} {result['part']} videos"
    plots = "".join(
        f'<img src="{_inline(folder / str(name))}" alt="{escape(Path(name).stem)}">' for name in result["plots"]
    )
    undefined = "".join(f"<p>{escape(str(one))}</p>" for one in result["model"]["undefined"])
    frames = (
        ""
        if result["frames"] == "as they are"
        else f"<p><b>Control: the frames of each clip {result['frames']}.</b></p>"
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>{frames}"
        f"<p>{result['videos']} videos of {result['authors']} accounts. In small type: 95 % intervals of a bootstrap "
        "over accounts (500 draws). A model is worth something where it beats followers and metadata on the "
        "same posts.</p>"
        f"{_figures(result)}{undefined}<h2>Plots</h2><div class='plots'>{plots}</div>"
        + "".join(_posts(name, result["predictions"][name], folder) for name in ("best", "worst"))
        + f"<h2>What was trained</h2>{_facts(result)}</html>"
    )


def figure_text(figure: Mapping[str, Any]) -> tuple[str, str]:
    """A figure as (value, interval); “not defined” where it is not."""
    if figure["value"] is None:
        return "not defined", ""
    interval = "" if figure["low"] is None else f"{figure['low']:.3f} to {figure['high']:.3f}"
    return f"{figure['value']:.3f}", interval


def _figures(result: Mapping[str, Any]) -> str:
    columns = {"model": result["model"]["figures"]} | {
        name: one["figures"] for name, one in result["baselines"].items()
    }
    heads = "".join(f"<th>{escape(name)}</th>" for name in columns)
    rows = ""
    for name in result["model"]["figures"]:
        cells = ""
        for figures in columns.values():
            value, interval = figure_text(figures[name])
            cells += f"<td class='n'>{value}<br><small>{interval}</small></td>"
        rows += f"<tr><th>{NAMES[name]}</th>{cells}</tr>"
    return f"<table><tr><th></th>{heads}</tr>{rows}</table>"


def _posts(name: str, posts: Sequence[Mapping[str, Any]], folder: Path) -> str:
    cards = ""
    for post in posts:
        picture = "" if post["thumbnail"] is None else f'<img src="{_inline(folder / post["thumbnail"])}" alt="">'
        counts = ", ".join(
            f"{post[count]:,} {count}" for count in ("plays", "likes", "comments", "shares") if post[count] is not None
        )
        cards += (
            f"<div>{picture}<p><b>{post['answer']:.2f}</b> predicted, {post['truth']:.2f} was</p>"
            f'<p dir="auto">{escape(post["caption"])}</p>'
            f"<p><small>{counts}<br>{escape(post['video'])}</small></p></div>"
        )
    return f"<h2>{name.capitalize()} predictions</h2><div class='posts'>{cards}</div>"


def _facts(result: Mapping[str, Any]) -> str:
    checkpoint, data = result["checkpoint"], result["data"]
    facts = {
        "Checkpoint": f"sha256 {checkpoint['sha256']}",
        "Network": f"R(2+1)D, {checkpoint['architecture']}",
        "Input": f"{checkpoint['input']}, {checkpoint['clips']} clips of 16 frames at 15 a second",
        "Began": checkpoint["training"].get("began"),
        "Epoch": checkpoint["training"].get("epoch"),
        "Score": f"weights {data.get('weights')}; viral above {data.get('threshold')}",
        "Missing counts": data.get("missing_counts"),
        "Parts": data.get("parts"),
    }
    return "<table>" + "".join(f"<tr><th>{k}</th><td>{escape(str(v))}</td></tr>" for k, v in facts.items()) + "</table>"


def _inline(path: Path) -> str:
    kind = "png" if path.suffix == ".png" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
