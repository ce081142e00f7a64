"""An evaluation as one HTML page without scripts or other files: pictures are inside."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from virality_core.files import printable, write_atomically

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
.rv-table td{text-align:right;font-variant-numeric:tabular-nums}small{color:#666}
.plots img{max-width:24rem;width:100%}
.posts{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:1rem}
.posts img{max-width:100%;max-height:16rem}
.posts p{margin:.2rem 0;overflow-wrap:anywhere}
"""


def write(path: Path, result: Mapping[str, Any]) -> None:
    """Write the page of an evaluation (what metrics.json holds); plots and thumbnails are read from next to it."""
    write_atomically(path, _page(result, path.parent))


def figure_text(figure: Mapping[str, float | None]) -> tuple[str, str]:
    """A figure as (value, interval); “not defined” where it is not."""
    if figure["value"] is None:
        return "not defined", ""
    return f"{figure['value']:.3f}", "" if figure["low"] is None else f"{figure['low']:.3f} to {figure['high']:.3f}"


def columns_of(result: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The figures of the model and of each baseline, by name."""
    return {"model": result["model"]["figures"]} | {name: one["figures"] for name, one in result["baselines"].items()}


def figures_table(columns: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Figures by column (a model, its baselines, other runs) as an HTML table, intervals in small type."""
    columns = {escape(printable(name)): figures for name, figures in columns.items()}
    rows = ""
    for name in dict.fromkeys(name for figures in columns.values() for name in figures):
        cells = ""
        for column, figures in columns.items():
            value, interval = figure_text(figures[name]) if name in figures else ("", "")
            cells += f'<td data-label="{column}">{value}<br><small>{interval}</small></td>'
        rows += f'<tr><th scope="row">{NAMES[name]}</th>{cells}</tr>'
    head = "".join(f'<th scope="col">{column}</th>' for column in ("Figure", *columns))
    return f'<table class="rv-table"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def prediction_text(post: Mapping[str, Any], safe: Callable[[str], str] = escape) -> str:
    """One of the best or worst predictions as HTML: answer and truth, caption (made safe for HTML), counts."""
    counts = ", ".join(
        f"{post[count]:,} {count}" for count in ("plays", "likes", "comments", "shares") if post[count] is not None
    )
    return (
        f"<p><b>{post['answer']:.2f}</b> predicted, {post['truth']:.2f} actual</p>"
        f'<p dir="auto">{safe(str(post["caption"]))}</p><p><small>{counts}</small></p>'
    )


def _page(result: Mapping[str, Any], folder: Path) -> str:
    title = f"Virality network, {result['task']}: {result['videos']} {result['part']} videos"
    plots = "".join(f'<img src="{_inline(folder / name)}" alt="{escape(Path(name).stem)}">' for name in result["plots"])
    undefined = "".join(f"<p>{escape(sentence)}</p>" for sentence in result["model"]["undefined"])
    control = "" if result["frames"] == "as they are" else f"<p><b>Control: frames {result['frames']}.</b></p>"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>{control}"
        f"<p>{result['videos']} videos of {result['authors']} accounts. In small type: 95 % intervals of a bootstrap "
        "over accounts (500 draws). A model is useful where it beats followers and metadata on the same posts.</p>"
        f'{figures_table(columns_of(result))}{undefined}<h2>Plots</h2><div class="plots">{plots}</div>'
        + "".join(_predictions(name, result["predictions"][name], folder) for name in ("best", "worst"))
        + f"<h2>Training</h2>{_settings(result)}</html>"
    )


def _predictions(name: str, posts: Sequence[Mapping[str, Any]], folder: Path) -> str:
    cards = ""
    for post in posts:
        picture = "" if post["thumbnail"] is None else f'<img src="{_inline(folder / post["thumbnail"])}" alt="">'
        cards += f"<div>{picture}{prediction_text(post)}<p><small>{escape(post['video'])}</small></p></div>"
    return f'<h2>{name.capitalize()} predictions</h2><div class="posts">{cards}</div>'


def _settings(result: Mapping[str, Any]) -> str:
    checkpoint, data = result["checkpoint"], result["data"]
    rows = {
        "Checkpoint": f"sha256 {checkpoint['sha256']}",
        "Network": f"R(2+1)D, {checkpoint['architecture']}",
        "Input": f"{checkpoint['input']}, {checkpoint['clips']} clips of 16 frames at 15 fps",
        "Start": checkpoint["training"].get("began"),
        "Epoch": checkpoint["training"].get("epoch"),
        "Score": f"weights {data.get('weights')}; viral above {data.get('threshold')}",
        "Missing counts": data.get("missing_counts"),
        "Parts": data.get("parts"),
    }
    return "<table>" + "".join(f"<tr><th>{k}</th><td>{escape(str(v))}</td></tr>" for k, v in rows.items()) + "</table>"


def _inline(path: Path) -> str:
    kind = "png" if path.suffix == ".png" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
