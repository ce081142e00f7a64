"""What runs behind the page: the models and their licences, the device, what the score weighs, what is let in."""

from __future__ import annotations

import streamlit as st

from pages.components import remarks, styles, text, upload, visit
from virality_core import reference, weights
from virality_core.engine import MAX_WAITING, TIME_LIMIT_SECONDS


def main() -> None:
    """One run of the page."""
    styles.set_up("Models and limits · Reel Virality")
    here = visit.current()
    here.collect_when_done()
    styles.top()
    st.html(
        '<div class="rv-intro"><h1>Models and limits</h1><p>What the score is made of, and what it is not.</p></div>'
    )
    styles.heading("What the score is, and isn't")
    st.html(f'<p class="rv-prose">{text.safe(remarks.CANNOT_KNOW)}</p>')
    _weighing()
    _models()
    _limits()


def _weighing() -> None:
    styles.heading(
        "What is weighed",
        "The weights are stated, not fitted: each says its reason. A signal that can't answer is left out, and its "
        "weight is shared out among the rest.",
    )
    signals = reference.table()["signals"]
    total = sum(float(entry["weight"]) for entry in signals.values())
    rows = "".join(
        f'<tr><th scope="row">{text.safe(str(entry["title"]))}</th>'
        f'<td class="rv-num">{100 * float(entry["weight"]) / total:.1f} %</td>'
        f"<td>{text.safe(str(entry['reason']))}</td><td>{text.safe(_compared(entry['desirability']))}</td></tr>"
        for entry in sorted(signals.values(), key=lambda entry: -float(entry["weight"]))
    )
    st.html(_table(("Signal", "Weight", "Why it counts", "Compared with"), rows))
    bands = "".join(
        f'<tr><th scope="row">{text.safe(str(band["name"]))}</th><td class="rv-num">from {band["from"]}</td>'
        f"<td>{text.safe(str(band['meaning']))}</td></tr>"
        for band in reference.table()["bands"]
    )
    styles.heading("Bands")
    st.html(_table(("Band", "Score", "Meaning"), bands))


def _compared(desirability: dict[str, object]) -> str:
    how = str(desirability.get("how", ""))
    source = str(desirability.get("source", ""))
    return f"{source}: {how}" if source else how[:1].upper() + how[1:]


def _models() -> None:
    devices = ", ".join(visit.engine().device_names())
    styles.heading(
        "Models", f"Scoring runs on: {text.safe(devices)}. Weights are used only with the digest stated here."
    )
    rows = "".join(_model(entry) for entry in weights.entries())
    st.html(_table(("Weights", "Serves", "Where", "Licence", "Source"), rows))


def _model(entry: weights.Entry) -> str:
    where = "here" if weights.find(entry) is not None else "fetched when first needed"
    source = [entry.citation]
    if entry.published:
        source.append(f"Published: {entry.published}")
    source.append(f"sha256 {entry.sha256}" if entry.sha256 else "pinned by its commit")
    cells = (f"{entry.component}, {entry.variant}", where, entry.licence)
    return (
        f'<tr><th scope="row">{text.safe(entry.id)}</th>'
        + "".join(f"<td>{text.safe(cell)}</td>" for cell in cells)
        + f"<td>{'<br>'.join(text.safe(line) for line in source)}</td></tr>"
    )


def _limits() -> None:
    styles.heading("Limits")
    limits = (
        upload.limits_sentence(),
        f"One reel is scored at a time; {MAX_WAITING} more may wait, each sees its place. After "
        f"{TIME_LIMIT_SECONDS / 60:.0f} minutes a reel is stopped.",
        f"A caption may have {upload.MAX_CAPTION_CHARACTERS:,} characters.",
        "Nothing you upload is written to disk, logged, or shown to anybody else.",
    )
    st.html('<ul class="rv-list">' + "".join(f"<li>{text.safe(limit)}</li>" for limit in limits) + "</ul>")


def _table(heads: tuple[str, ...], rows: str) -> str:
    columns = "".join(f'<th scope="col">{text.safe(head)}</th>' for head in heads)
    return f'<table class="rv-table"><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table>'


main()
