"""Untrusted text made safe, and counts made readable."""

from __future__ import annotations

import pytest

from ui import html_text


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("<script>&\"'", "&lt;script&gt;&amp;&quot;&#x27;"),
        ("a\x00b\x07\ud800", "a\ufffdb\ufffd\ufffd"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("👩\u200d👧 مرحبا\u200f", "👩\u200d👧 مرحبا\u200f"),
    ],
)
def test_safe(typed: str, shown: str) -> None:
    assert html_text.safe(typed) == shown
    html_text.safe(typed).encode()  # a lone surrogate would raise


@pytest.mark.parametrize(("number", "shown"), [(0, "0 words"), (1, "1 word"), (2, "2 words"), (1234, "1,234 words")])
def test_counted(number: int, shown: str) -> None:
    assert html_text.counted(number, "word") == shown
