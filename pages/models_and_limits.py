"""What is behind the score: the shares, the models and their licenses, the device, and the limits."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui import form, styles
from ui.html_text import bullets, capital, safe, table
from ui.score.limits import CANNOT_KNOW
from ui.visit import current_visit, engine
from virality_core.config import signals
from virality_core.engine import MAX_WAITING, TIME_LIMIT_SECONDS
from virality_core.models import weights
from virality_core.score import fitted_ways


def main() -> None:
    """One run of the page."""
    current_visit().collect_finished_jobs()
    styles.intro("Models and limits", "What the score is made of, and what it can't tell you.")
    styles.heading("What the score is and isn't")
    styles.prose(CANNOT_KNOW)
    _shares()
    _models()
    _limits()


def _shares() -> None:
    ways = fitted_ways()
    fitted = f" On a result you can choose fitted shares instead ({' or '.join(ways)})." if ways else ""
    styles.heading(
        "How the score is weighted",
        "We set each signal's share by hand, for the reason given. If a signal can't be measured, its share goes to "
        f"the others.{fitted}",
    )
    entries = sorted(signals.table()["signals"].values(), key=lambda entry: -float(entry["weight"]))
    total = sum(float(entry["weight"]) for entry in entries)
    scored, unscored = [], []
    for entry in entries:
        title, reason, comparison = str(entry["title"]), str(entry["reason"]), _comparison(entry)
        if entry["weight"]:
            scored.append((title, f"{100 * float(entry['weight']) / total:.1f}\N{NO-BREAK SPACE}%", reason, comparison))
        else:
            unscored.append((title, reason, comparison))
    st.html(table(("Signal", "Share", "Why it counts", "Compared with"), scored))
    with st.expander(f"{len(unscored)} signals that we show but don't score"):
        st.html(table(("Signal", "Why it isn't scored", "Compared with"), unscored))
    styles.heading("Bands", "The score is the share of points you have. It doesn't say how many reels are worse.")
    bands = [(str(band["name"]), f"from {band['from']}", str(band["meaning"])) for band in signals.table()["bands"]]
    st.html(table(("Band", "Score", "Meaning"), bands))


def _comparison(entry: dict[str, Any]) -> str:
    """What the signal's values are compared with; separately for a model with its own unit."""
    variants = [f"{name}: {_rule(variant['desirability'])}" for name, variant in entry.get("variants", {}).items()]
    return "; ".join([_rule(entry["desirability"]), *variants])


def _rule(desirability: dict[str, object]) -> str:
    how, source = str(desirability.get("how", "")), str(desirability.get("source", ""))
    return capital(f"{source}: {how}" if source else how)


def _models() -> None:
    styles.heading(
        "Models",
        f"Scoring runs on {safe(', '.join(engine().device_names()))}. A model file is used only if its checksum or "
        "commit is the one listed here. Some models come in a lite and a full version; full is used if available.",
    )
    with st.expander("All model files: license, source and checksum"):
        rows = [_model(entry) for entry in weights.entries()]
        st.html(table(("Model file", "Used for", "Available", "License", "Source"), rows))
    styles.heading("Evaluation", "How each model and table was made, how well it works, and how to repeat it.")
    for card in sorted(weights.folder().glob("*/README.md")):
        # What comes before the title is for the Hugging Face Hub.
        title, _, body = card.read_text(encoding="utf-8").partition("# ")[2].partition("\n")
        with st.expander(title):
            st.markdown(body)


def _model(entry: weights.Entry) -> tuple[str, ...]:
    source = [entry.citation]
    if entry.published:
        source.append(f"Published: {entry.published}")
    if entry.repository:
        source.append(f"{entry.repository}, {entry.file}, commit {entry.revision}")
    if entry.sha256:
        source.append(f"sha256 {entry.sha256}")
    return (
        entry.id,
        entry.component + (f", {entry.variant}" if weights.has_both_variants(entry.id) else ""),
        "yes" if weights.find(entry) is not None else "downloaded when first needed",
        entry.licence,
        "\n".join(source),
    )


def _limits() -> None:
    styles.heading("Limits")
    limits = (
        form.limits_sentence(),
        f"We score one reel at a time. Up to {MAX_WAITING} more can wait in line. A reel is stopped after "
        f"{TIME_LIMIT_SECONDS / 60:.0f} minutes.",
        f"A caption can have up to {form.MAX_CAPTION_CHARACTERS:,} characters.",
        "Nothing you upload is written to disk, logged, or shown to anyone else.",
    )
    st.html(bullets(map(safe, limits)))


main()
