"""Models that a user adds: files in a folder of their own, and their blocks in that folder's manifest."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from virality_core.errors import WeightsError
from virality_core.models.weights import cache, manifest

_SAFE = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")  # all but printable ASCII without quotes and backslashes


def add_own(component: str, files: Sequence[Path], *, licence: str, citation: str) -> Path:
    """Make these files what serves a component, in the place of any added before; returns their folder.

    Each file's id is the component's name, for the first, and the name with the file's suffix for the others. The files
    lie in a folder named by their content, and the manifest is exchanged last, so that a stop leaves what was before.

    Raises:
        WeightsError: the folder can't be written, or its manifest can't be read.
    """
    own = manifest.own_folder()
    known = [cache.sha256(path) for path in files]
    place = own / f"{component}-{known[0][:12]}{known[-1][:4]}"
    blocks = []
    for number, (path, digest) in enumerate(zip(files, known, strict=True)):
        values = {
            "id": component if number == 0 else f"{component}-{path.suffix.removeprefix('.')}",
            "component": component,
            "variant": "full",
            "source": "bundled",
            "file": f"{place.name}/{path.name}",
            "sha256": digest,
            "licence": licence,
            "citation": citation,
        }
        lines = [f'{key} = "{_SAFE.sub("?", value)}"' for key, value in values.items()]
        blocks += ["[[file]]", *lines, f"bytes = {path.stat().st_size}", ""]
    try:
        own.mkdir(parents=True, exist_ok=True)
        text = _text_of(own / manifest.MANIFEST)
        part = own / f".{place.name}.{uuid.uuid4().hex}.part"
        part.mkdir()
        try:
            for path in files:
                shutil.copyfile(path, part / path.name)
            if place.exists():  # the same files, added before
                shutil.rmtree(place)
            os.replace(part, place)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        _exchange(own / manifest.MANIFEST, text, component, blocks)
        for old in own.glob(f"{component}-????????????????"):
            if old.is_dir() and old != place:
                shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise WeightsError(f"The model can't be put into {own}: {error.strerror}.") from error
    return place


def _text_of(path: Path) -> str:
    """The manifest as it is, or an empty one. Raises WeightsError for one that can't be read as a manifest."""
    if not path.is_file():
        return "schema = 1\n"
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise WeightsError(f"{path} is no text; mend or remove it.") from error
    manifest.check(path)
    return text


def _exchange(path: Path, text: str, component: str, blocks: Sequence[str]) -> None:
    """Put the blocks into the manifest where the component's were, between two comments; the rest stays as it is."""
    begin, end = f"# added: {component}", f"# end of {component}"
    text = re.sub(rf"\n*{re.escape(begin)}\n.*?{re.escape(end)}\n", "\n", text, flags=re.DOTALL)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    part.write_text("\n".join([text.rstrip("\n"), "", begin, *blocks, end, ""]), encoding="utf-8")
    try:
        manifest.check(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
