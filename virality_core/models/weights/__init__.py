"""Manifest → verified local file: `weights/manifest.toml` names each file once, with its digest.

`obtain(component, profile)` gives a component its files; `resolve(id)` one file; `choose` says which variant a profile
would take and why. Nothing here reads a weights file's content: `models.checkpoint` does.
"""

from virality_core.models.weights.added_models import add_own
from virality_core.models.weights.download import DigestMismatch
from virality_core.models.weights.files import find, resolve, verify
from virality_core.models.weights.manifest import (
    Entry,
    Source,
    Variant,
    entries,
    entry,
    folder,
    own_folder,
    search_path,
)
from virality_core.models.weights.profiles import Choice, Obtained, choose, has_both, obtain

__all__ = [
    "Choice",
    "DigestMismatch",
    "Entry",
    "Obtained",
    "Source",
    "Variant",
    "add_own",
    "choose",
    "entries",
    "entry",
    "find",
    "folder",
    "has_both",
    "obtain",
    "own_folder",
    "resolve",
    "search_path",
    "verify",
]
