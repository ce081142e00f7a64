"""What a stranger typed, made harmless; numbers and times made readable."""

from __future__ import annotations

import pytest

from pages.components import text


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
    assert text.safe(typed) == shown
    text.safe(typed).encode()  # a lone surrogate would raise


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00.0"), (3.26, "0:03.3"), (59.96, "1:00.0"), (754.5, "12:34.5")])
def test_clock(seconds: float, shown: str) -> None:
    assert text.clock(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (0.0236, "0.0236"), (5.524, "5.52"), (76.9, "76.9"), (120.4, "120"), (0.000012, "0.000012")],
)
def test_number(value: float, shown: str) -> None:
    assert text.number(value) == shown
