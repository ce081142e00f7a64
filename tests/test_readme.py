"""The figures in README.md and docs/ match their sources, and their links lead somewhere."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from bench import readme

GUIDES = [readme.ROOT / "README.md", readme.ROOT / "CONTRIBUTING.md", *sorted((readme.ROOT / "docs").glob("*.md"))]


def test_no_figure_is_typed_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["bench.readme", "--check"])
    assert readme.main() == 0, "python -m bench.readme writes them"


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_links_lead_to_files(path: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (path.parent / link).exists()]
    assert not missing


def test_the_readme_is_short() -> None:
    assert len((readme.ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
