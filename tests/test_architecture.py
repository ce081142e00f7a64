"""Holds the layers of the design against the imports: data goes left to right, nothing imports what is to its right."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "virality_core"

_GROUND = {"types", "errors", "version", "disk", "heap"}
_TOOLS = _GROUND | {"media", "weights", "reference", "safe_zones", "device", "models"}
_ENGINE_AND_BELOW = _TOOLS | {
    "scorers",
    "fusion",
    "advice",
    "engagement",
    "words",
    "export",
    "platform_check",
    "captions",
    "videos",
    "pipeline",
    "stages",
    "whatif",
    "stabilise",
    "improve",
}

#: module of virality_core → the modules of virality_core it may import (besides itself)
MAY_IMPORT: dict[str, set[str]] = {
    "version": set(),
    "errors": set(),
    "disk": set(),
    "heap": set(),
    "types": _GROUND,
    "media": _GROUND,
    "weights": _GROUND,
    "reference": _GROUND | {"weights"},
    "safe_zones": _GROUND | {"weights"},
    "device": _GROUND,
    "models": _TOOLS - {"media"},
    "scorers": _TOOLS,
    "fusion": _GROUND | {"weights", "reference"},
    "platform_check": _GROUND | {"weights", "reference", "safe_zones", "words"},
    "advice": _GROUND | {"weights", "reference"},
    "engagement": _GROUND | {"weights", "reference"},
    "words": _GROUND | {"weights", "reference"},
    "export": _GROUND | {"weights", "reference", "words", "platform_check"},
    "captions": _TOOLS | {"scorers"},
    "videos": _TOOLS | {"scorers"},
    "stages": _GROUND,
    "stabilise": _TOOLS | {"scorers", "advice"},
    "improve": _ENGINE_AND_BELOW,
    "pipeline": _ENGINE_AND_BELOW,
    "whatif": _GROUND | {"fusion", "engagement", "models"},
    "engine": _ENGINE_AND_BELOW,
    "training": _ENGINE_AND_BELOW | {"evaluation"},
    "evaluation": _ENGINE_AND_BELOW,
    "batch": _ENGINE_AND_BELOW | {"engine"},
    "service": _ENGINE_AND_BELOW | {"engine"},
    "cli": _ENGINE_AND_BELOW | {"engine", "training", "evaluation", "batch", "service"},
    "__main__": {"cli"},
    "__init__": _GROUND | {"pipeline"},
    "app": _GROUND
    | {
        "advice",
        "engine",
        "pipeline",
        "captions",
        "export",
        "evaluation",
        "media",
        "platform_check",
        "reference",
        "safe_zones",
        "weights",
        "whatif",
        "words",
    },
}
#: third-party packages that only some layers may know
ONLY_IN = {
    "torch": {"device", "models", "scorers", "pipeline", "engine", "training", "evaluation"},
    "streamlit": {"app"},
    "av": {"media"},
    "altair": {"app"},
}


def _layer(path: Path) -> str:
    if path.is_relative_to(PACKAGE):
        return path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "app"


def _files() -> list[Path]:
    return [*PACKAGE.rglob("*.py"), ROOT / "app.py", *(ROOT / "pages").rglob("*.py")]


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
    known = {other for other in MAY_IMPORT if other not in {"app", "__init__", "__main__"}}
    for name in _imports(path):
        head, *rest = name.split(".")
        if head == "virality_core" and rest and rest[0] in known and rest[0] != layer:
            assert rest[0] in MAY_IMPORT[layer], f"{layer} must not import virality_core.{rest[0]}"
        if head in ONLY_IN:
            assert layer in ONLY_IN[head], f"{layer} must not import {head}"


def test_the_table_can_fail(tmp_path: Path) -> None:
    """The reader of imports sees nested and aliased imports, so that nothing slips past it."""
    source = tmp_path / "x.py"
    source.write_text("def f():\n    from virality_core import fusion as g\n    import torch.nn as nn\n")
    assert {"virality_core.score", "torch.nn"} <= _imports(source)


def test_streamlit_pages_use_no_navigation() -> None:
    """Streamlit finds pages/ by itself; `st.navigation` beside it would hide them."""
    for path in [ROOT / "app.py", *(ROOT / "pages").rglob("*.py")]:
        assert "st.navigation" not in path.read_text(encoding="utf-8"), path
