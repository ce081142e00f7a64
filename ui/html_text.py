"""Words for the page: what a stranger typed made harmless, sizes and counts made readable."""

from __future__ import annotations

import html
from unicodedata import category

_UNSHOWABLE = {"Cc", "Cs", "Co", "Cn"}  # controls, surrogates, private, unassigned
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_MODELS_PAGE = "models_and_limits"  # as Streamlit names the address of pages/models_and_limits.py


def safe(text: str) -> str:
    """`text` for use inside HTML: nothing in it is markup, and what can't be shown (controls, lone surrogates) is �.

    Marks that turn the writing direction stay, as Arabic and Hebrew need them: put strangers' text into an element of
    its own with `dir="auto"`, which ends their reach.
    """
    shown = (char if char in "\n\t" or category(char) not in _UNSHOWABLE else _REPLACEMENT for char in text)
    return html.escape("".join(shown), quote=True)


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: 1 word, 2 words."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def megabytes(size_bytes: int) -> str:
    """A file's size in MB of 2^20 bytes, as the uploader counts."""
    return f"{size_bytes / 2**20:.1f} MB" if size_bytes < 10 * 2**20 else f"{size_bytes / 2**20:.0f} MB"


def capital(sentence: str) -> str:
    """The sentence with a capital first letter."""
    return sentence[:1].upper() + sentence[1:]


def models_link(words: str) -> str:
    """A link to the page of models, in a tab of its own: following it here would end the visit and drop the reel."""
    return f'<a href="./{_MODELS_PAGE}" target="_blank" rel="noopener">{safe(words)}</a>'
