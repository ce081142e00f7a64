"""Manifest → verified local file: `weights/manifest.toml` names each file once, with its digest.

`resolve(id)` gives one file, `resolve_component(component, profile)` the files of a component. Nothing here reads the
content of a weights file: `models.checkpoint` does.
"""

from virality_core.models.weights.added_models import add_model
from virality_core.models.weights.download import DigestMismatch
from virality_core.models.weights.files import (
    ComponentFiles,
    find,
    has_both_variants,
    resolve,
    resolve_component,
    verify,
)
from virality_core.models.weights.manifest import Entry, Variant, entries, entry, folder, user_folder

__all__ = [
    "ComponentFiles",
    "DigestMismatch",
    "Entry",
    "Variant",
    "add_model",
    "entries",
    "entry",
    "find",
    "folder",
    "has_both_variants",
    "resolve",
    "resolve_component",
    "user_folder",
    "verify",
]
