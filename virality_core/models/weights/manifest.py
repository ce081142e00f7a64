"""Reads `manifest.toml`: which weights files exist, where they come from, and the digest each must have."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from virality_core.errors import WeightsError

Source = Literal["bundled", "hub", "url"]
Variant = Literal["lite", "full"]

MANIFEST = "manifest.toml"
TENSOR_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin")  # the last three are only read with weights_only=True
TEXT_SUFFIXES = (".json", ".txt")
NETWORK_SUFFIXES = (".onnx",)  # layers and numbers as a protobuf, no pickle: reading it runs no code

_SCHEMA = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One weights file. `size_bytes` (`bytes` in the TOML) and `sha256` are None only while they are not known."""

    id: str
    component: str
    variant: Variant
    source: Source
    file: str  # relative, with forward slashes: in the weights folder or in the hub repository
    licence: str
    citation: str
    repository: str | None = None  # hub: owner/name
    revision: str | None = None  # hub: commit, 40 hex digits
    url: str | None = None
    size_bytes: int | None = None
    max_bytes: int | None = None  # url: limits the download while the exact size is not known
    sha256: str | None = None
    published: str | None = None
    measured: str | None = None

    def __post_init__(self) -> None:
        path = PurePosixPath(self.file)
        suffixes = TENSOR_SUFFIXES + TEXT_SUFFIXES + NETWORK_SUFFIXES
        hub, url = self.source == "hub", self.source == "url"
        limited = self.size_bytes is not None or (self.max_bytes is not None and self.max_bytes > 0)
        checks = (
            ("file", not path.is_absolute() and ".." not in path.parts and path.name, "a relative path"),
            ("file", path.suffix in suffixes, f"one of {suffixes}"),
            ("variant", self.variant in get_args(Variant), "lite or full"),
            ("source", self.source in get_args(Source), "bundled, hub or url"),
            ("sha256", self.sha256 is None or _SHA256.fullmatch(self.sha256), "64 hex digits"),
            ("sha256", self.sha256 is not None or (hub and path.suffix in TEXT_SUFFIXES), "stated"),
            ("size_bytes", self.size_bytes is None or self.size_bytes > 0, "a positive number"),
            ("repository", not hub or self.repository, "stated"),
            ("revision", not hub or (self.revision and _COMMIT.fullmatch(self.revision)), "a commit of 40 digits"),
            ("url", not url or urlsplit(self.url or "").scheme in {"http", "https"}, "an http or https address"),
            ("size_bytes", not url or limited, "stated (or max_bytes), to limit the download"),
        )
        for key, valid, allowed in checks:
            if not valid:
                name = "bytes" if key == "size_bytes" else key
                raise WeightsError(f"Weights {self.id!r}: {name} must be {allowed}, not {getattr(self, key)!r}.")

    @property
    def name(self) -> str:
        """The file's name, without folders."""
        return PurePosixPath(self.file).name


def folder() -> Path:
    """The folder of the manifest and the bundled files, in a checkout or an installed wheel."""
    package = Path(__file__).resolve().parents[2]
    bundled = package / "_weights"  # in an installed wheel
    return bundled if bundled.is_dir() else package.parent / "weights"


def user_folder() -> Path:
    """The folder of the models a user adds: `$VIRALITY_WEIGHTS_DIR` if set, else one in the user's data folder."""
    override = os.environ.get("VIRALITY_WEIGHTS_DIR")
    if override:
        try:
            return Path(override).expanduser()
        except RuntimeError as error:  # ~name of an unknown user
            raise WeightsError(f"VIRALITY_WEIGHTS_DIR is {override!r}, but there is no such user.") from error
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "virality" / "weights"


def entries() -> tuple[Entry, ...]:
    """Every file of both manifests; an id in the user's folder takes precedence over a bundled one.

    Raises:
        WeightsError: a manifest can't be read or states something that is not allowed.
    """
    found: dict[str, Entry] = {}
    for where in (user_folder(), folder()):
        path = where / MANIFEST
        try:
            modified = path.stat().st_mtime_ns if path.is_file() else None
        except (OSError, ValueError) as error:
            raise WeightsError(f"The weights folder {where} can't be read: check VIRALITY_WEIGHTS_DIR.") from error
        if modified is not None:
            for item in _read(path, modified):
                found.setdefault(item.id, item)
    return tuple(found.values())


def entry(identifier: str) -> Entry:
    """The file of that id. Raises WeightsError if no manifest has it."""
    known = {item.id: item for item in entries()}
    if identifier not in known:
        raise WeightsError(f"There are no weights {identifier!r}; the manifest has {', '.join(sorted(known))}.")
    return known[identifier]


@lru_cache
def _read(path: Path, _modified_ns: int) -> tuple[Entry, ...]:
    try:
        return parse(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(f"The manifest {path} can't be read: {error}.") from error


def parse(text: str, path: Path) -> tuple[Entry, ...]:
    """The files listed in a manifest's text. Raises WeightsError, naming `path`, if it is not valid."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise WeightsError(f"The manifest {path} can't be read: {error}.") from error
    if data.get("schema") != _SCHEMA:
        raise WeightsError(f"The manifest {path} has schema {data.get('schema')}; this version reads {_SCHEMA}.")
    blocks = data.get("file", [])
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise WeightsError(f"The manifest {path} must list its files as [[file]] blocks.")
    items = tuple(_entry(block, path) for block in blocks)
    if len({item.id for item in items}) != len(items):
        raise WeightsError(f"The manifest {path} names an id twice.")
    return items


def _entry(block: dict[str, Any], path: Path) -> Entry:
    values = {("size_bytes" if key == "bytes" else key): value for key, value in block.items()}
    known = {field.name: field for field in fields(Entry)}
    missing = {name for name, field in known.items() if field.default is MISSING} - set(values)
    unknown = set(values) - set(known)
    if missing or unknown:
        what = f"lacks {', '.join(sorted(missing))}" if missing else f"has unknown keys {', '.join(sorted(unknown))}"
        raise WeightsError(f"In the manifest {path} the file {block.get('id')!r} {what}.")
    try:
        return Entry(**values)
    except (TypeError, ValueError, AttributeError) as error:  # a number instead of text, or the reverse
        raise WeightsError(
            f"In the manifest {path} the file {block.get('id')!r} has a value of the wrong type."
        ) from error
