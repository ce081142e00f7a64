"""What runs behind the page: the models and their licences, the device, what the score weighs, what is let in."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui import html_text, styles, visit
from ui.form import upload
from ui.score import limits as remarks
from virality_core.config import signals as reference
from virality_core.engine import MAX_WAITING, TIME_LIMIT_SECONDS
from virality_core.models import weights
from virality_core.what_if import fitted_ways


def main() -> None:
    """One run of the page."""
    here = visit.current()
    here.collect_when_done()
    styles.intro("Models and limits", "What the score is made of, and what it is not.")
    styles.heading("What the score is, and isn't")
    st.html(f'<p class="rv-prose">{html_text.safe(remarks.CANNOT_KNOW)}</p>')
    _weighing()
    _models()
    _limits()


def _weighing() -> None:
    fitted = fitted_ways()
    also = (
        f" Beside these stand fitted ones ({' and '.join(fitted)}), which a result lets you choose." if fitted else ""
    )
    styles.heading(
        "What is weighed",
        "The weights are stated, not fitted: each says its reason. A signal that can't answer is left out, and its "
        f"weight is shared out among the rest.{also}",
    )
    signals = reference.table()["signals"]
    total = sum(float(entry["weight"]) for entry in signals.values())
    ordered = sorted(signals.values(), key=lambda entry: -float(entry["weight"]))
    weighed = [
        (str(entry["title"]), f"{100 * float(entry['weight']) / total:.1f} %", str(entry["reason"]), _compared(entry))
        for entry in ordered
        if entry["weight"]
    ]
    st.html(_table(("Signal", "Weight", "Why it counts", "Compared with"), weighed))
    shown = [(str(entry["title"]), str(entry["reason"]), _compared(entry)) for entry in ordered if not entry["weight"]]
    with st.expander(f"{len(shown)} signals that are shown without weight"):
        st.html(_table(("Signal", "Why it has none", "Compared with"), shown))
    styles.heading(
        "Bands", "The score is the share of the points that were won. It does not say how many reels are worse."
    )
    bands = [(str(band["name"]), f"from {band['from']}", str(band["meaning"])) for band in reference.table()["bands"]]
    st.html(_table(("Band", "Score", "Meaning"), bands))


def _compared(entry: dict[str, Any]) -> str:
    """What the signal's values are held against; a model with a unit of its own apart."""
    own = [f"{name}: {_against(variant['desirability'])}" for name, variant in entry.get("variants", {}).items()]
    return "; ".join([_against(entry["desirability"]), *own])


def _against(desirability: dict[str, object]) -> str:
    how = str(desirability.get("how", ""))
    source = str(desirability.get("source", ""))
    return f"{source}: {how}" if source else html_text.capital(how)


def _models() -> None:
    devices = ", ".join(visit.engine().device_names())
    styles.heading(
        "Models",
        f"Scoring runs on: {html_text.safe(devices)}. Weights are used only with the digest or commit stated here. "
        "Where a "
        "model comes as lite and as full, full is taken where it is at hand.",
    )
    with st.expander("Every file of weights: where it is, its licence, source and digest"):
        rows = [_model(entry) for entry in weights.entries()]
        st.html(_table(("Weights", "Serves", "Where", "Licence", "Source"), rows))
    styles.heading("Measured", "What was found about each model and table, with its figures and how to repeat them.")
    for card in sorted(weights.folder().glob("*/README.md")):
        # What stands before the title is for the Hugging Face Hub.
        title, _, body = card.read_text(encoding="utf-8").partition("# ")[2].partition("\n")
        with st.expander(title):
            st.markdown(body)


def _model(entry: weights.Entry) -> tuple[str, ...]:
    which = entry.variant if weights.has_both_variants(entry.id) else "the only one"
    source = [entry.citation]
    if entry.published:
        source.append(f"Published: {entry.published}")
    if entry.repository:
        source.append(f"{entry.repository}, {entry.file}, commit {entry.revision}")
    if entry.sha256:
        source.append(f"sha256 {entry.sha256}")
    return (
        entry.id,
        f"{entry.component}, {which}",
        "here" if weights.find(entry) is not None else "fetched when first needed",
        entry.licence,
        "\n".join(source),
    )


def _limits() -> None:
    styles.heading("Limits")
    limits = (
        upload.limits_sentence(),
        f"One reel is scored at a time. Up to {MAX_WAITING} more wait in line, each with their place shown. A reel "
        f"is stopped after {TIME_LIMIT_SECONDS / 60:.0f} minutes.",
        f"A caption may have {upload.MAX_CAPTION_CHARACTERS:,} characters.",
        "Nothing you upload is written to disk, logged, or shown to anybody else.",
    )
    st.html('<ul class="rv-list">' + "".join(f"<li>{html_text.safe(limit)}</li>" for limit in limits) + "</ul>")


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table whose cells carry their column's head, which a phone shows beside them."""
    columns = "".join(f'<th scope="col">{html_text.safe(head)}</th>' for head in heads)
    body = "".join(
        f'<tr><th scope="row">{html_text.safe(row[0])}</th>'
        + "".join(
            f'<td data-label="{html_text.safe(head)}">{html_text.safe(cell).replace(chr(10), "<br>")}</td>'
            for head, cell in zip(heads[1:], row[1:], strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return f'<table class="rv-table"><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>'


main()
