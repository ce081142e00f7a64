"""From the manifest to verified files on this machine: one file by its id, or all files of a component by profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from virality_core.errors import WeightsError
from virality_core.models.weights import cache, manifest
from virality_core.models.weights.download import DigestMismatch, download, why_unreachable
from virality_core.models.weights.manifest import Entry, Variant
from virality_core.types import ModelInfo, Profile, Progress, no_progress


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentFiles:
    """A component's verified files; `paths` by id.

    `variant` is `full` if these are the best files there are and more than `lite` was asked for, else `lite`.
    `reason` says why these files; `fell_back` is True if `auto` could not have the best.
    """

    variant: Variant
    entries: tuple[Entry, ...]
    paths: Mapping[str, Path]
    reason: str
    fell_back: bool = False

    @property
    def path(self) -> Path:
        """The only file. Raises ValueError if there are several."""
        (path,) = self.paths.values()
        return path

    def model_info(self, identifier: str | None = None) -> ModelInfo:
        """What a Signal states about its weights: the file of that id, or the only one."""
        (entry,) = (item for item in self.entries if identifier in (None, item.id))
        return ModelInfo(id=entry.id, variant=self.variant, sha256=str(entry.sha256))


def resolve_component(component: str, profile: Profile, progress: Progress = no_progress) -> ComponentFiles:
    """The files a profile uses for a component, downloaded if need be.

    `lite` takes bundled files and never touches the network, `full` takes the best, and `auto` the best it can get.

    Raises:
        DigestMismatch: a file is not what the manifest states, whatever the profile.
        WeightsError: there is no such component, or the profile's files are not available.
    """
    variants = _variants(component)
    best = variants[0]
    if profile == "lite":
        bundled = [files for files in variants if all(item.source == "bundled" for item in files)]
        if not bundled:
            raise WeightsError(f"The project bundles no weights for {component}; use the profile full or auto.")
        paths = {item.id: _resolve(item, progress) for item in bundled[-1]}
        return ComponentFiles(variant="lite", entries=bundled[-1], paths=paths, reason="bundled with the project")
    failure = ""
    for files in variants if profile == "auto" else [best]:
        reason = "on this machine" if all(find(item) for item in files) else "downloaded"
        try:
            paths = {item.id: _resolve(item, progress) for item in files}
        except DigestMismatch:
            raise
        except WeightsError as error:
            failure = str(error)
        else:
            return ComponentFiles(
                variant="full" if files == best else "lite",
                entries=files,
                paths=paths,
                reason=failure or reason,
                fell_back=bool(failure),
            )
    which = "full weights" if profile == "full" else "weights"
    raise WeightsError(f"The {which} for {component} are not available: {failure}")


def has_both_variants(identifier: str) -> bool:
    """Whether the component of that file comes as `lite` and as `full`. Raises WeightsError if there is no such id."""
    return len(_variants(manifest.entry(identifier).component)) > 1


def _variants(component: str) -> list[tuple[Entry, ...]]:
    """The component's files by variant, best first."""
    known = [item for item in manifest.entries() if item.component == component]
    if not known:
        raise WeightsError(f"The manifest has no weights for {component}.")
    grouped = [tuple(item for item in known if item.variant == variant) for variant in ("full", "lite")]
    return [files for files in grouped if files]


def resolve(identifier: str, progress: Progress = no_progress) -> Path:
    """The verified file of that id.

    From the user's weights folder, the bundled one, the Hugging Face cache, or downloaded, in this order.

    Args:
        identifier: An id of the manifest.
        progress: Called during a download; may raise Cancelled, which leaves nothing behind.

    Raises:
        DigestMismatch: the file is not the one the manifest states.
        WeightsError: there is no such id, or the file is neither here nor within reach.
    """
    return _resolve(manifest.entry(identifier), progress)


def _resolve(entry: Entry, progress: Progress) -> Path:
    path = find(entry)
    if path is not None:
        # Bundled files are small: hashing them is faster than looking up their digest.
        bundled = entry.source == "bundled"
        return _check(entry, path, cache.sha256(path) if bundled else cache.cached_sha256(path, cache.digests_folder()))
    if entry.source == "bundled":
        raise WeightsError(f"The bundled file {entry.file} is missing from {manifest.folder()}; reinstall the project.")
    reason = why_unreachable(entry)
    if reason is not None:
        raise WeightsError(f"{entry.id} is not on this machine and can't be downloaded: {reason}.")
    path = cache.cached_path(entry)
    digest = download(entry, path, progress)
    _check(entry, path, digest)
    cache.store_sha256(path, digest, cache.digests_folder())
    return path


def find(entry: Entry) -> Path | None:
    """The entry's file on this machine, its digest not yet checked, or None. Never touches the network."""
    paths = [
        folder / name for folder in (manifest.user_folder(), manifest.folder()) for name in (entry.file, entry.name)
    ]
    if entry.source != "bundled":
        paths.append(cache.cached_path(entry))
    for path in paths:
        try:
            if path.is_file():
                return path
        except OSError:  # in a folder that may not be read
            continue
    return None


def verify(entry: Entry) -> Path | None:
    """The entry's file after computing its digest again, or None if it is not on this machine.

    Raises:
        DigestMismatch: the file is not the one the manifest states.
    """
    path = find(entry)
    return None if path is None else _check(entry, path, cache.sha256(path))


def _check(entry: Entry, path: Path, digest: str) -> Path:
    if entry.sha256 not in (None, digest):
        raise DigestMismatch(
            f"{path} has sha256 {digest}, but the manifest states {entry.sha256} for {entry.id}; "
            "delete or replace the file."
        )
    return path
