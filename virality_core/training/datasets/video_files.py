"""Finds the videos that exports name: by path, by name, or by name without suffix, never outside their folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from virality_core.errors import InputError

SUFFIXES = (".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi", ".3gp", ".gif", ".ts", ".flv")


class VideoFiles:
    """The video files under a folder, by path, name and stem. A name that two files share finds neither."""

    def __init__(self, folder: Path) -> None:
        """Walk the folder once. Raises InputError where there is none."""
        if not folder.is_dir():
            raise InputError(f"There is no folder {folder} with videos.")
        self.folder = folder.resolve()
        named = (path for path in self.folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        found = sorted(path for path in named if inside(self.folder, path))
        self._by_path = {path.relative_to(self.folder).as_posix(): path for path in found}
        self._by_name = _unique((path.name, path) for path in found)
        self._by_stem = _unique((path.stem, path) for path in found)

    def find(self, wanted: str) -> Path | None:
        """The file that an export calls so (a path, a name, an id), or None."""
        text = wanted.replace("\\", "/").strip()
        name = text.rpartition("/")[2]
        if not name:
            return None
        return self._by_path.get(text) or self._by_name.get(name) or self._by_stem.get(name)

    def beside(self, folder: Path, stem: str) -> Path | None:
        """The file of that stem in one folder, or None."""
        try:
            place = folder.resolve().relative_to(self.folder)
        except ValueError:
            return None
        names = ((place / f"{stem}{suffix}").as_posix() for suffix in SUFFIXES)
        return next((self._by_path[name] for name in names if name in self._by_path), None)


def inside(folder: Path, path: Path) -> bool:
    """Whether it is a file that lies in a folder (resolved), and not where a link leads out of it."""
    return path.resolve().is_relative_to(folder) and path.is_file()


def _unique(pairs: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    twice: set[str] = set()
    for key, path in pairs:
        if key in found:
            twice.add(key)
        found[key] = path
    return {key: path for key, path in found.items() if key not in twice}
