"""HTML snippets for `st.html`: untrusted text made safe, numbers made readable, lists and tables."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from unicodedata import category

_UNSHOWABLE = {"Cc", "Cs", "Co", "Cn"}  # controls, surrogates, private, unassigned
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_MODELS_PAGE = "models_and_limits"  # the URL that Streamlit gives pages/models_and_limits.py


def safe(text: str) -> str:
    """Escape `text` for HTML; characters that can't be shown (controls, lone surrogates) become �.

    Marks that change the writing direction stay, because Arabic and Hebrew need them. Put untrusted text into an
    element of its own with `dir="auto"`, so that they end there.
    """
    shown = (char if char in "\n\t" or category(char) not in _UNSHOWABLE else _REPLACEMENT for char in text)
    return html.escape("".join(shown), quote=True)


def counted(number: int, noun: str) -> str:
    """A number with its noun: 1 word, 2 words."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def megabytes(size_bytes: int) -> str:
    """A file size in MB of 2^20 bytes, as the uploader counts."""
    return f"{size_bytes / 2**20:.1f} MB" if size_bytes < 10 * 2**20 else f"{size_bytes / 2**20:.0f} MB"


def capital(sentence: str) -> str:
    """The sentence with a capital first letter."""
    return sentence[:1].upper() + sentence[1:]


def models_link() -> str:
    """A link to the models page, in a new tab: in this one it would end the visit and drop the reel."""
    return f'<a href="./{_MODELS_PAGE}" target="_blank" rel="noopener">Models and limits</a>'


def bullets(items: Iterable[str]) -> str:
    """A list. The items are HTML."""
    return f'<ul class="rv-list">{"".join(f"<li>{item}</li>" for item in items)}</ul>'


def facts(rows: Mapping[str, str]) -> str:
    """A list of names with their values as text; rows without a value are left out."""
    items = "".join(f"<dt>{safe(name)}</dt><dd>{safe(value)}</dd>" for name, value in rows.items() if value)
    return f'<dl class="rv-facts">{items}</dl>'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, css: str = "") -> str:
    """A table of text; in a cell, lines after the first are small. On phones each cell shows its column's head."""
    columns = "".join(f'<th scope="col">{safe(head)}</th>' for head in heads)
    body = "".join(
        f'<tr><th scope="row" dir="auto">{safe(row[0])}</th>'
        + "".join(
            f'<td data-label="{safe(head)}">{_lines(cell)}</td>' for head, cell in zip(heads[1:], row[1:], strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return f'<table class="rv-table{css and " " + css}"><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>'


def _lines(cell: str) -> str:
    first, *others = safe(cell).split("\n")
    return first + "".join(f"<br><small>{line}</small>" for line in others)
