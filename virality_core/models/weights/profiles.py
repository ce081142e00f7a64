"""Which variant of a component's weights a profile takes: lite never asks the network, full insists, auto tries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from virality_core.errors import WeightsError
from virality_core.models.weights import manifest
from virality_core.models.weights.download import DigestMismatch
from virality_core.models.weights.files import find, resolve_entry
from virality_core.models.weights.manifest import Entry, Variant
from virality_core.models.weights.reachability import why_unreachable
from virality_core.types import ModelInfo, Profile, Progress

_BEST_FIRST: tuple[Variant, ...] = ("full", "lite")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The files a profile takes for a component, and why.

    `variant` is `full` where the best there is was taken and more than `lite` was asked for, else `lite`.
    `fell_back` is True where `auto` had to take less than the best.
    """

    component: str
    variant: Variant
    entries: tuple[Entry, ...]
    reason: str
    fell_back: bool = False

    @property
    def entry(self) -> Entry:
        """The one file of a component that has one. Raises ValueError where it has several."""
        (only,) = self.entries
        return only

    def model(self, identifier: str | None = None) -> ModelInfo:
        """What a Signal says about the weights behind it: the component's only file, or the named one of several."""
        entry = self.entry if identifier is None else next(item for item in self.entries if item.id == identifier)
        return ModelInfo(id=entry.id, variant=self.variant, sha256=str(entry.sha256))


@dataclass(frozen=True, slots=True, kw_only=True)
class Obtained:
    """A choice with its verified files: `paths` by id."""

    choice: Choice
    paths: Mapping[str, Path]

    @property
    def path(self) -> Path:
        """The one file of a component that has one."""
        return self.paths[self.choice.entry.id]


def choose(component: str, profile: Profile) -> Choice:
    """What `profile` takes for `component`. Fetches nothing; `full` and `auto` ask within seconds who is reachable.

    Raises:
        WeightsError: the component has no such weights, or `full` can't have them.
    """
    return _options(component, profile)[0]


def obtain(component: str, profile: Profile, progress: Progress | None = None) -> Obtained:
    """The component's verified files, fetched if need be. Under `auto`, a download that fails gives way to lite.

    Raises:
        WeightsError: the profile's weights can't be had. DigestMismatch: a file is not what the manifest states; no
            profile looks past that.
    """
    options = _options(component, profile)
    for position, option in enumerate(options):
        try:
            paths = {item.id: resolve_entry(item, progress or _silent) for item in option.entries}
        except DigestMismatch:
            raise
        except WeightsError as error:
            if position + 1 == len(options):
                raise
            failure = str(error)
        else:
            if position:
                option = _choice(component, profile, option.entries, failure, fell_back=True)
            return Obtained(choice=option, paths=paths)
    raise AssertionError("unreachable: _options gives at least one")


def has_both(identifier: str) -> bool:
    """Whether the component that the file of that id serves comes as `lite` and as `full`. Raises WeightsError."""
    return len(_variants(manifest.entry(identifier).component)) > 1


def _options(component: str, profile: Profile) -> list[Choice]:
    """What the profile may take, best first; more than one only under `auto`."""
    variants = _variants(component)
    if profile == "lite":
        for files in reversed(variants):
            if all(item.source == "bundled" for item in files):
                return [_choice(component, profile, files, "bundled with the project")]
        raise WeightsError(f"The project bundles no weights for {component}; use the profile full or auto.")
    options: list[Choice] = []
    why_not = ""
    for files in variants:
        reason = _why_out_of_reach(files)
        if reason is None:
            at_hand = all(find(item) is not None for item in files)
            how = why_not or ("on this machine" if at_hand else "the hub answers")
            options.append(_choice(component, profile, files, how, fell_back=bool(why_not)))
        elif profile == "full":
            raise WeightsError(f"The full weights for {component} can't be had: {reason}.")
        else:
            why_not = f"the full weights are out of reach: {reason}"
        if profile == "full":
            break
    if not options:
        raise WeightsError(f"No weights for {component} can be had: {why_not}.")
    return options


def _choice(
    component: str, profile: Profile, files: tuple[Entry, ...], reason: str, *, fell_back: bool = False
) -> Choice:
    best = files == _variants(component)[0]
    variant: Variant = "full" if best and profile != "lite" else "lite"
    return Choice(component=component, variant=variant, entries=files, reason=reason, fell_back=fell_back)


def _variants(component: str) -> list[tuple[Entry, ...]]:
    """The component's files by variant, best first."""
    known = [item for item in manifest.entries() if item.component == component]
    if not known:
        raise WeightsError(f"The manifest has no weights for {component}.")
    grouped = [tuple(item for item in known if item.variant == variant) for variant in _BEST_FIRST]
    return [files for files in grouped if files]


def _why_out_of_reach(files: tuple[Entry, ...]) -> str | None:
    for item in files:
        if find(item) is None:
            if item.source == "bundled":
                return f"the bundled file {item.file} is missing"
            reason = why_unreachable(item)
            if reason is not None:
                return reason
    return None


def _silent(stage: str, fraction: float) -> None:
    """Progress nobody watches."""
