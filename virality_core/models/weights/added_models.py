"""Models that a user adds: files in the user's weights folder, and their blocks in its manifest."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from virality_core.errors import WeightsError
from virality_core.files import write_atomically
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
    digests = [cache.sha256(file) for file in files]
    folder = home / f"{component}-{digests[0][:12]}{digests[-1][:4]}"
    blocks = []
    for number, (file, digest) in enumerate(zip(files, digests, strict=True)):
        values = {
            "id": component if number == 0 else f"{component}-{file.suffix.removeprefix('.')}",
            "component": component,
            "variant": "full",
            "source": "bundled",
            "file": f"{folder.name}/{file.name}",
            "sha256": digest,
            "licence": licence,
            "citation": citation,
        }
        lines = [f'{key} = "{_UNSAFE.sub("?", value)}"' for key, value in values.items()]
        blocks += ["[[file]]", *lines, f"bytes = {file.stat().st_size}", ""]
    path = home / manifest.MANIFEST
    try:
        home.mkdir(parents=True, exist_ok=True)
        text = _with_blocks(path.read_text(encoding="utf-8") if path.is_file() else "schema = 1\n", component, blocks)
        manifest.parse(text, path)
        part = home / f".{folder.name}.{uuid.uuid4().hex}.part"
        part.mkdir()
        try:
            for file in files:
                shutil.copyfile(file, part / file.name)
            if folder.exists():  # the same files, added before
                shutil.rmtree(folder)
            os.replace(part, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        write_atomically(path, text)
        for old in home.glob(f"{component}-????????????????"):
            if old.is_dir() and old != folder:
                shutil.rmtree(old, ignore_errors=True)
    except UnicodeDecodeError as error:
        raise WeightsError(f"{path} is not a text file; correct or delete it.") from error
    except OSError as error:
        raise WeightsError(f"The model can't be saved in {home}: {error.strerror}.") from error
    return folder


def _with_blocks(text: str, component: str, blocks: Sequence[str]) -> str:
    """The manifest's text with these blocks between the component's two comments; the rest stays as it is."""
    begin, end = f"# added: {component}", f"# end of {component}"
    text = re.sub(rf"\n*{re.escape(begin)}\n.*?{re.escape(end)}\n", "\n", text, flags=re.DOTALL)
    return "\n".join([text.rstrip("\n"), "", begin, *blocks, end, ""])
