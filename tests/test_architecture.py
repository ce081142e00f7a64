"""Holds the layers of the design against the imports: data goes left to right, nothing imports what is to its right."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "virality_core"

_GROUND = {"types", "errors", "version", "files"}
_TOOLS = _GROUND | {"config", "media", "models"}
_SCORING = _TOOLS | {"scorers", "score", "forecast", "report", "pipeline"}
_ALL = _SCORING | {"advice", "what_if", "training", "engine", "batch", "service"}

#: layer → the modules of virality_core it may import (besides its own); what isn't in virality_core is a layer too
MAY_IMPORT: dict[str, set[str]] = {
    "version": set(),
    "errors": set(),
    "files": {"errors"},
    "types": _GROUND,
    "config": _GROUND,
    "media": _GROUND,
    "models": _GROUND,
    "scorers": _TOOLS,
    "score": _GROUND | {"config", "models"},
    "forecast": _GROUND | {"config", "models"},
    "report": _GROUND | {"config"},
    "pipeline": _SCORING,
    "advice": _SCORING,
    "what_if": _SCORING,
    "training": _SCORING,
    "engine": _SCORING | {"advice", "what_if"},
    "batch": _SCORING | {"advice", "engine"},
    "service": _SCORING | {"advice", "what_if", "engine"},
    "cli": _ALL,
    "__main__": {"cli"},
    "__init__": _GROUND | {"pipeline"},
    "app": set(),
    "pages": _ALL,
    "ui": _ALL,
    "recipes": _ALL,
    "bench": _ALL,
}
#: packages of this repository that may be imported by others, and by whom
USED_BY = {
    "ui": {"app", "pages"},
    "pages": set(),
    "recipes": set(),
    "bench": {"recipes"},
    "tests": {"recipes", "bench"},
}
#: third-party packages that only some layers may know
ONLY_IN = {
    "torch": {"models", "scorers", "pipeline", "training", "recipes", "bench"},
    "streamlit": {"app", "pages", "ui"},
    "altair": {"training", "pages", "ui"},
    "av": {"media", "recipes", "bench"},
}


def _layer(path: Path) -> str:
    first = path.relative_to(PACKAGE if path.is_relative_to(PACKAGE) else ROOT).parts[0]
    return first.removesuffix(".py")


def _files() -> list[Path]:
    folders = ("virality_core", "pages", "ui", "recipes", "bench")
    return [ROOT / "app.py", *(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]


def _imports(path: Path) -> set[str]:
    """Every module name imported anywhere in the file, `from a import b` as both `a` and `a.b`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write it out"
            names.add(node.module or "")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", _files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_keep_to_the_layers(path: Path) -> None:
    layer = _layer(path)
    assert layer in MAY_IMPORT, f"{layer} is not in the table: place it"
    known = set(MAY_IMPORT) - {"app", "pages", "ui", "recipes", "bench", "__init__", "__main__"}
    for name in _imports(path):
        head, *rest = name.split(".")
        if head == "virality_core" and rest and rest[0] in known and rest[0] != layer:
            assert rest[0] in MAY_IMPORT[layer], f"{layer} must not import virality_core.{rest[0]}"
        if head in USED_BY and head != layer:
            assert layer in USED_BY[head], f"{layer} must not import {head}"
        if head in ONLY_IN:
            assert layer in ONLY_IN[head], f"{layer} must not import {head}"


def test_the_table_can_fail(tmp_path: Path) -> None:
    """The reader of imports sees nested and aliased imports, so that nothing slips past it."""
    source = tmp_path / "x.py"
    source.write_text("def f():\n    from virality_core import score as g\n    import torch.nn as nn\n")
    assert {"virality_core.score", "torch.nn"} <= _imports(source)
