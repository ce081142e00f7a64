"""Models that a user adds: files in the user's weights folder, and their blocks in its manifest."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from virality_core.errors import WeightsError
from virality_core.models.weights import cache, manifest

_UNSAFE = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")  # all but printable ASCII without quotes and backslashes


def add_model(component: str, files: Sequence[Path], *, licence: str, citation: str) -> Path:
    """Copy a component's files into the user's folder, where they replace those added before; returns their folder.

    The first file's id is the component's name; the others add their suffix to it. The folder is named by its content
    and the manifest is replaced last, so an interruption leaves the older model in place.

    Raises:
        WeightsError: the folder can't be written, or its manifest can't be read.
    """
    home = manifest.user_folder()
    digests = [cache.sha256(path) for path in files]
    folder = home / f"{component}-{digests[0][:12]}{digests[-1][:4]}"
    blocks = []
    for number, (path, digest) in enumerate(zip(files, digests, strict=True)):
        values = {
            "id": component if number == 0 else f"{component}-{path.suffix.removeprefix('.')}",
            "component": component,
            "variant": "full",
            "source": "bundled",
            "file": f"{folder.name}/{path.name}",
            "sha256": digest,
            "licence": licence,
            "citation": citation,
        }
        lines = [f'{key} = "{_UNSAFE.sub("?", value)}"' for key, value in values.items()]
        blocks += ["[[file]]", *lines, f"bytes = {path.stat().st_size}", ""]
    try:
        home.mkdir(parents=True, exist_ok=True)
        text = _manifest_text(home / manifest.MANIFEST)
        part = home / f".{folder.name}.{uuid.uuid4().hex}.part"
        part.mkdir()
        try:
            for path in files:
                shutil.copyfile(path, part / path.name)
            if folder.exists():  # the same files, added before
                shutil.rmtree(folder)
            os.replace(part, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        _replace_blocks(home / manifest.MANIFEST, text, component, blocks)
        for old in home.glob(f"{component}-????????????????"):
            if old.is_dir() and old != folder:
                shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise WeightsError(f"The model can't be saved in {home}: {error.strerror}.") from error
    return folder


def _manifest_text(path: Path) -> str:
    """The user's manifest, or an empty one. Raises WeightsError if it can't be read."""
    if not path.is_file():
        return "schema = 1\n"
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise WeightsError(f"{path} is not a text file; correct or delete it.") from error
    manifest.check(path)
    return text


def _replace_blocks(path: Path, text: str, component: str, blocks: Sequence[str]) -> None:
    """Write the manifest with these blocks between the component's two comments; the rest stays as it is."""
    begin, end = f"# added: {component}", f"# end of {component}"
    text = re.sub(rf"\n*{re.escape(begin)}\n.*?{re.escape(end)}\n", "\n", text, flags=re.DOTALL)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    part.write_text("\n".join([text.rstrip("\n"), "", begin, *blocks, end, ""]), encoding="utf-8")
    try:
        manifest.check(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
