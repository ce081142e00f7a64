"""README's figures are those of the files that the benches and the settings hold."""

from __future__ import annotations

import sys

import pytest

from bench import readme


def test_no_figure_is_typed_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["bench.readme", "--check"])
    assert readme.main() == 0, "python -m bench.readme writes them"
